//! The course of a run: the phases one conductor sets and all workers follow.
//!
//! A phase is over when every worker is quiet in it, so that no operation is begun in one phase and
//! ended in another, and the server's CPU time between two samples belongs to counted operations
//! alone.

use crate::failure::Failure;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What the workers do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Connections are opened and prepared; quiet when all of them are.
    Preparing,
    /// Operations are done and not counted.
    Warming {
        /// From when on.
        from: Instant,
        /// Until when they are begun.
        until: Instant,
    },
    /// Operations are done and counted.
    Measuring {
        /// From when on.
        from: Instant,
        /// Until when they are begun.
        until: Instant,
    },
    /// All connections are closed.
    Parting,
    /// Nothing is left to do.
    Over,
}

/// What conductor and workers share.
pub struct Course {
    phase: Mutex<(u64, Phase)>,
    /// The number of the last phase each worker was quiet in.
    quiet: Vec<AtomicU64>,
    tickets: AtomicU64,
    operations: AtomicU64,
    errors: AtomicU64,
    stopped: AtomicBool,
    hopeless: Mutex<Option<Failure>>,
}

impl Course {
    /// For so many workers, which may count at most so many operations.
    pub fn new(workers: usize, operations: u64) -> Self {
        Self {
            phase: Mutex::new((1, Phase::Preparing)),
            quiet: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            tickets: AtomicU64::new(operations),
            operations: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            hopeless: Mutex::new(None),
        }
    }

    /// The phase and its number.
    pub fn phase(&self) -> (u64, Phase) {
        *lock(&self.phase)
    }

    /// Begins the next phase.
    pub fn enter(&self, phase: Phase) {
        let mut current = lock(&self.phase);
        *current = (current.0 + 1, phase);
    }

    /// This worker has nothing under way and begins nothing more in this phase.
    pub fn is_quiet(&self, worker: usize, number: u64) {
        self.quiet[worker].store(number, Ordering::Release);
    }

    /// True when every worker is quiet in the current phase.
    pub fn all_quiet(&self) -> bool {
        let (number, _) = self.phase();
        let mut workers = self.quiet.iter();
        workers.all(|quiet| quiet.load(Ordering::Acquire) == number)
    }

    /// Leave to count one more operation.
    pub fn take_ticket(&self) -> bool {
        let taken = self
            .tickets
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.is_ok()
    }

    /// True when no more operations may be counted.
    pub fn tickets_are_out(&self) -> bool {
        self.tickets.load(Ordering::Relaxed) == 0
    }

    /// Shows that an operation was done.
    pub fn done(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    /// Shows that one failed.
    pub fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Operations done and failed so far, warming up included.
    pub fn progress(&self) -> (u64, u64) {
        (
            self.operations.load(Ordering::Relaxed),
            self.errors.load(Ordering::Relaxed),
        )
    }

    /// Ends the run early; nothing new is begun.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// True after [`stop`](Self::stop) and [`give_up`](Self::give_up).
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Ends the run because connections cannot be had.
    pub fn give_up(&self, why: Failure) {
        lock(&self.hopeless).get_or_insert(why);
        self.stop();
    }

    /// Why the run was given up.
    pub fn hopeless(&self) -> Option<Failure> {
        lock(&self.hopeless).clone()
    }
}

/// What a thread that panicked left is whole: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_quiet_when_every_worker_is_quiet_in_it() {
        let course = Course::new(2, 0);
        let (first, _) = course.phase();
        course.is_quiet(0, first);
        assert!(!course.all_quiet());
        course.is_quiet(1, first);
        assert!(course.all_quiet());
        course.enter(Phase::Parting);
        assert!(!course.all_quiet());
    }

    #[test]
    fn no_more_tickets_are_given_than_there_are() {
        let course = Course::new(1, 2);
        assert!(course.take_ticket() && !course.tickets_are_out());
        assert!(course.take_ticket() && course.tickets_are_out());
        assert!(!course.take_ticket());
    }

    #[test]
    fn the_first_reason_to_give_up_is_the_one_told() {
        let course = Course::new(1, 2);
        course.give_up(Failure::Timeout);
        course.give_up(Failure::Closed);
        assert!(course.is_stopped());
        assert_eq!(course.hopeless(), Some(Failure::Timeout));
    }
}
