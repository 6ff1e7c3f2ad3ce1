//! One session polled by hand, without runtime, supervisor or other threads, so that everything
//! measured was done by that session.

use crate::admission::{Admission, AdmissionLimits};
use crate::clock::Clock;
use crate::connection::{Connection, ConnectionId, Direction};
use crate::deadline::Deadlines;
use crate::session::{
    self, Application, ReportLog, SessionContext, SessionHandle, SessionOutcome, SessionParts,
};
use crate::sip::Limits;
use crate::tls::{Generation, TlsPolicy};
use crate::transport::memory::{MemoryStream, pipe};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Instant, SystemTime};

/// A session, and the reports and wake-ups it makes.
pub struct Alone {
    session: Pin<Box<dyn Future<Output = SessionOutcome> + Send>>,
    reports: Arc<ReportLog>,
    reported: u64,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Alone {
    /// Makes a session that was just accepted, and returns it with the peer's end of its connection.
    ///
    /// # Panics
    /// When the policy cannot be used.
    pub fn new<A: Application>(policy: &TlsPolicy, application: A) -> (Self, MemoryStream) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
        let connection = Connection {
            id: ConnectionId::new(1),
            direction: Direction::Inbound,
            peer: address,
            local: address,
            listener: address,
            begun: SystemTime::now(),
        };
        let (handle, mailbox) = SessionHandle::new(Arc::new(connection), 1 << 20);
        let now = Instant::now();
        let admission = Admission::new(AdmissionLimits::default(), None);
        let handshake = Arc::clone(&handle);
        let admitted = admission.admit(address.ip(), handshake, &handle.counters, now);
        // No other connection is open.
        let permit = admitted.expect("room");
        let (reports, lifecycle) = ReportLog::new();
        // The panic for a policy that does not work is documented above.
        let generation = Generation::load(policy).expect("a policy that works");
        let context = SessionContext {
            application,
            generation,
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            lifecycle,
            clock: Clock::default(),
        };
        let (ours, theirs) = pipe(256 * 1024);
        let session = session::run(SessionParts {
            stream: ours,
            handle: Arc::clone(&handle),
            permit,
            mailbox,
            accepted: now,
            context: Arc::new(context),
        });
        let alone = Self {
            session: Box::pin(session),
            reports,
            reported: 0,
            wakes: Arc::default(),
        };
        (alone, theirs)
    }

    /// Polls the session until it waits; true once it has ended.
    pub fn poll(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let mut cx = Context::from_waker(&waker);
        loop {
            let wakes = self.wakes();
            let ended = self.session.as_mut().poll(&mut cx).is_ready();
            while self.reports.take().is_some() {
                self.reported += 1;
            }
            // The session may have yielded, and has then woken itself.
            if ended || self.wakes() == wakes {
                return ended;
            }
        }
    }

    /// How many reports it has made to its supervisor.
    pub fn reports(&self) -> u64 {
        self.reported + self.reports.ready_reports()
    }

    /// How often it was woken.
    pub fn wakes(&self) -> u64 {
        self.wakes.0.load(Ordering::Relaxed)
    }
}
