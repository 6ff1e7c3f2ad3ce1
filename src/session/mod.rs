//! The session actor, one per connection: it performs the handshake, carries SIP in both directions,
//! and closes the connection.
//!
//! One task owns the stream and polls everything itself, always in this order: its mailbox, the
//! application's handler, the bytes to send, the bytes to read (only while no handler runs), the
//! deadlines.

mod application;
mod control;
mod driver;
mod flow;
mod guard;
mod handle;
mod lifecycle;
mod lingering_close;
mod queue;
#[cfg(test)]
mod size_tests;

pub use application::{Application, Discard, SipSession};
pub use flow::{Busy, Flow, KeepOpen, SendError};

pub(crate) use guard::SessionGuard;
pub(crate) use handle::SessionHandle;
#[cfg(any(test, all(feature = "fuzzing", feature = "testing")))]
pub(crate) use lifecycle::ReportLog;
pub(crate) use lifecycle::{
    InLedger, Lifecycle, LifecycleSender, LifecycleSink, ReadyAnswer, SessionOutcome,
    SupervisorGone,
};

use crate::admission::Permit;
use crate::cause::CloseCause;
use crate::clock::Clock;
use crate::connection::HandshakeFailure;
use crate::deadline::Deadlines;
use crate::event::{Closed, Ready};
use crate::sip::Limits;
use crate::tls::{Generation, Handshake, Stream, Tap};
use crate::transport::Transport;
use control::Control;
use driver::{SessionClose, SessionDriver};
use handle::CloseRequest;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;
use xtra::{Actor, Handler, Mailbox};

/// The part of a session that control messages reach.
#[derive(Debug)]
pub(crate) struct Session {
    handle: Arc<SessionHandle>,
}

/// Tells a session to close. Sent by [`SessionHandle::request_close`] alone.
#[derive(Clone, Debug)]
pub(crate) struct CloseSession(CloseRequest);

impl Actor for Session {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<CloseSession> for Session {
    type Return = ();

    async fn handle(&mut self, close: CloseSession, _: &mut xtra::Context<Self>) {
        self.handle.note_close_request(close.0);
    }
}

/// The arguments of a session's task. All of them are dropped before the last report is made.
pub(crate) struct SessionParts<T, A> {
    pub(crate) stream: T,
    pub(crate) handle: Arc<SessionHandle>,
    pub(crate) permit: Permit,
    pub(crate) mailbox: Mailbox<Session>,
    pub(crate) accepted: Instant,
    pub(crate) context: Arc<SessionContext<A>>,
}

/// What all sessions of a supervisor share.
pub(crate) struct SessionContext<A> {
    pub(crate) application: A,
    pub(crate) generation: Generation,
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    pub(crate) lifecycle: LifecycleSender,
    pub(crate) clock: Clock,
}

/// Runs a session from the accept to the close.
pub(crate) async fn run<T: Transport, A: Application>(parts: SessionParts<T, A>) -> SessionOutcome {
    let SessionParts {
        stream,
        handle,
        permit,
        mailbox,
        accepted,
        context,
    } = parts;
    let actor = Session {
        handle: Arc::clone(&handle),
    };
    let actor = pin!(xtra::run(mailbox, actor));
    let mut control = Control::new(actor, &handle, &permit, &context.clock);
    let connection = &handle.connection;
    let tap = Tap::new(stream, connection.direction, Arc::clone(&handle.counters));

    // Each phase is boxed, so that a half-open connection does not take the memory of an established
    // one, and an established one not that of its handshake.
    let handshake = Box::pin(perform_handshake(&tap, &context, accepted, &mut control)).await;
    permit.handshake_done();
    let (stream, ready) = match handshake {
        Ok(established) => established,
        Err(failure) => {
            lingering_close::after_failed_handshake(&tap, &mut control, &failure.cause).await;
            return SessionOutcome::HandshakeFailed(failure);
        }
    };
    let stop = match ask_to_serve(&ready, &context, &control) {
        Ok(()) => Box::pin(serve(stream, &tap, &ready, &context, &mut control)).await,
        Err(stop) => Box::pin(turn_away(stream, &tap, &context, &mut control, stop)).await,
    };
    SessionOutcome::Closed {
        cause: stop.cause,
        alert: stop.alert,
    }
}

async fn perform_handshake<T: Transport, A>(
    tap: &Tap<T>,
    context: &SessionContext<A>,
    accepted: Instant,
    control: &mut Control<'_>,
) -> Result<(Stream<T>, Arc<Ready>), Box<HandshakeFailure>> {
    let mut handshake = Handshake::new(tap, &context.generation);
    let deadline = accepted + context.deadlines.handshake;
    let outcome = control
        .while_handshaking(deadline, |cx| handshake.poll(cx))
        .await;
    match outcome {
        Ok(Ok((stream, tls))) => {
            let ready = Ready {
                connection: Arc::clone(&control.handle().connection),
                elapsed: context.clock.now() - accepted,
                tls,
            };
            Ok((stream, Arc::new(ready)))
        }
        Ok(Err(failure)) => Err(Box::new(failure)),
        Err(interrupted) => Err(Box::new(handshake.abort(interrupted.into()))),
    }
}

/// Reports that the session is ready and asks whether it may serve, so that no session is served that is not
/// in the ledger.
fn ask_to_serve<A>(
    ready: &Arc<Ready>,
    context: &SessionContext<A>,
    control: &Control<'_>,
) -> Result<(), SessionClose> {
    match context.lifecycle.ready(Arc::clone(ready), control.now()) {
        Ok(ReadyAnswer::Serve) => Ok(()),
        Ok(ReadyAnswer::Refuse) => Err(control.handle().close_request().map_or_else(
            || SessionClose::at_once(CloseCause::Drain),
            SessionClose::from,
        )),
        Err(SupervisorGone) => Err(SessionClose::at_once(CloseCause::SupervisorGone)),
    }
}

/// Closes an established session that is not to be served.
async fn turn_away<T: Transport, A: Application>(
    stream: Stream<T>,
    tap: &Tap<T>,
    context: &SessionContext<A>,
    control: &mut Control<'_>,
    stop: SessionClose,
) -> SessionClose {
    let mut driver = SessionDriver::new(stream, context, control.handle());
    lingering_close::after_session(tap, &mut driver, control, &context.deadlines, stop).await
}

async fn serve<T: Transport, A: Application>(
    stream: Stream<T>,
    tap: &Tap<T>,
    ready: &Arc<Ready>,
    context: &SessionContext<A>,
    control: &mut Control<'_>,
) -> SessionClose {
    let handle = Arc::clone(control.handle());
    let flow = Flow::new(Arc::clone(&handle));
    let mut conversation = context.application.open(ready, flow);
    let mut driver = SessionDriver::new(stream, context, &handle);

    let stop = loop {
        let message = match poll_fn(|cx| driver.poll_message(cx, control)).await {
            Ok(message) => message,
            Err(stop) => break stop,
        };
        if handle.begin_serving() {
            // Here the session migrates to the threads for sessions, so that its handlers delay no
            // handshake.
            async_std::task::yield_now().await;
        }
        let mut handler = pin!(conversation.message(message));
        if let Err(stop) = poll_fn(|cx| driver.poll_handler(cx, control, handler.as_mut())).await {
            break stop;
        }
    };

    handle.shut();
    conversation.closed(&Closed {
        connection: Arc::clone(&handle.connection),
        cause: stop.cause.clone(),
        duration: context.clock.now() - driver.ready_at(),
        stats: handle.counters.stats(),
        alert: stop.alert.clone(),
    });
    lingering_close::after_session(tap, &mut driver, control, &context.deadlines, stop).await
}
