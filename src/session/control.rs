//! What a session watches during every wait: its mailbox, the requests to close, and its timer.

use super::handle::{CloseRequest, Seen, SessionHandle};
use crate::admission::Permit;
use crate::cause::Cancelled;
use crate::clock::{Clock, Timer};
use crate::tls::Abort;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

pub(super) struct Control<'a> {
    /// The loop that handles the mailbox. It is kept for the whole session, because dropping it while
    /// it waits could lose a message.
    actor: Option<Pin<&'a mut (dyn Future<Output = ()> + Send)>>,
    handle: &'a Arc<SessionHandle>,
    permit: &'a Permit,
    clock: &'a Clock,
    pub(super) timer: Timer,
}

/// Why a wait was interrupted.
pub(super) enum Interrupted {
    CloseRequest(CloseRequest),
    Evicted,
    Deadline,
}

impl<'a> Control<'a> {
    pub(super) fn new(
        actor: Pin<&'a mut (dyn Future<Output = ()> + Send)>,
        handle: &'a Arc<SessionHandle>,
        permit: &'a Permit,
        clock: &'a Clock,
    ) -> Self {
        Self {
            actor: Some(actor),
            handle,
            permit,
            clock,
            timer: clock.timer(),
        }
    }

    pub(super) const fn handle(&self) -> &'a Arc<SessionHandle> {
        self.handle
    }

    pub(super) const fn permit(&self) -> &'a Permit {
        self.permit
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Handles the control messages that have arrived, and returns the state of the session's handle.
    pub(super) fn look(&mut self, cx: &mut Context<'_>) -> Seen {
        if let Some(actor) = &mut self.actor
            && actor.as_mut().poll(cx).is_ready()
        {
            self.actor = None;
        }
        self.handle.unpark()
    }

    /// Waits for a handshake's `step`, until the deadline, a request to close, or an eviction in favour
    /// of another source.
    pub(super) async fn while_handshaking<R>(
        &mut self,
        deadline: Instant,
        step: impl FnMut(&mut Context<'_>) -> Poll<R>,
    ) -> Result<R, Interrupted> {
        let interrupted = |handle: &SessionHandle| {
            let closing = handle.close_request().map(Interrupted::CloseRequest);
            closing.or_else(|| handle.is_evicted().then_some(Interrupted::Evicted))
        };
        self.wait(deadline, interrupted, step).await
    }

    /// Waits for `step` in a session that is closing already, until the deadline or a request to close
    /// without grace.
    pub(super) async fn until_forced<R>(
        &mut self,
        deadline: Instant,
        step: impl FnMut(&mut Context<'_>) -> Poll<R>,
    ) -> Result<R, Interrupted> {
        let forced = |handle: &SessionHandle| {
            let closing = handle
                .close_request()
                .filter(|closing| closing.grace.is_zero());
            closing.map(Interrupted::CloseRequest)
        };
        self.wait(deadline, forced, step).await
    }

    async fn wait<R>(
        &mut self,
        deadline: Instant,
        interrupted: impl Fn(&SessionHandle) -> Option<Interrupted>,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<R>,
    ) -> Result<R, Interrupted> {
        self.timer.set(Some(deadline));
        poll_fn(|cx| {
            loop {
                let seen = self.look(cx);
                // The step is still polled once, so that it does what it can without waiting.
                if let Poll::Ready(result) = step(cx) {
                    return Poll::Ready(Ok(result));
                }
                if let Some(interrupted) = interrupted(self.handle) {
                    return Poll::Ready(Err(interrupted));
                }
                if self.timer.poll(cx).is_ready() {
                    return Poll::Ready(Err(Interrupted::Deadline));
                }
                if self.handle.park(seen.change, cx.waker()) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

impl From<Interrupted> for Abort {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Deadline => Self::Deadline,
            Interrupted::Evicted => Self::Cancelled(Cancelled::Evicted),
            Interrupted::CloseRequest(closing) => Self::Cancelled(closing.cause.as_cancelled()),
        }
    }
}
