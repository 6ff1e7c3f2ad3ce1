//! The wrapper around a session: it catches panics, guards against being dropped, and says the one
//! last word, always after everything the session held is gone.

use crate::clock::Clock;
use crate::connection::ConnectionId;
use crate::flow::Line;
use crate::lane::{Ended, Lane, Lifecycle};
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A session's task. Whatever happens to it (return, panic, drop), exactly one
/// [`Lifecycle::Ended`] goes into the lane, and the session's future has been dropped before.
pub(crate) struct Ending {
    id: ConnectionId,
    session: Option<Pin<Box<dyn Future<Output = Ended> + Send>>>,
    /// Emptied at the end: bindings hold flows long after.
    line: Arc<Line>,
    lane: Lane,
    clock: Clock,
}

impl Ending {
    pub(crate) fn new(
        line: Arc<Line>,
        lane: Lane,
        clock: Clock,
        session: Pin<Box<dyn Future<Output = Ended> + Send>>,
    ) -> Self {
        Self {
            id: line.connection.id,
            session: Some(session),
            line,
            lane,
            clock,
        }
    }

    fn finish(&mut self, how: Ended) {
        let Some(session) = self.session.take() else {
            return;
        };
        // Destructors of the application may panic as well, that of its conversation and that of a
        // message it queued; the word is said all the same.
        let how = how.unless_panics(|| drop(session));
        let how = how.unless_panics(|| self.line.clear());
        // Without a supervisor nobody is left to be told: its wrapper outlives all sessions.
        let _ = self.lane.say(Lifecycle::Ended {
            id: self.id,
            at: self.clock.now(),
            how,
        });
    }
}

impl Future for Ending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(session) = self.session.as_mut() else {
            return Poll::Ready(());
        };
        let how = match catch(|| session.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(how)) => how,
            Err(message) => Ended::Panicked(message),
        };
        self.finish(how);
        Poll::Ready(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.finish(Ended::Abandoned);
    }
}

impl Ended {
    /// This, or the panic of one more step. The first panic is the one that explains.
    fn unless_panics(self, step: impl FnOnce()) -> Self {
        match (catch(step), self) {
            (Ok(()), how) | (Err(_), how @ Self::Panicked(_)) => how,
            (Err(message), _) => Self::Panicked(message),
        }
    }
}

/// The error is the text of a panic, and nothing of that panic is left.
fn catch<R>(step: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let message = panic_message(&*panic);
        // What a panic carries may panic when it is dropped, and what that one carries too.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
        message
    })
}

/// The text a panic was raised with.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
