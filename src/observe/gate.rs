//! The gate that keeps acceptors from accepting while too many events wait for an observer. New
//! connections wait in the kernel's backlog meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// How many queues are over their limit.
    closed_by: AtomicUsize,
    waiting: Mutex<Vec<Waker>>,
}

impl Gate {
    pub(super) fn close(&self) {
        self.closed_by.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn open(&self) {
        if self.closed_by.fetch_sub(1, Ordering::SeqCst) == 1 {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for waker in waiting.drain(..) {
                waker.wake();
            }
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.closed_by.load(Ordering::SeqCst) == 0
    }

    /// Ready while every queue is within its limit.
    pub(crate) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_open() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // The gate may have opened before the lock was taken; its wake-up would not reach a waker added
        // now.
        if self.is_open() {
            return Poll::Ready(());
        }
        waiting.retain(|waker| !waker.will_wake(cx.waker()));
        waiting.push(cx.waker().clone());
        Poll::Pending
    }
}
