//! Who may come in. A permit is held by its session; its drop is the accounting.

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

/// The rules, shared by all acceptors and permits. Its lock is held for a few lookups.
#[derive(Debug)]
pub(crate) struct Admission {
    rules: Mutex<State>,
    /// Connections that have not been asked about yet: their header is still to come.
    waiting: AtomicUsize,
    memory: Memory,
}

#[derive(Debug)]
struct State {
    rules: Rules<Arc<dyn PendingHandshake>>,
    bans: Bans,
    closed: bool,
}

/// The right to one open connection. Dropped with the last thing the session owns.
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

    /// A connection that will be asked about: a shutdown waits for it.
    pub(crate) fn wait(self: &Arc<Self>) -> Waiting {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(Arc::clone(self))
    }

    /// How many connections have still to be asked about.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Why not even a connection's header can be waited for: as many are here as may be.
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

    /// Whether everybody is refused.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// From now on everybody is refused.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    /// New limits for whoever comes from now on; gives the old ones.
    pub(crate) fn set_limits(&self, limits: AdmissionLimits) -> AdmissionLimits {
        self.state().rules.set_limits(limits)
    }

    /// A connection from there ended with this cause: the source and the time it is banned for if
    /// that was one too many.
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

    /// Bans the source of this address, for this time or until it is lifted; gives the source.
    pub(crate) fn ban(&self, peer: IpAddr, duration: Option<Duration>, now: Instant) -> IpAddr {
        let mut state = self.state();
        let source = state.rules.limits().source(peer);
        state.bans.add(source, duration, now);
        source
    }

    /// Lifts the ban of this address's source; whether there was one.
    pub(crate) fn lift_ban(&self, peer: IpAddr) -> bool {
        let mut state = self.state();
        let source = state.rules.limits().source(peer);
        state.bans.lift(source)
    }

    pub(crate) fn bans(&self, now: Instant) -> Vec<Ban> {
        self.state().bans.list(now)
    }

    /// Permits out at this moment.
    pub(crate) fn open(&self) -> usize {
        self.state().rules.open()
    }

    /// Handshakes that count at this moment.
    pub(crate) fn handshaking(&self) -> usize {
        self.state().rules.handshaking()
    }

    /// Bytes counted against the memory budget.
    pub(crate) fn memory(&self) -> usize {
        self.memory.counted()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No critical section calls anything that panics half way.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that has still to be asked about, while it lives.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<Admission>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Permit {
    /// The handshake is over: its place among handshakes is free.
    pub(crate) fn handshake_done(&self) {
        self.admission.state().rules.handshake_done(self.ticket);
        self.buffers(0);
    }

    /// What is buffered for the session, in bytes.
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
