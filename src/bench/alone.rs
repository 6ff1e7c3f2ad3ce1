//! One session polled by hand: no runtime, no supervisor, no other thread. What happens between two
//! moments is what that session did.

use crate::admission::{Admission, AdmissionLimits};
use crate::application::Application;
use crate::clock::Clock;
use crate::connection::{Connection, ConnectionId, Direction};
use crate::deadline::Deadlines;
use crate::flow::{Line, Verdict};
use crate::lane::{Ended, Lane, Lifecycle, Reader};
use crate::session::{self, House, Terms};
use crate::sip::Limits;
use crate::testing::{MemoryStream, pipe};
use crate::tls::{Generation, TlsPolicy};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Instant, SystemTime};
use xtra::Mailbox;

/// A session, and what others would notice of it.
pub struct Alone {
    session: Pin<Box<dyn Future<Output = Ended> + Send>>,
    line: Arc<Line>,
    lane: Reader,
    words: u64,
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
    /// One that was just accepted, and the peer's end of its connection.
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
        let line = Line::new(Arc::new(connection), 1 << 20);
        let now = Instant::now();
        let admission = Admission::new(AdmissionLimits::default(), None);
        // Nobody else is here.
        let permit = admission.admit(address.ip(), &line, now).expect("room");
        let (lane, words) = Lane::new();
        // Whoever calls this brings a policy that works.
        let generation = Generation::load(policy).expect("a policy that works");
        let house = House {
            application,
            generation,
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            lane,
            clock: Clock::default(),
        };
        let (ours, theirs) = pipe(256 * 1024);
        let (_, mailbox) = Mailbox::unbounded();
        let session = session::run(Terms {
            stream: ours,
            line: Arc::clone(&line),
            permit,
            mailbox,
            accepted: now,
            house: Arc::new(house),
        });
        let alone = Self {
            session: Box::pin(session),
            line,
            lane: words,
            words: 0,
            wakes: Arc::default(),
        };
        (alone, theirs)
    }

    /// Has it do what it can without waiting; true once it has ended.
    pub fn poll(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let mut cx = Context::from_waker(&waker);
        loop {
            let wakes = self.wakes();
            let ended = self.session.as_mut().poll(&mut cx).is_ready();
            let mut answered = false;
            while let Some(word) = self.lane.words().take() {
                self.words += 1;
                if matches!(word, Lifecycle::Ready { .. }) {
                    self.line.answer(Verdict::Serve);
                    answered = true;
                }
            }
            // It may have gone to the end of the queue by itself.
            if ended || !answered && self.wakes() == wakes {
                return ended;
            }
        }
    }

    /// How often it has said something to its supervisor.
    pub const fn words(&self) -> u64 {
        self.words
    }

    /// How often it was woken.
    pub fn wakes(&self) -> u64 {
        self.wakes.0.load(Ordering::Relaxed)
    }
}
