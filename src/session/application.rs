//! The traits that an embedder implements: one [`Application`] per supervisor, one [`SipSession`] per
//! established connection.

use crate::event::{Closed, Ready};
use crate::session::Flow;
use crate::sip::Message;
use std::future::Future;
use std::time::Duration;

/// Makes a [`SipSession`] for every established session. There is one application per supervisor,
/// shared by all tasks.
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
///         // A flow is full when the peer does not read; this application drops the message then.
///         let _ = self.0.send(message.into_bytes());
///     }
/// }
/// ```
pub trait Application: Send + Sync + 'static {
    /// The type that serves one session.
    type Session: SipSession;

    /// Called when a session is established and in the ledger, before its first message is read. Runs
    /// in the session's own task, on a thread for handshakes, so it must not block. A panic here ends
    /// this session alone, with `internal`.
    fn open(&self, ready: &Ready, flow: Flow) -> Self::Session;

    /// Called once when a drain begins: no connection is accepted any more, sessions that are not
    /// [`busy`](Flow::busy) are closed one after the other, and the rest when `deadline` has passed.
    /// Runs in the supervisor's task, so it must not block. A panic here ends the supervisor. Does
    /// nothing by default.
    fn draining(&self, deadline: Duration) {
        let _ = deadline;
    }
}

/// Serves one session, in that session's task.
pub trait SipSession: Send + 'static {
    /// Called with each SIP message, in order, one at a time. Every message that
    /// [`messages_in`](crate::ConnectionStats::messages_in) counts is handed over, even if the session
    /// is asked to close meanwhile. No byte is read from the peer while the future is pending, so a
    /// slow handler fills this peer's TCP window and delays no other session.
    ///
    /// The session can be closed while the future is pending; once the grace has passed, the future is
    /// dropped at its current await. A call that blocks the thread cannot be interrupted and delays the
    /// other sessions of that thread (see [`Threads`](crate::Threads)): use
    /// `async_std::task::spawn_blocking` for such work. A panic ends this session alone, with
    /// `internal`.
    fn message(&mut self, message: Message) -> impl Future<Output = ()> + Send;

    /// Called when the session has ended: no message follows, and its flow accepts none. Neither this
    /// nor `Drop` may block. Not called after a panic; what must happen even then belongs into `Drop`.
    /// Does nothing by default.
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
