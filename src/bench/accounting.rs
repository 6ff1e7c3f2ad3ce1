//! Admission, and the ledger with its events.

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

/// How many sources take turns, because the cost of one depends on its place in the map.
const SOURCES: u64 = 1000;

/// Admission while other connections are open.
pub struct AdmissionPiece {
    admission: Arc<Admission>,
    /// The connections that are admitted and end, in turn.
    arrivals: Vec<Arc<SessionHandle>>,
    next: usize,
    now: Instant,
    /// The permits of the other connections.
    _present: Vec<Permit>,
}

impl AdmissionPiece {
    /// Makes admission with this many established connections from as many sources.
    ///
    /// # Panics
    /// When the limits refuse one of them.
    pub fn with(present: u32) -> Self {
        let limits = AdmissionLimits {
            connections: 1_000_000,
            ..AdmissionLimits::default()
        };
        let admission = Admission::new(limits, None);
        let now = Instant::now();
        let admitted = |number: u32| {
            let permit = admit(&admission, &session(number.into()), now);
            // The limits admit a million connections, and each source has one.
            let permit = permit.expect("there is room");
            permit.handshake_done();
            permit
        };
        Self {
            _present: (1..=present).map(admitted).collect(),
            arrivals: (1..=SOURCES)
                .map(|number| session(u64::from(present) + number))
                .collect(),
            next: 0,
            admission,
            now,
        }
    }

    /// Admits one more connection, ends its handshake, and ends the connection.
    ///
    /// # Panics
    /// When the connection is refused.
    pub fn admit_and_end(&mut self) {
        // Time passes, so that the rate limit admits the connection.
        self.now += Duration::from_millis(1);
        self.next = (self.next + 1) % self.arrivals.len();
        let arrival = &self.arrivals[self.next];
        let permit = admit(&self.admission, arrival, self.now);
        // The limits are not reached, and a second has passed since the last connection of this source.
        permit.expect("there is room").handshake_done();
    }
}

/// The ledger, and the queue of events to one observer.
pub struct LedgerPiece {
    ledger: Ledger<()>,
    subscribers: Subscribers,
    observer: Subscription,
    next: u64,
    now: Instant,
}

impl LedgerPiece {
    /// Makes a ledger with this many established connections.
    pub fn with(open: u64) -> Self {
        let mut subscribers = Subscribers::new(Arc::new(Gate::default()));
        let observer = subscribers.subscribe(EventFilter::all(), 1_000_000);
        let mut piece = Self {
            ledger: Ledger::new(),
            subscribers,
            observer,
            next: 0,
            now: Instant::now(),
        };
        for _ in 0..open {
            piece.establish(|_| ());
        }
        piece
    }

    /// Reports that a connection is accepted, established and closed, and shows each event to the
    /// observer.
    pub fn accept_and_close(&mut self, mut seen: impl FnMut(&Event)) {
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
    // The numbers used here are small.
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
