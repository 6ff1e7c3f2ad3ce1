//! What others hold of a session: a bounded outbound queue and a close latch.
//!
//! Nothing here ever waits. A flow outlives its session; it then gives every message back.

mod queue;

use crate::admission::Shaking;
use crate::cause::CloseCause;
use crate::clock::AGE;
use crate::connection::{Connection, ConnectionId};
use crate::readings::Readings;
use bytes::Bytes;
use queue::Queue;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// A hold on one session: send messages on it, close it, keep it from being idle.
///
/// RFC 5626 §4 calls this a flow; a registrar's binding holds one. Clones name the same session.
#[derive(Clone)]
pub struct Flow {
    line: Arc<Line>,
}

/// A message that was not sent, given back.
#[derive(Clone, PartialEq, Eq)]
pub enum SendError {
    /// The flow's byte budget is used up: the peer does not read as fast as we write. Try later, or
    /// answer 503.
    Full(Bytes),
    /// The session has ended; no message will be sent on this flow again.
    Closed(Bytes),
}

/// While it lives, its session has no idle deadline. See [`Flow::keep_open`].
#[derive(Debug)]
pub struct KeepOpen {
    flow: Flow,
}

/// While it lives, a drain leaves its session open. See [`Flow::busy`].
#[derive(Debug)]
pub struct Busy {
    flow: Flow,
}

impl Flow {
    pub(crate) const fn new(line: Arc<Line>) -> Self {
        Self { line }
    }

    /// The connection this flow is of.
    pub fn connection(&self) -> &Connection {
        &self.line.connection
    }

    /// The id of that connection.
    pub fn id(&self) -> ConnectionId {
        self.line.connection.id
    }

    /// Queues one whole SIP message for the peer, without waiting.
    ///
    /// Messages leave in the order they were queued. The queue holds at most the flow budget
    /// ([`Builder::flow_budget`](crate::Builder::flow_budget), 256 KiB by default).
    ///
    /// # Errors
    /// [`SendError::Full`] above the budget and [`SendError::Closed`] after the session's end; both
    /// give the message back and neither harms the session.
    pub fn send(&self, message: impl Into<Bytes>) -> Result<(), SendError> {
        let message = message.into();
        let mut state = self.line.state();
        if !state.open {
            return Err(SendError::Closed(message));
        }
        if state.queue.bytes() + message.len() > self.line.budget {
            return Err(SendError::Full(message));
        }
        state.queue.push(message);
        Line::wake(state);
        Ok(())
    }

    /// Asks the session to close with this cause: what is queued may still leave within `grace`,
    /// then comes close_notify. The first cause given stays.
    pub fn close(&self, cause: CloseCause, grace: Duration) {
        self.line.trip(cause, grace);
    }

    /// Suspends the idle deadline for as long as what is returned lives: a binding or a trunk that
    /// rests must not lose its connection.
    pub fn keep_open(&self) -> KeepOpen {
        self.line.holds.fetch_add(1, Ordering::AcqRel);
        KeepOpen { flow: self.clone() }
    }

    /// Says that something is going on that a drain should wait for, a call for instance, for as long
    /// as what is returned lives. A drain's deadline ends it all the same.
    pub fn busy(&self) -> Busy {
        self.line.busy.fetch_add(1, Ordering::AcqRel);
        Busy { flow: self.clone() }
    }

    /// The peer has proved who it is: the authentication deadline does not apply any more.
    pub fn mark_authenticated(&self) {
        self.line.mark_authenticated();
    }

    /// Whether the session still takes messages.
    pub fn is_open(&self) -> bool {
        self.line.state().open
    }

    /// Bytes queued and not yet handed to TLS.
    pub fn queued(&self) -> usize {
        self.line.queued()
    }
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.line, &other.line)
    }
}

impl Eq for Flow {}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flow").field(&self.id()).finish()
    }
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.flow.line.holds.fetch_sub(1, Ordering::AcqRel);
        // The idle deadline counts again: the session has to look.
        Line::wake(self.flow.line.state());
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.flow.line.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl SendError {
    /// The message that was not sent.
    pub fn into_message(self) -> Bytes {
        match self {
            Self::Full(message) | Self::Closed(message) => message,
        }
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(message) => write!(f, "Full({} bytes)", message.len()),
            Self::Closed(message) => write!(f, "Closed({} bytes)", message.len()),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the flow's byte budget is used up: the peer does not read",
            Self::Closed(_) => "the session of this flow has ended",
        })
    }
}

impl std::error::Error for SendError {}

/// What a flow and its session share.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) connection: Arc<Connection>,
    pub(crate) readings: Readings,
    budget: usize,
    holds: AtomicUsize,
    busy: AtomicUsize,
    authenticated: AtomicBool,
    state: Mutex<State>,
}

/// A wish to close, first come.
#[derive(Clone, Debug)]
pub(crate) struct Closing {
    pub(crate) cause: CloseCause,
    pub(crate) grace: Duration,
}

/// What a session finds when it looks around.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The number of the latest news, for [`Line::park`].
    pub(crate) news: u64,
    pub(crate) closing: Option<Closing>,
}

/// The supervisor's answer to `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Serve,
    Refuse,
}

#[derive(Debug)]
struct State {
    open: bool,
    queue: Queue,
    closing: Option<Closing>,
    verdict: Option<Verdict>,
    /// Another source needs the place of this handshake.
    making_way: bool,
    /// Counts what the session should look at; parking is refused while it has not.
    news: u64,
    /// Present only while the session sleeps: who adds news from within its own poll wakes nobody.
    parked: Option<Waker>,
}

impl Line {
    pub(crate) fn new(connection: Arc<Connection>, budget: usize) -> Arc<Self> {
        Arc::new(Self {
            connection,
            readings: Readings::default(),
            budget,
            holds: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            authenticated: AtomicBool::new(false),
            state: Mutex::new(State {
                open: true,
                queue: Queue::default(),
                closing: None,
                verdict: None,
                making_way: false,
                news: 0,
                parked: None,
            }),
        })
    }

    /// Trips the close latch; the first cause stays, the shortest grace counts.
    pub(crate) fn trip(&self, cause: CloseCause, grace: Duration) {
        let grace = grace.min(AGE);
        let mut state = self.state();
        match &mut state.closing {
            Some(closing) => closing.grace = closing.grace.min(grace),
            None => state.closing = Some(Closing { cause, grace }),
        }
        Self::wake(state);
    }

    pub(crate) fn answer(&self, verdict: Verdict) {
        let mut state = self.state();
        state.verdict = Some(verdict);
        Self::wake(state);
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.state().verdict
    }

    /// Whether this handshake was asked to make way for another source's.
    pub(crate) fn makes_way(&self) -> bool {
        self.state().making_way
    }

    pub(crate) fn closing(&self) -> Option<Closing> {
        self.state().closing.clone()
    }

    /// The session is awake and looks: everything up to the number returned is about to be seen.
    pub(crate) fn unpark(&self) -> Seen {
        let mut state = self.state();
        state.parked = None;
        Seen {
            news: state.news,
            closing: state.closing.clone(),
        }
    }

    /// The session wants to sleep; refused when there is news after `seen`.
    pub(crate) fn park(&self, seen: u64, waker: &Waker) -> bool {
        let mut state = self.state();
        if state.news != seen {
            return false;
        }
        state.parked = Some(waker.clone());
        true
    }

    /// The next message to send.
    pub(crate) fn pop(&self) -> Option<Bytes> {
        self.state().queue.pop()
    }

    /// Bytes queued and not yet handed to TLS.
    pub(crate) fn queued(&self) -> usize {
        self.state().queue.bytes()
    }

    pub(crate) fn held_open(&self) -> bool {
        self.holds.load(Ordering::Acquire) > 0
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) > 0
    }

    pub(crate) fn mark_authenticated(&self) {
        self.authenticated.store(true, Ordering::Release);
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Acquire)
    }

    /// The end: takes no more messages. What is queued may still be popped.
    pub(crate) fn shut(&self) {
        self.state().open = false;
    }

    /// Drops what is queued: bindings hold flows for long after the session.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.open = false;
        state.parked = None;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        drop(queue);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state whole, so a poisoned lock is still sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        state.news += 1;
        let parked = state.parked.take();
        drop(state);
        if let Some(waker) = parked {
            waker.wake();
        }
    }
}

impl Shaking for Arc<Line> {
    fn is_silent(&self) -> bool {
        self.readings.bytes_in.load(Ordering::Relaxed) == 0
    }

    fn make_way(&self) {
        let mut state = self.state();
        state.making_way = true;
        Line::wake(state);
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
