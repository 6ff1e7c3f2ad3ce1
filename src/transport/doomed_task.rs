//! A fault that tests inject: a task is dropped before it is done.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    /// Whether the task being polled on this thread is to be dropped.
    static DROP_CURRENT: Cell<bool> = const { Cell::new(false) };
}

/// Makes the task that is being polled be dropped as soon as it waits.
pub(super) fn drop_current_task() {
    DROP_CURRENT.set(true);
}

/// A task that can be dropped from within itself.
#[derive(Debug)]
pub(crate) struct DroppableTask<F> {
    task: Option<F>,
}

impl<F> DroppableTask<F> {
    pub(crate) const fn new(task: F) -> Self {
        Self { task: Some(task) }
    }
}

impl<F: Future<Output = ()> + Unpin> Future for DroppableTask<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(task) = &mut self.task else {
            return Poll::Ready(());
        };
        let polled = Pin::new(task).poll(cx);
        if DROP_CURRENT.take() {
            self.task = None;
            return Poll::Ready(());
        }
        polled
    }
}
