//! The supervisor's state, shared: the supervisor works on it, reports are applied to it in the thread
//! that makes them, and listings read it.

use super::SupervisorState;
use crate::panic::catch;
use crate::session::{Lifecycle, LifecycleSink, SupervisorGone};
use futures_util::task::AtomicWaker;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Context;

/// The state with its lock. The supervisor and its monitor own it; whatever reports or reads has a weak
/// reference.
pub(crate) struct SharedState {
    state: Mutex<SupervisorState>,
    /// Wakes the monitor when a report needs it.
    monitor: AtomicWaker,
}

impl SharedState {
    pub(crate) const fn new(state: SupervisorState) -> Self {
        Self {
            state: Mutex::new(state),
            monitor: AtomicWaker::new(),
        }
    }

    /// Locks the state for one report or one answer. No code of the application may run under this
    /// lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, SupervisorState> {
        // A poisoned lock is used on, because after a panic the monitor has to go on with the state as
        // it is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the state; `None` when the supervisor has ended or panicked.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&SupervisorState) -> R) -> Option<R> {
        let state = self.lock();
        state.is_working().then(|| read(&state))
    }

    /// Registers this task to be woken when a report may have ended the supervisor's work.
    pub(super) fn register_monitor(&self, cx: &Context<'_>) {
        self.monitor.register(cx.waker());
    }
}

impl LifecycleSink for SharedState {
    fn apply(&self, report: Lifecycle) -> Result<(), SupervisorGone> {
        let wake = {
            let mut state = self.lock();
            if state.ended {
                return Err(SupervisorGone);
            }
            if let Err(panic) = catch(|| state.apply(report)) {
                // Only the first panic is kept, because later ones may follow from it.
                state.panic.get_or_insert(panic);
            }
            state.panic.is_some() || (state.shutdown.is_some() && state.is_empty())
        };
        if wake {
            self.monitor.wake();
        }
        Ok(())
    }
}

impl fmt::Debug for SharedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedState")
    }
}
