//! The supervisor's state, shared: the supervisor works on it, reports are applied to it in the thread
//! that makes them, and listings read it.

use super::SupervisorState;
use crate::panic::catch;
use crate::session::{Lifecycle, LifecycleSink, SupervisorGone};
use futures_util::task::AtomicWaker;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Context;

/// Held by the supervisor and its monitor, and weakly by everything that reports or reads.
pub(crate) struct SharedState {
    state: Mutex<SupervisorState>,
    /// The monitor: woken when there is something that it alone can do.
    monitor: AtomicWaker,
}

impl SharedState {
    pub(crate) const fn new(state: SupervisorState) -> Self {
        Self {
            state: Mutex::new(state),
            monitor: AtomicWaker::new(),
        }
    }

    /// The state, for one report or one answer. No code of the application runs under this lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, SupervisorState> {
        // After a panic under the lock the monitor goes on with the state as it is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the state says, unless the supervisor has ended or panicked.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&SupervisorState) -> R) -> Option<R> {
        let state = self.lock();
        state.is_working().then(|| read(&state))
    }

    /// Has this task woken when a report may have ended the supervisor's work.
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
                // The first panic is the one that explains.
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
