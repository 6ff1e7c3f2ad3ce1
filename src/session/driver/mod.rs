//! The loop of an established session: what it does, in which order, each time it is polled.

mod memory;
mod write;

use super::SessionContext;
use super::control::Control;
use super::handle::{CloseRequest, SessionHandle};
use crate::cause::CloseCause;
use crate::connection::Alert;
use crate::deadline::{Input, Watch};
use crate::sip::{Frame, Framer, Message};
use crate::tls::Stream;
use crate::transport::Transport;
use bytes::Bytes;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Bytes read at a time while no message's length is known.
const READ: usize = 4096;

/// How many frames are handled before the task yields, because the runtime itself sets no limit.
const FRAMES_A_TURN: u32 = 32;

/// How many answers to keep-alives may wait. At the limit nothing is read until the peer has accepted
/// some.
const MAX_PENDING_PONGS: usize = 64;

pub(super) struct SessionDriver<T: Transport> {
    stream: Stream<T>,
    framer: Framer,
    watch: Watch,
    ready: Instant,
    /// How many bytes had come when TLS last returned plaintext. TLS still holds those that came since.
    bytes_in_at_last_plaintext: u64,
    /// The message being encrypted.
    outgoing: Bytes,
    /// The length of the message that is being handled.
    in_hand: usize,
    pongs: usize,
    /// Whether bytes were handed to TLS that may not have been sent yet.
    unflushed: bool,
    /// Whether a message has just been handed to the application.
    served: bool,
    frames_left: u32,
    /// Set when closing begins while a handler runs: the handler may run until this time.
    grace: Option<(Instant, CloseRequest)>,
}

/// Why a session stops, and how much time its close may take.
#[derive(Debug)]
pub(super) struct SessionClose {
    pub(super) cause: CloseCause,
    pub(super) alert: Option<Alert>,
    pub(super) grace: Duration,
}

impl SessionClose {
    pub(super) const fn at_once(cause: CloseCause) -> Self {
        Self {
            cause,
            alert: None,
            grace: Duration::ZERO,
        }
    }
}

impl From<CloseRequest> for SessionClose {
    fn from(closing: CloseRequest) -> Self {
        Self {
            cause: closing.cause,
            alert: None,
            grace: closing.grace,
        }
    }
}

impl<T: Transport> SessionDriver<T> {
    pub(super) fn new<A>(
        stream: Stream<T>,
        context: &SessionContext<A>,
        handle: &SessionHandle,
    ) -> Self {
        let now = context.clock.now();
        Self {
            stream,
            framer: Framer::new(context.limits),
            watch: Watch::new(context.deadlines, now),
            ready: now,
            bytes_in_at_last_plaintext: handle.counters.bytes_in.load(Ordering::Relaxed),
            outgoing: Bytes::new(),
            in_hand: 0,
            pongs: 0,
            unflushed: false,
            served: false,
            frames_left: FRAMES_A_TURN,
            grace: None,
        }
    }

    /// When the session became ready.
    pub(super) const fn ready_at(&self) -> Instant {
        self.ready
    }

    /// Waits for the next message, and does everything else that a session does meanwhile.
    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        control: &mut Control<'_>,
    ) -> Poll<Result<Message, SessionClose>> {
        let handle = control.handle();
        let mut asked_again = false;
        loop {
            let seen = control.look(cx);
            if let Some(request) = seen.close_request {
                return Poll::Ready(Err(request.into()));
            }
            if let Err(stop) = self.send(cx, control) {
                return Poll::Ready(Err(stop));
            }
            let now = control.now();
            match self.receive(cx, handle, now) {
                Ok(Received::Message(message)) => {
                    self.in_hand = message.bytes().len();
                    return Poll::Ready(Ok(message));
                }
                Ok(Received::Pings) => continue,
                Ok(Received::EnoughForNow) => {
                    // The deadlines are checked here too, because a peer that sends without pause would
                    // otherwise never meet one.
                    if let Some(stop) = self.overdue(cx, control, Input::Waiting) {
                        return Poll::Ready(Err(stop));
                    }
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                // TLS has answered by itself while it read; sending that has a deadline too.
                Ok(Received::Nothing) if self.stream.has_unsent() && !self.unflushed => continue,
                Ok(Received::Nothing) => {}
                Err(stop) => return Poll::Ready(Err(stop)),
            }
            // While the peer does not accept the answers to its keep-alives, nothing further is read
            // from it.
            let input = match self.pongs {
                MAX_PENDING_PONGS.. => Input::Waiting,
                _ => Input::Exhausted,
            };
            if let Some(stop) = self.overdue(cx, control, input) {
                if asked_again {
                    return Poll::Ready(Err(stop));
                }
                // The socket was empty at the last read, but a handler may have blocked this thread
                // since then. Only a read after the deadline shows that the peer was silent.
                self.stream.look_again();
                asked_again = true;
                continue;
            }
            self.count_buffers(control);
            if handle.park(seen.change, cx.waker()) {
                return Poll::Pending;
            }
        }
    }

    /// Polls the application's handler until it is done, and does everything else that a session does
    /// meanwhile. Nothing is read, so that a slow handler fills the peer's TCP window.
    ///
    /// The handler is polled first, so that a message that was read is handed over even if the session
    /// ends now.
    pub(super) fn poll_handler(
        &mut self,
        cx: &mut Context<'_>,
        control: &mut Control<'_>,
        mut handler: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<Result<(), SessionClose>> {
        let handle = control.handle();
        loop {
            let seen = control.look(cx);
            if handler.as_mut().poll(cx).is_ready() {
                self.in_hand = 0;
                return Poll::Ready(Ok(()));
            }
            if let Some(closing) = seen.close_request
                && let Some(stop) = self.out_of_grace(closing, control.now())
            {
                return Poll::Ready(Err(stop));
            }
            if let Err(stop) = self.send(cx, control) {
                return Poll::Ready(Err(stop));
            }
            // Bytes that came meanwhile are read before any deadline is checked.
            self.stream.look_again();
            if let Some(stop) = self.overdue(cx, control, Input::Paused) {
                return Poll::Ready(Err(stop));
            }
            self.count_buffers(control);
            if handle.park(seen.change, cx.waker()) {
                return Poll::Pending;
            }
        }
    }

    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        handle: &SessionHandle,
        now: Instant,
    ) -> Result<Received, SessionClose> {
        loop {
            if self.frames_left == 0 {
                self.frames_left = FRAMES_A_TURN;
                return Ok(Received::EnoughForNow);
            }
            match self.framer.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    self.frames_left -= 1;
                    self.watch.message();
                    handle.counters.messages_in.fetch_add(1, Ordering::Relaxed);
                    self.served = true;
                    return Ok(Received::Message(message));
                }
                Ok(Some(Frame::Ping)) => {
                    self.frames_left -= 1;
                    self.pongs += 1;
                    continue;
                }
                Ok(Some(Frame::Pong)) => {
                    self.frames_left -= 1;
                    continue;
                }
                Ok(None) => self.watch.partial(self.coming(handle), now),
                Err(violation) => {
                    if let Some(refusal) = self.framer.take_refusal() {
                        // When the queue is full the peer does not read, and the response is dropped.
                        let _ = handle.push(refusal);
                    }
                    let broken = self.framer.broken().unwrap_or(violation.into());
                    return Err(SessionClose::at_once(CloseCause::Framing(broken)));
                }
            }
            // No further keep-alive is read while the answers cannot be sent, because the peer has to
            // read first.
            if self.pongs >= MAX_PENDING_PONGS {
                return Ok(self.pending_pongs());
            }
            match self.read(cx) {
                Poll::Ready(Ok(0)) => return Err(SessionClose::at_once(CloseCause::PeerClosed)),
                Poll::Ready(Ok(_)) => {
                    self.watch.received(now);
                    self.bytes_in_at_last_plaintext =
                        handle.counters.bytes_in.load(Ordering::Relaxed);
                }
                Poll::Ready(Err(error)) => return Err(self.broken(&error)),
                Poll::Pending => {
                    self.frames_left = FRAMES_A_TURN;
                    self.watch.partial(self.coming(handle), now);
                    return Ok(self.pending_pongs());
                }
            }
        }
    }

    /// Reads into the framer.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = |read: &Poll<io::Result<usize>>| match read {
            Poll::Ready(Ok(count)) => *count,
            _ => 0,
        };
        if std::mem::take(&mut self.served) && self.framer.is_idle() {
            // After a message there are seldom more bytes, so this read needs no buffer of its own.
            let mut few = [0; 4];
            let read = self.stream.poll_read(cx, &mut few);
            self.framer.push(&few[..count(&read)]);
            return read;
        }
        let read = self.stream.poll_read(cx, self.framer.spare(READ));
        self.framer.filled(count(&read));
        read
    }

    /// Nothing came. Says whether there are answers to keep-alives that can be sent now.
    const fn pending_pongs(&self) -> Received {
        if self.pongs > 0 && !self.unflushed {
            Received::Pings
        } else {
            Received::Nothing
        }
    }

    /// Sets the timer to the next deadline. Returns how the session stops if that deadline has passed.
    fn overdue(
        &self,
        cx: &mut Context<'_>,
        control: &mut Control<'_>,
        input: Input,
    ) -> Option<SessionClose> {
        let handle = control.handle();
        let next = self
            .watch
            .next(input, handle.held_open(), handle.is_authenticated());
        let grace = self
            .grace
            .as_ref()
            .map(|(at, closing)| (*at, closing.cause.clone().past_grace()));
        let counters = &control.handle().counters;
        let earliest = [next, grace].into_iter().flatten();
        let Some((at, cause)) = earliest.min_by_key(|(at, _)| *at) else {
            counters.clear_deadline();
            return None;
        };
        counters.set_deadline(at - self.ready, &cause);
        control.timer.set(Some(at));
        let due = control.timer.poll(cx).is_ready();
        due.then(|| SessionClose::at_once(cause))
    }

    /// How the session stops when the grace for its handler has passed; `None` before.
    fn out_of_grace(&mut self, closing: CloseRequest, now: Instant) -> Option<SessionClose> {
        let until = now + closing.grace;
        let (at, _) = self
            .grace
            .take_if(|(at, _)| *at <= until)
            .unwrap_or((until, closing.clone()));
        if at <= now {
            return Some(SessionClose::at_once(closing.cause.past_grace()));
        }
        self.grace = Some((at, closing));
        None
    }

    fn broken(&self, error: &io::Error) -> SessionClose {
        let (cause, alert) = self.stream.close_cause(error);
        SessionClose {
            cause,
            alert,
            grace: Duration::ZERO,
        }
    }
}

enum Received {
    Message(Message),
    /// Keep-alives that are to be answered.
    Pings,
    EnoughForNow,
    Nothing,
}
