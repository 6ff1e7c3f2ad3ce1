//! What a history's parts share: the clock, what the application went through, and where each
//! client stands.

use super::client::Socket;
use super::tally::Tally;
use sipward::testing::ManualClock;
use sipward::{Busy, Flow, KeepOpen};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub struct World {
    pub clock: ManualClock,
    pub tally: Arc<Tally>,
    pub marks: Marks,
    /// Time only moves while everybody sleeps; so nothing is late that is not hindered.
    pub in_step: bool,
    state: Mutex<State>,
}

/// Set when it has happened.
#[derive(Default)]
pub struct Marks {
    /// Everything the tasks share has been dropped: no session and no acceptor is left.
    pub application_dropped: AtomicBool,
    pub observer_panics: AtomicBool,
    pub observer_panicked: AtomicBool,
    pub observer_dropped: AtomicBool,
    pub supervisor_panicked: AtomicBool,
    pub shutting_down: AtomicBool,
}

#[derive(Default)]
pub struct State {
    /// Conversations by connection.
    pub lives: HashMap<u64, Life>,
    /// Clients by port.
    pub sockets: HashMap<u16, Socket>,
    /// Clients that cannot have read our last flight.
    pub stops_reading: HashSet<u16>,
    /// Clients for whom no conversation can be opened.
    pub unwelcome: HashSet<u16>,
    /// Clients whose task is dropped by the runtime.
    pub doomed: HashSet<u16>,
    /// Clients somebody told to close.
    pub told_to_close: HashSet<u16>,
    pub flows: Vec<Flow>,
    pub holds: Vec<KeepOpen>,
    pub busy: Vec<Busy>,
}

/// One conversation, as its application saw it.
pub struct Life {
    pub opened: Instant,
    pub dropped: Option<Instant>,
    /// What it panicked with first.
    pub panic: Option<&'static str>,
}

impl World {
    pub fn new(tally: Arc<Tally>, in_step: bool) -> Arc<Self> {
        Arc::new(Self {
            clock: ManualClock::new(),
            tally,
            marks: Marks::default(),
            in_step,
            state: Mutex::default(),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a panic about to happen in this conversation; then it has to be raised.
    pub fn panics(&self, id: u64, injection: &'static str) {
        self.tally.injected(injection);
        if let Some(life) = self.state().lives.get_mut(&id) {
            life.panic.get_or_insert(injection);
        }
    }
}

impl Marks {
    pub fn set(mark: &AtomicBool) {
        mark.store(true, Ordering::SeqCst);
    }

    pub fn is_set(mark: &AtomicBool) -> bool {
        mark.load(Ordering::SeqCst)
    }
}
