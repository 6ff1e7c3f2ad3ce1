//! A runtime that drops tasks before they are done.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    /// Whether the task being polled on this thread is to be dropped.
    static DOOMED: Cell<bool> = const { Cell::new(false) };
}

/// Has the task that is being polled dropped as soon as it waits.
pub(super) fn doom_this_task() {
    DOOMED.set(true);
}

/// A task that can be dropped from within itself.
#[derive(Debug)]
pub(crate) struct Mortal<F> {
    task: Option<F>,
}

impl<F> Mortal<F> {
    pub(crate) const fn new(task: F) -> Self {
        Self { task: Some(task) }
    }
}

impl<F: Future<Output = ()> + Unpin> Future for Mortal<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(task) = &mut self.task else {
            return Poll::Ready(());
        };
        let polled = Pin::new(task).poll(cx);
        if DOOMED.take() {
            self.task = None;
            return Poll::Ready(());
        }
        polled
    }
}
