//! Decides whether a connection is admitted. An admitted connection holds a permit; dropping the permit
//! returns what the connection counted for.

mod bans;
mod bucket;
mod limits;
mod memory;
mod rules;

pub use bans::{Ban, BanRule};
pub use limits::{AdmissionLimits, Rate};
pub(crate) use rules::{PendingHandshake, Refusal};

use crate::cause::RefusalCause;
use crate::connection::ConnectionCounters;
use bans::Bans;
use memory::{HANDSHAKE, Memory};
use rules::{Rules, Ticket};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The admission rules, shared by all acceptors and permits. The lock is held only for a few lookups.
#[derive(Debug)]
pub(crate) struct Admission {
    rules: Mutex<State>,
    /// Connections whose PROXY header has not been read yet, so that they are neither admitted nor
    /// refused.
    waiting: AtomicUsize,
    memory: Memory,
}

#[derive(Debug)]
struct State {
    rules: Rules<Arc<dyn PendingHandshake>>,
    bans: Bans,
    closed: bool,
}

/// The right to one open connection. The session drops it together with everything else it owns.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    ticket: Ticket,
    counters: Arc<ConnectionCounters>,
}

impl Admission {
    pub(crate) fn new(limits: AdmissionLimits, ban_rule: Option<BanRule>) -> Arc<Self> {
        let rules = Rules::new(limits);
        Arc::new(Self {
            rules: Mutex::new(State {
                rules,
                bans: Bans::new(ban_rule),
                closed: false,
            }),
            waiting: AtomicUsize::new(0),
            memory: Memory::default(),
        })
    }

    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
        handshake: Arc<dyn PendingHandshake>,
        counters: &Arc<ConnectionCounters>,
        now: Instant,
    ) -> Result<Permit, Refusal> {
        let mut state = self.state();
        if state.closed {
            return Err(Refusal {
                cause: RefusalCause::Draining,
                limit: 0,
                current: state.rules.open() as u64,
            });
        }
        let limits = state.rules.limits();
        let source = limits.source(peer);
        if !limits.exempts(peer)
            && let Some(refused) = state.bans.refuses(source, now)
        {
            return Err(Refusal {
                cause: RefusalCause::Banned,
                limit: 0,
                current: refused,
            });
        }
        self.memory.has_room(state.rules.limits().memory)?;
        let ticket = state.rules.admit(peer, handshake, now)?;
        self.memory.recount(&counters.memory, HANDSHAKE);
        Ok(Permit {
            admission: Arc::clone(self),
            ticket,
            counters: Arc::clone(counters),
        })
    }

    /// Registers a connection whose PROXY header is being read. A shutdown waits until the result is
    /// dropped.
    pub(crate) fn wait(self: &Arc<Self>) -> Waiting {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(Arc::clone(self))
    }

    /// How many connections are waiting for their PROXY header.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// The refusal for a connection whose PROXY header must not even be read, because the connection
    /// limit is reached.
    pub(crate) fn full(&self) -> Option<Refusal> {
        let state = self.state();
        let limit = state.rules.limits().connections;
        let current = state.rules.open() + self.waiting();
        (current >= limit).then_some(Refusal {
            cause: RefusalCause::ConnectionLimit,
            limit: limit as u64,
            current: current as u64,
        })
    }

    /// Whether every new connection is refused.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Refuses every new connection from now on.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    /// Sets the limits for new connections and returns the old ones.
    pub(crate) fn set_limits(&self, limits: AdmissionLimits) -> AdmissionLimits {
        self.state().rules.set_limits(limits)
    }

    /// Counts a connection from this peer that ended with this cause. Returns the source and the
    /// duration of its ban, if this strike leads to one.
    pub(crate) fn strike(
        &self,
        peer: IpAddr,
        cause: &str,
        now: Instant,
    ) -> Option<(IpAddr, Duration)> {
        let mut state = self.state();
        let limits = state.rules.limits();
        if limits.exempts(peer) {
            return None;
        }
        let source = limits.source(peer);
        let duration = state.bans.strike(source, cause, now)?;
        Some((source, duration))
    }

    /// Bans the source of this address, for this time or until the ban is lifted. Returns the source.
    pub(crate) fn ban(&self, peer: IpAddr, duration: Option<Duration>, now: Instant) -> IpAddr {
        let mut state = self.state();
        let source = state.rules.limits().source(peer);
        state.bans.add(source, duration, now);
        source
    }

    /// Lifts the ban of this address's source. False when there was none.
    pub(crate) fn lift_ban(&self, peer: IpAddr) -> bool {
        let mut state = self.state();
        let source = state.rules.limits().source(peer);
        state.bans.lift(source)
    }

    pub(crate) fn bans(&self, now: Instant) -> Vec<Ban> {
        self.state().bans.list(now)
    }

    /// How many permits are held at this moment.
    pub(crate) fn open(&self) -> usize {
        self.state().rules.open()
    }

    /// How many handshakes count against the limit at this moment.
    pub(crate) fn handshaking(&self) -> usize {
        self.state().rules.handshaking()
    }

    /// Bytes counted against the memory budget.
    pub(crate) fn memory(&self) -> usize {
        self.memory.counted()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is used on, because no critical section can panic between two changes that
        // belong together.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one connection that is waiting for its PROXY header, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<Admission>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Permit {
    /// Ends the handshake in the counts, so that another one may begin.
    pub(crate) fn handshake_done(&self) {
        self.admission.state().rules.handshake_done(self.ticket);
        self.buffers(0);
    }

    /// Reports how many bytes are buffered for the session.
    pub(crate) fn buffers(&self, bytes: usize) {
        let counted = memory::session_with(bytes);
        self.admission
            .memory
            .recount(&self.counters.memory, counted);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.state().rules.gone(self.ticket);
        self.admission.memory.recount(&self.counters.memory, 0);
    }
}
