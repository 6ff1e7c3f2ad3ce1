//! Admission, and the records of what happens.

use crate::admission::{Admission, AdmissionLimits, Permit, Refusal};
use crate::cause::CloseCause;
use crate::connection::{Connection, ConnectionId, ConnectionStats, Direction};
use crate::event::{Closed, Event, Ready};
use crate::observe::{EventFilter, Gate, Subscribers, Subscription};
use crate::session::SessionHandle;
use crate::supervisor::Ledger;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How many come and go in turn: where each lies in a map is a matter of luck.
const STRANGERS: u64 = 1000;

/// Admission while others are here.
pub struct Door {
    admission: Arc<Admission>,
    /// Who comes and goes, in turn.
    arrivals: Vec<Arc<SessionHandle>>,
    next: usize,
    now: Instant,
    /// Everybody else.
    _present: Vec<Permit>,
}

impl Door {
    /// With this many established connections from as many sources.
    ///
    /// # Panics
    /// When they are more than may come in.
    pub fn with(present: u32) -> Self {
        let limits = AdmissionLimits {
            connections: 1_000_000,
            ..AdmissionLimits::default()
        };
        let admission = Admission::new(limits, None);
        let now = Instant::now();
        let come = |number: u32| {
            let permit = admit(&admission, &session(number.into()), now);
            // There is room for a million, and each source has one.
            let permit = permit.expect("there is room");
            permit.handshake_done();
            permit
        };
        Self {
            _present: (1..=present).map(come).collect(),
            arrivals: (1..=STRANGERS)
                .map(|number| session(u64::from(present) + number))
                .collect(),
            next: 0,
            admission,
            now,
        }
    }

    /// One more comes, shakes hands and goes.
    ///
    /// # Panics
    /// When it is not let in.
    pub fn come_and_go(&mut self) {
        // Nobody comes faster than the rate.
        self.now += Duration::from_millis(1);
        self.next = (self.next + 1) % self.arrivals.len();
        let arrival = &self.arrivals[self.next];
        let permit = admit(&self.admission, arrival, self.now);
        // There is room, and a second has gone by since the last of the same source.
        permit.expect("there is room").handshake_done();
    }
}

/// The ledger and the way of events to one observer.
pub struct Records {
    ledger: Ledger<()>,
    subscribers: Subscribers,
    observer: Subscription,
    next: u64,
    now: Instant,
}

impl Records {
    /// With this many established connections.
    pub fn with(open: u64) -> Self {
        let mut subscribers = Subscribers::new(Arc::new(Gate::default()));
        let observer = subscribers.subscribe(EventFilter::all(), 1_000_000);
        let mut records = Self {
            ledger: Ledger::new(),
            subscribers,
            observer,
            next: 0,
            now: Instant::now(),
        };
        for _ in 0..open {
            records.establish(|_| ());
        }
        records
    }

    /// A connection is accepted, gets ready and closes; the observer sees each.
    pub fn live(&mut self, mut seen: impl FnMut(&Event)) {
        let connection = self.establish(&mut seen);
        if self.ledger.end(connection.id).is_ok() {
            let closed = Closed {
                connection,
                cause: CloseCause::PeerClosed,
                duration: Duration::from_secs(1),
                stats: ConnectionStats {
                    bytes_in: 1000,
                    bytes_out: 2000,
                    messages_in: 1,
                    messages_out: 1,
                },
                alert: None,
            };
            self.publish(&Event::Closed(Arc::new(closed)), &mut seen);
        }
    }

    fn establish(&mut self, mut seen: impl FnMut(&Event)) -> Arc<Connection> {
        self.next += 1;
        let connection = connection(self.next);
        if self.ledger.begin(Arc::clone(&connection), ()).is_ok() {
            self.publish(&Event::Accepted(Arc::clone(&connection)), &mut seen);
        }
        let ready = Arc::new(Ready {
            connection: Arc::clone(&connection),
            elapsed: Duration::from_millis(1),
            tls: crate::connection::Tls::default(),
        });
        if self.ledger.ready(Arc::clone(&ready), self.now).is_ok() {
            self.publish(&Event::Ready(ready), &mut seen);
        }
        connection
    }

    fn publish(&mut self, event: &Event, seen: &mut impl FnMut(&Event)) {
        self.subscribers.publish(event);
        if let Some(event) = self.observer.next_blocking() {
            seen(&event);
        }
    }
}

fn session(number: u64) -> Arc<SessionHandle> {
    SessionHandle::new(connection(number), 1).0
}

fn admit(
    admission: &Arc<Admission>,
    session: &Arc<SessionHandle>,
    now: Instant,
) -> Result<Permit, Refusal> {
    let peer = session.connection.peer.ip();
    admission.admit(peer, Arc::clone(session) as _, &session.counters, now)
}

fn connection(number: u64) -> Arc<Connection> {
    // Numbers of pieces are small.
    let source = Ipv4Addr::from_bits(0x0a00_0000 + number as u32);
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
    Arc::new(Connection {
        id: ConnectionId::new(number),
        direction: Direction::Inbound,
        peer: SocketAddr::from((source, 5061)),
        local,
        listener: local,
        begun: SystemTime::UNIX_EPOCH,
    })
}
