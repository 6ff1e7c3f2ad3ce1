//! What every wait of a session watches besides what it waits for: its mailbox, its close latch,
//! its one timer.

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
    /// The mailbox's own loop: never dropped while it waits, so that no message is lost.
    actor: Option<Pin<&'a mut (dyn Future<Output = ()> + Send)>>,
    handle: &'a Arc<SessionHandle>,
    permit: &'a Permit,
    clock: &'a Clock,
    pub(super) timer: Timer,
}

/// Why a wait ended without what it waited for.
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

    /// Begins a look around: control messages are handled.
    pub(super) fn look(&mut self, cx: &mut Context<'_>) -> Seen {
        if let Some(actor) = &mut self.actor
            && actor.as_mut().poll(cx).is_ready()
        {
            self.actor = None;
        }
        self.handle.unpark()
    }

    /// Waits for a handshake's `step`, until the deadline, until somebody wants it closed, or until
    /// another source needs its place.
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

    /// Waits for `step`, until the deadline or until somebody wants the session closed.
    pub(super) async fn until<R>(
        &mut self,
        deadline: Instant,
        step: impl FnMut(&mut Context<'_>) -> Poll<R>,
    ) -> Result<R, Interrupted> {
        let interrupted =
            |handle: &SessionHandle| handle.close_request().map(Interrupted::CloseRequest);
        self.wait(deadline, interrupted, step).await
    }

    /// Waits for `step` in a session that is closing already, until the deadline or until somebody
    /// wants it gone without any grace.
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
                // What is possible without waiting is done even then.
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
