//! Actor: one per connection. Handshake, then SIP in and out, then the close.
//!
//! One task owns the stream and polls everything itself, in one order: the close latch, the
//! deadlines, what is to be sent, the application's handler, and only while no handler runs, what
//! comes in.

mod control;
mod goodbye;
mod pump;

use crate::admission::Permit;
use crate::application::{Application, SipSession};
use crate::cause::CloseCause;
use crate::clock::Clock;
use crate::deadline::Deadlines;
use crate::event::{Closed, Ready};
use crate::flow::{Flow, Line, Verdict};
use crate::lane::{Ended, HandshakeFailure, Lane, Lifecycle};
use crate::sip::Limits;
use crate::tls::{Generation, Handshake, Stream, Tap};
use crate::transport::Transport;
use control::{Control, Interrupted};
use pump::{Pump, Stop};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};
use xtra::{Actor, Handler, Mailbox};

/// The part of a session that control messages reach.
#[derive(Debug)]
pub(crate) struct Session {
    line: Arc<Line>,
}

/// Tells a session to close; the supervisor's word.
#[derive(Clone, Debug)]
pub(crate) struct CloseSession {
    pub(crate) cause: CloseCause,
    pub(crate) grace: Duration,
}

impl Actor for Session {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<CloseSession> for Session {
    type Return = ();

    async fn handle(&mut self, close: CloseSession, _: &mut xtra::Context<Self>) {
        self.line.trip(close.cause, close.grace);
    }
}

/// What a session's task is given. All of it is dropped before the last word is said.
pub(crate) struct Terms<T, A> {
    pub(crate) stream: T,
    pub(crate) line: Arc<Line>,
    pub(crate) permit: Permit,
    pub(crate) mailbox: Mailbox<Session>,
    pub(crate) accepted: Instant,
    pub(crate) house: Arc<House<A>>,
}

/// What all sessions of a supervisor share.
pub(crate) struct House<A> {
    pub(crate) application: A,
    pub(crate) generation: Generation,
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    pub(crate) lane: Lane,
    pub(crate) clock: Clock,
}

/// A session's whole life.
pub(crate) async fn run<T: Transport, A: Application>(terms: Terms<T, A>) -> Ended {
    let Terms {
        stream,
        line,
        permit,
        mailbox,
        accepted,
        house,
    } = terms;
    let actor = Session {
        line: Arc::clone(&line),
    };
    let actor = pin!(xtra::run(mailbox, actor));
    let mut control = Control::new(actor, &line, &permit, &house.clock);
    let tap = Tap::new(stream, Arc::clone(&line));

    // Each phase is boxed: a half-open connection does not carry the memory of an established one,
    // nor that one what the handshake needed.
    let shaken = Box::pin(shake_hands(&tap, &house, accepted, &mut control)).await;
    permit.shaken();
    let (stream, ready) = match shaken {
        Ok(established) => established,
        Err(failure) => {
            goodbye::after_failed_handshake(&tap, &mut control, &failure.cause).await;
            return Ended::Handshake(failure);
        }
    };
    let stop = match ask_to_serve(&ready, &house, &mut control).await {
        Ok(()) => Box::pin(serve(stream, &tap, &ready, &house, &mut control)).await,
        Err(stop) => Box::pin(turn_away(stream, &tap, &house, &mut control, stop)).await,
    };
    Ended::Session {
        cause: stop.cause,
        alert: stop.alert,
    }
}

async fn shake_hands<T: Transport, A>(
    tap: &Tap<T>,
    house: &House<A>,
    accepted: Instant,
    control: &mut Control<'_>,
) -> Result<(Stream<T>, Arc<Ready>), Box<HandshakeFailure>> {
    let mut handshake = Handshake::new(tap, &house.generation);
    let deadline = accepted + house.deadlines.handshake;
    let outcome = control
        .while_shaking(deadline, |cx| handshake.poll(cx))
        .await;
    match outcome {
        Ok(Ok((stream, tls))) => {
            let ready = Ready {
                connection: Arc::clone(&control.line().connection),
                elapsed: house.clock.now() - accepted,
                tls,
            };
            Ok((stream, Arc::new(ready)))
        }
        Ok(Err(failure)) => Err(Box::new(failure)),
        Err(interrupted) => Err(Box::new(handshake.give_up(interrupted.into()))),
    }
}

/// Tells the supervisor and waits for its answer: nothing is served that is not in the ledger.
async fn ask_to_serve<A>(
    ready: &Arc<Ready>,
    house: &House<A>,
    control: &mut Control<'_>,
) -> Result<(), Stop> {
    let at = control.now();
    let word = Lifecycle::Ready {
        ready: Arc::clone(ready),
        at,
    };
    if house.lane.say(word).is_err() {
        return Err(Stop::at_once(CloseCause::SupervisorGone));
    }
    let line = Arc::clone(control.line());
    // It answers within microseconds, and its wrapper for it when it has died.
    let patience = at + house.deadlines.handshake;
    let answer = control.until(patience, |_| match line.verdict() {
        Some(verdict) => Poll::Ready(verdict),
        None => Poll::Pending,
    });
    match answer.await {
        Ok(Verdict::Serve) => Ok(()),
        Ok(Verdict::Refuse) => Err(line
            .closing()
            .map_or_else(|| Stop::at_once(CloseCause::Drain), Stop::from)),
        Err(Interrupted::Closing(closing)) => Err(closing.into()),
        Err(Interrupted::Deadline | Interrupted::MakeWay) => {
            Err(Stop::at_once(CloseCause::SupervisorGone))
        }
    }
}

/// Parts with a peer that is established and not to be served.
async fn turn_away<T: Transport, A: Application>(
    stream: Stream<T>,
    tap: &Tap<T>,
    house: &House<A>,
    control: &mut Control<'_>,
    stop: Stop,
) -> Stop {
    let mut pump = Pump::new(stream, house, control.line());
    goodbye::after_session(tap, &mut pump, control, &house.deadlines, stop).await
}

async fn serve<T: Transport, A: Application>(
    stream: Stream<T>,
    tap: &Tap<T>,
    ready: &Arc<Ready>,
    house: &House<A>,
    control: &mut Control<'_>,
) -> Stop {
    let line = Arc::clone(control.line());
    let flow = Flow::new(Arc::clone(&line));
    let mut conversation = house.application.open(ready, flow);
    let mut pump = Pump::new(stream, house, &line);

    let stop = loop {
        let message = match poll_fn(|cx| pump.poll_message(cx, control)).await {
            Ok(message) => message,
            Err(stop) => break stop,
        };
        if line.readings.messages_in.load(Ordering::Relaxed) == 1 {
            // From here on it is among sessions: what the handler does keeps no handshake waiting.
            async_std::task::yield_now().await;
        }
        let mut handler = pin!(conversation.message(message));
        if let Err(stop) = poll_fn(|cx| pump.poll_handler(cx, control, handler.as_mut())).await {
            break stop;
        }
    };

    line.shut();
    let readings = &line.readings;
    conversation.closed(&Closed {
        connection: Arc::clone(&line.connection),
        cause: stop.cause.clone(),
        duration: house.clock.now() - pump.ready_at(),
        bytes_in: readings.bytes_in.load(Ordering::Relaxed),
        bytes_out: readings.bytes_out.load(Ordering::Relaxed),
        messages_in: readings.messages_in.load(Ordering::Relaxed),
        messages_out: readings.messages_out.load(Ordering::Relaxed),
        alert: stop.alert.clone(),
    });
    goodbye::after_session(tap, &mut pump, control, &house.deadlines, stop).await
}

#[cfg(test)]
#[path = "session/size_tests.rs"]
mod size_tests;
