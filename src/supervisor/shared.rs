//! The supervisor's state, shared: the supervisor works on it, reports are applied to it in the thread
//! that makes them, and listings read it.

use super::SupervisorState;
use crate::event::Ready;
use crate::panic::catch;
use crate::session::{Lifecycle, LifecycleSink, ReadyAnswer, SessionHandle, SupervisorGone};
use futures_util::task::AtomicWaker;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Instant;

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

impl SharedState {
    /// Applies one report; `None` if the supervisor panics over it.
    fn report<R>(
        &self,
        apply: impl FnOnce(&mut SupervisorState) -> R,
    ) -> Result<Option<R>, SupervisorGone> {
        let (answer, wake) = {
            let mut state = self.lock();
            if state.ended {
                return Err(SupervisorGone);
            }
            let answer = match catch(|| apply(&mut state)) {
                Ok(answer) => Some(answer),
                Err(panic) => {
                    // Only the first panic is kept, because later ones may follow from it.
                    state.panic.get_or_insert(panic);
                    None
                }
            };
            let wake = state.panic.is_some() || (state.shutdown.is_some() && state.is_empty());
            (answer, wake)
        };
        if wake {
            self.monitor.wake();
        }
        Ok(answer)
    }
}

impl LifecycleSink for SharedState {
    fn accepted(&self, handle: Arc<SessionHandle>, at: Instant) -> Result<(), SupervisorGone> {
        // After a panic the connection may be in the ledger, so its session runs and reports its end; the
        // monitor asks it to close.
        self.report(|state| state.accepted(handle, at)).map(drop)
    }

    fn ready(&self, ready: Arc<Ready>, at: Instant) -> Result<ReadyAnswer, SupervisorGone> {
        self.report(|state| state.ready(ready, at))?
            .ok_or(SupervisorGone)
    }

    fn apply(&self, report: Lifecycle) -> Result<(), SupervisorGone> {
        self.report(|state| state.apply(report)).map(drop)
    }
}

impl fmt::Debug for SharedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedState")
    }
}
