//! The phases of a run, set by the runner and followed by all workers.
//!
//! A phase is over when every worker is quiet in it: then no operation starts in one phase and ends
//! in another, and the server's CPU time between two samples is that of the counted operations.

use crate::failure::Failure;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What the workers do at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Connections are opened and prepared.
    Preparing,
    /// Operations are done but not counted.
    Warming {
        /// When the first one may start.
        from: Instant,
        /// When no more are started.
        until: Instant,
    },
    /// Operations are done and counted.
    Measuring {
        /// When the first one may start.
        from: Instant,
        /// When no more are started.
        until: Instant,
    },
    /// All connections are closed.
    Closing,
    /// The workers end.
    Finished,
}

/// What the runner and the workers share.
pub struct Phases {
    phase: Mutex<(u64, Phase)>,
    /// By worker: the number of the last phase in which it was quiet.
    quiet: Vec<AtomicU64>,
    quota: AtomicU64,
    operations: AtomicU64,
    errors: AtomicU64,
    stopped: AtomicBool,
    abort_reason: Mutex<Option<Failure>>,
}

impl Phases {
    /// For this number of workers, which may count at most this number of operations.
    pub fn new(workers: usize, operations: u64) -> Self {
        Self {
            phase: Mutex::new((1, Phase::Preparing)),
            quiet: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            quota: AtomicU64::new(operations),
            operations: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            abort_reason: Mutex::new(None),
        }
    }

    /// The phase and its number.
    pub fn phase(&self) -> (u64, Phase) {
        *lock(&self.phase)
    }

    /// Begins the next phase.
    pub fn begin(&self, phase: Phase) {
        let mut current = lock(&self.phase);
        *current = (current.0 + 1, phase);
    }

    /// Notes that this worker has no operation under way and will start none in this phase.
    pub fn set_quiet(&self, worker: usize, number: u64) {
        self.quiet[worker].store(number, Ordering::Release);
    }

    /// True when every worker is quiet in the current phase.
    pub fn all_quiet(&self) -> bool {
        let (number, _) = self.phase();
        let mut workers = self.quiet.iter();
        workers.all(|quiet| quiet.load(Ordering::Acquire) == number)
    }

    /// Takes one counted operation from the quota; false when it is used up.
    pub fn take_quota(&self) -> bool {
        let taken = self
            .quota
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.is_ok()
    }

    /// True when no more operations may be counted.
    pub fn quota_is_used_up(&self) -> bool {
        self.quota.load(Ordering::Relaxed) == 0
    }

    /// Counts an operation that was done, for the progress line.
    pub fn count_done(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an operation that failed, for the progress line.
    pub fn count_failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Operations done and failed so far, warming up included.
    pub fn progress(&self) -> (u64, u64) {
        (
            self.operations.load(Ordering::Relaxed),
            self.errors.load(Ordering::Relaxed),
        )
    }

    /// Ends the run early: no more operations are started.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// True after [`stop`](Self::stop) and [`abort`](Self::abort).
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Ends the run early because connections cannot be opened. The first reason is kept.
    pub fn abort(&self, why: Failure) {
        lock(&self.abort_reason).get_or_insert(why);
        self.stop();
    }

    /// Why the run was aborted.
    pub fn abort_reason(&self) -> Option<Failure> {
        lock(&self.abort_reason).clone()
    }
}

/// Locks it even if a thread has panicked: every change is one assignment, so that none is half
/// done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_quiet_when_every_worker_is_quiet_in_it() {
        let phases = Phases::new(2, 0);
        let (first, _) = phases.phase();
        phases.set_quiet(0, first);
        assert!(!phases.all_quiet());
        phases.set_quiet(1, first);
        assert!(phases.all_quiet());
        phases.begin(Phase::Closing);
        assert!(!phases.all_quiet());
    }

    #[test]
    fn no_more_operations_are_counted_than_the_quota_allows() {
        let phases = Phases::new(1, 2);
        assert!(phases.take_quota() && !phases.quota_is_used_up());
        assert!(phases.take_quota() && phases.quota_is_used_up());
        assert!(!phases.take_quota());
    }

    #[test]
    fn the_first_reason_to_abort_is_kept() {
        let phases = Phases::new(1, 2);
        phases.abort(Failure::Timeout);
        phases.abort(Failure::Closed);
        assert!(phases.is_stopped());
        assert_eq!(phases.abort_reason(), Some(Failure::Timeout));
    }
}
