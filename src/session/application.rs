//! What an embedder implements: one [`Application`] per supervisor, one [`SipSession`] per
//! established connection.

use crate::event::{Closed, Ready};
use crate::session::Flow;
use crate::sip::Message;
use std::future::Future;
use std::time::Duration;

/// Opens a conversation for every established session. One per supervisor, shared by all tasks.
///
/// ```
/// use sipward::{Application, Flow, Ready, SipSession, sip::Message};
///
/// struct Echo;
/// struct Conversation(Flow);
///
/// impl Application for Echo {
///     type Session = Conversation;
///     fn open(&self, _ready: &Ready, flow: Flow) -> Conversation {
///         Conversation(flow)
///     }
/// }
///
/// impl SipSession for Conversation {
///     async fn message(&mut self, message: Message) {
///         // A full flow is the peer's doing; what to do about it is the application's choice.
///         let _ = self.0.send(message.into_bytes());
///     }
/// }
/// ```
pub trait Application: Send + Sync + 'static {
    /// What serves one session.
    type Session: SipSession;

    /// A session is established and accounted for. Called in the session's own task, before its
    /// first message is read, on a thread that shakes hands: it must not block. A panic here ends this
    /// session alone.
    fn open(&self, ready: &Ready, flow: Flow) -> Self::Session;

    /// A drain has begun: nobody new comes in, and sessions that are not [`busy`](Flow::busy) are
    /// closed one after the other; all others when `deadline` has passed. Called once, in the
    /// supervisor's task: it must not block. A panic here ends the supervisor.
    fn draining(&self, deadline: Duration) {
        let _ = deadline;
    }
}

/// Serves one session, in that session's task.
pub trait SipSession: Send + 'static {
    /// One SIP message came. Every message that
    /// [`messages_in`](crate::ConnectionStats::messages_in) counts is handed over, even if the session is
    /// asked to close meanwhile. Called one at a time, in order; the next is read only when this is
    /// done, so slowness here reaches the peer's TCP window and nobody else.
    ///
    /// The future is polled by the session's loop, never awaited: the session can be closed while
    /// it is pending, and then it is dropped at its current await. A call that blocks the thread
    /// cannot be interrupted, and holds up the sessions of that thread (see
    /// [`Threads`](crate::Threads)): such work belongs into `async_std::task::spawn_blocking`. A panic
    /// ends this session alone.
    fn message(&mut self, message: Message) -> impl Future<Output = ()> + Send;

    /// The session has ended; no message comes after this and its flow takes none. Must not block, and
    /// neither must `Drop`. Not called after a panic: what must happen even then belongs into `Drop`.
    fn closed(self, closed: &Closed)
    where
        Self: Sized,
    {
        let _ = closed;
    }
}

/// An application that takes every message and answers none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Application for Discard {
    type Session = Self;

    fn open(&self, _: &Ready, _: Flow) -> Self {
        Self
    }
}

impl SipSession for Discard {
    async fn message(&mut self, _: Message) {}
}
