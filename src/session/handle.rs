//! The part of a session that other tasks share: its constant facts, its counters, its bounded outbound
//! queue, and the means to ask it to close.
//!
//! No method here waits. A handle may outlive its session; `push` then returns every message to its
//! caller.

use super::queue::Queue;
use super::{CloseSession, Session};
use crate::admission::PendingHandshake;
use crate::cause::CloseCause;
use crate::clock::MAX_DURATION;
use crate::connection::{Connection, ConnectionCounters};
use bytes::Bytes;
use futures_util::FutureExt;
use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use xtra::{Address, Mailbox};

/// Shared by a session, its flows, the supervisor and admission.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    pub(crate) connection: Arc<Connection>,
    pub(crate) counters: Arc<ConnectionCounters>,
    /// How many bytes may be queued.
    budget: usize,
    holds: AtomicUsize,
    busy: AtomicUsize,
    authenticated: AtomicBool,
    /// Whether the session has had its first message.
    serving: AtomicBool,
    state: Mutex<State>,
}

/// A request to close a session: with which cause, and within which time.
#[derive(Clone, Debug)]
pub(crate) struct CloseRequest {
    pub(crate) cause: CloseCause,
    pub(crate) grace: Duration,
}

/// What a session sees of its shared state when it is polled.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The number of the latest change, to be passed to [`SessionHandle::park`].
    pub(crate) change: u64,
    pub(crate) close_request: Option<CloseRequest>,
}

#[derive(Debug)]
struct State {
    /// Whether messages are accepted.
    open: bool,
    queue: Queue,
    /// The session's mailbox; `None` once it has ended.
    address: Option<Address<Session>>,
    /// How many messages were put into the mailbox.
    close_requests: u32,
    /// The request that applies. The session sets it when it handles its first message, and shortens it
    /// with each further one.
    close_request: Option<CloseRequest>,
    /// Whether the handshake was evicted in favour of another source.
    evicted: bool,
    /// Counts the changes that the session has to look at before it parks.
    changes: u64,
    /// Present only while the session sleeps, so that a change made within its own poll does not wake
    /// it needlessly.
    parked: Option<Waker>,
}

impl SessionHandle {
    /// The handle of a session and the mailbox that the session handles.
    pub(crate) fn new(connection: Arc<Connection>, budget: usize) -> (Arc<Self>, Mailbox<Session>) {
        let (address, mailbox) = Mailbox::unbounded();
        let handle = Self {
            connection,
            counters: Arc::default(),
            budget,
            holds: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            authenticated: AtomicBool::new(false),
            serving: AtomicBool::new(false),
            state: Mutex::new(State {
                open: true,
                queue: Queue::default(),
                address: Some(address),
                close_requests: 0,
                close_request: None,
                evicted: false,
                changes: 0,
                parked: None,
            }),
        };
        (Arc::new(handle), mailbox)
    }

    /// Sends the session a [`CloseSession`] message. This is the only way to ask a session to close.
    /// Does nothing when the session has ended.
    pub(crate) fn request_close(&self, cause: CloseCause, grace: Duration) {
        let (address, number) = {
            let mut state = self.state();
            let Some(address) = state.address.clone() else {
                return;
            };
            state.close_requests = state.close_requests.saturating_add(1);
            (address, state.close_requests)
        };
        let grace = grace.min(MAX_DURATION);
        let request = CloseSession(CloseRequest { cause, grace });
        // xtra orders a mailbox by priority alone, so each request has a lower priority than the one
        // before it. Sending does not wait, because the mailbox is unbounded.
        let sending = address.send(request).priority(u32::MAX - number).detach();
        let _ = sending.into_future().now_or_never();
    }

    /// Handles a [`CloseSession`] message: the cause of the first stays, and the shortest grace
    /// applies. A drain whose deadline has passed meanwhile gets the cause `drain_deadline`.
    pub(super) fn note_close_request(&self, request: CloseRequest) {
        let mut state = self.state();
        let Some(first) = &mut state.close_request else {
            state.close_request = Some(request);
            return;
        };
        first.grace = first.grace.min(request.grace);
        if request.cause == CloseCause::DrainDeadline {
            first.cause = first.cause.clone().past_grace();
        }
    }

    /// The request to close that applies, once the session has handled its message.
    pub(crate) fn close_request(&self) -> Option<CloseRequest> {
        self.state().close_request.clone()
    }

    /// Whether this handshake was evicted in favour of another source.
    pub(crate) fn is_evicted(&self) -> bool {
        self.state().evicted
    }

    /// Marks the session as awake. It is about to look at every change up to the number returned.
    pub(crate) fn unpark(&self) -> Seen {
        let mut state = self.state();
        state.parked = None;
        Seen {
            change: state.changes,
            close_request: state.close_request.clone(),
        }
    }

    /// Lets the session sleep. False, and nothing is registered, when there was a change after `seen`.
    pub(crate) fn park(&self, seen: u64, waker: &Waker) -> bool {
        let mut state = self.state();
        if state.changes != seen {
            return false;
        }
        state.parked = Some(waker.clone());
        true
    }

    /// Queues a message; the error returns it with the reason.
    pub(super) fn push(&self, message: Bytes) -> Result<(), (PushError, Bytes)> {
        let mut state = self.state();
        if !state.open {
            return Err((PushError::Closed, message));
        }
        if state.queue.bytes() + message.len() > self.budget {
            return Err((PushError::Full, message));
        }
        state.queue.push(message);
        Self::wake(state);
        Ok(())
    }

    /// The next message to send.
    pub(crate) fn pop(&self) -> Option<Bytes> {
        self.state().queue.pop()
    }

    /// How many bytes are queued and not yet handed to TLS.
    pub(crate) fn queued(&self) -> usize {
        self.state().queue.bytes()
    }

    /// Whether messages are accepted.
    pub(super) fn is_open(&self) -> bool {
        self.state().open
    }

    pub(super) fn hold_open(&self) {
        self.holds.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn release_hold(&self) {
        self.holds.fetch_sub(1, Ordering::AcqRel);
        // Wakes the session, because the idle deadline applies again.
        Self::wake(self.state());
    }

    pub(crate) fn held_open(&self) -> bool {
        self.holds.load(Ordering::Acquire) > 0
    }

    pub(super) fn begin_busy(&self) {
        self.busy.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end_busy(&self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
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

    /// Notes that the session serves a message. True for the first.
    pub(super) fn begin_serving(&self) -> bool {
        !self.serving.load(Ordering::Relaxed) && !self.serving.swap(true, Ordering::Release)
    }

    /// Whether the session has had its first message, and therefore runs on the threads for sessions.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// Accepts no further message. Queued messages can still be popped.
    pub(crate) fn shut(&self) {
        self.state().open = false;
    }

    /// Drops the queue of a session that has ended, because bindings may hold its flow for long
    /// afterwards.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.open = false;
        state.parked = None;
        let address = state.address.take();
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        drop(address);
        drop(queue);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is used on, because no critical section can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        state.changes += 1;
        let parked = state.parked.take();
        drop(state);
        if let Some(waker) = parked {
            waker.wake();
        }
    }
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushError {
    Full,
    Closed,
}

impl PendingHandshake for SessionHandle {
    fn is_silent(&self) -> bool {
        self.counters.bytes_in.load(Ordering::Relaxed) == 0
    }

    fn evict(&self) {
        let mut state = self.state();
        state.evicted = true;
        Self::wake(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{ConnectionId, Direction};
    use futures_util::task::noop_waker_ref;
    use std::future::Future;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::pin::pin;
    use std::task::Context;
    use std::time::SystemTime;

    #[test]
    fn the_first_of_two_requests_gives_the_cause_and_the_shorter_grace_applies() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
        let connection = Connection {
            id: ConnectionId::new(1),
            direction: Direction::Inbound,
            peer: address,
            local: address,
            listener: address,
            begun: SystemTime::UNIX_EPOCH,
        };
        let (handle, mailbox) = SessionHandle::new(Arc::new(connection), 1000);
        handle.request_close(CloseCause::Operator, Duration::from_secs(5));
        handle.request_close(CloseCause::Replaced, Duration::from_secs(1));

        let session = Session {
            handle: Arc::clone(&handle),
        };
        let mut actor = pin!(xtra::run(mailbox, session));
        let mut cx = Context::from_waker(noop_waker_ref());
        assert!(actor.as_mut().poll(&mut cx).is_pending());
        let request = handle.close_request().expect("the request was handled");
        assert_eq!(request.cause, CloseCause::Operator);
        assert_eq!(request.grace, Duration::from_secs(1));
    }
}
