//! The guard around a session's task: it catches panics, notices when the task is dropped, and makes
//! the one last report, always after everything the session held was dropped.

use crate::clock::Clock;
use crate::connection::ConnectionId;
use crate::panic::catch;
use crate::session::{InLedger, Lifecycle, LifecycleSender, SessionHandle, SessionOutcome};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A session's task. Whatever happens to it (return, panic, drop), exactly one
/// [`Lifecycle::Ended`] is reported, and the session's future has been dropped before.
pub(crate) struct SessionGuard {
    id: ConnectionId,
    session: Option<Pin<Box<dyn Future<Output = SessionOutcome> + Send>>>,
    /// Its queue is emptied at the end, because bindings may hold flows for long afterwards.
    handle: Arc<SessionHandle>,
    lifecycle: LifecycleSender,
    clock: Clock,
}

impl SessionGuard {
    /// `_accepted` proves that the connection's end will not be reported before its accept.
    pub(crate) fn new(
        _accepted: InLedger,
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
        // Destructors of the application may panic as well: that of its session and that of a message
        // it queued. The report is made all the same.
        let outcome = outcome.unless_panics(|| drop(session));
        let outcome = outcome.unless_panics(|| self.handle.clear());
        // After the supervisor's end the report is not needed.
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
        let outcome = match catch(|| session.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(message) => SessionOutcome::Panicked(message),
        };
        self.finish(outcome);
        Poll::Ready(())
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.finish(SessionOutcome::Dropped);
    }
}

impl SessionOutcome {
    /// Runs one more step. If that panics and no panic came before, the outcome is that panic;
    /// otherwise it stays as it is.
    fn unless_panics(self, step: impl FnOnce()) -> Self {
        match (catch(step), self) {
            (Ok(()), outcome) | (Err(_), outcome @ Self::Panicked(_)) => outcome,
            (Err(message), _) => Self::Panicked(message),
        }
    }
}

#[cfg(test)]
mod tests;
