//! The wrapper around a session's task: it catches panics, guards against being dropped, and makes the one
//! last report, always after everything the session held is gone.

use crate::clock::Clock;
use crate::connection::ConnectionId;
use crate::panic::catch;
use crate::session::{Lifecycle, LifecycleSender, SessionHandle, SessionOutcome};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A session's task. Whatever happens to it (return, panic, drop), exactly one
/// [`Lifecycle::Ended`] is reported, and the session's future has been dropped before.
pub(crate) struct SessionGuard {
    id: ConnectionId,
    session: Option<Pin<Box<dyn Future<Output = SessionOutcome> + Send>>>,
    /// Emptied at the end: bindings hold flows long after.
    handle: Arc<SessionHandle>,
    lifecycle: LifecycleSender,
    clock: Clock,
}

impl SessionGuard {
    pub(crate) fn new(
        handle: Arc<SessionHandle>,
        lifecycle: LifecycleSender,
        clock: Clock,
        session: Pin<Box<dyn Future<Output = SessionOutcome> + Send>>,
    ) -> Self {
        Self {
            id: handle.connection.id,
            session: Some(session),
            handle,
            lifecycle,
            clock,
        }
    }

    fn finish(&mut self, outcome: SessionOutcome) {
        let Some(session) = self.session.take() else {
            return;
        };
        // The application's destructors may panic as well, that of its conversation and that of a message
        // it queued; the report is made all the same.
        let outcome = outcome.unless_panics(|| drop(session));
        let outcome = outcome.unless_panics(|| self.handle.clear());
        // After the supervisor's end there is no one left to report to.
        let _ = self.lifecycle.send(Lifecycle::Ended {
            id: self.id,
            at: self.clock.now(),
            outcome,
        });
    }
}

impl Future for SessionGuard {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(session) = self.session.as_mut() else {
            return Poll::Ready(());
        };
        let how = match catch(|| session.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(how)) => how,
            Err(message) => SessionOutcome::Panicked(message),
        };
        self.finish(how);
        Poll::Ready(())
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.finish(SessionOutcome::Dropped);
    }
}

impl SessionOutcome {
    /// This, or the panic of one more step. The first panic is the one that explains.
    fn unless_panics(self, step: impl FnOnce()) -> Self {
        match (catch(step), self) {
            (Ok(()), how) | (Err(_), how @ Self::Panicked(_)) => how,
            (Err(message), _) => Self::Panicked(message),
        }
    }
}

#[cfg(test)]
mod tests;
