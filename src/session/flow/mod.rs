//! A flow: what an application holds of a session (RFC 5626 §4).

use super::handle::{PushError, SessionHandle};
use crate::cause::CloseCause;
use crate::connection::{Connection, ConnectionId};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A hold on one session: send messages on it, close it, keep it from being idle.
///
/// RFC 5626 §4 calls this a flow; a registrar's binding holds one. Clones name the same session.
#[derive(Clone)]
pub struct Flow {
    handle: Arc<SessionHandle>,
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
    pub(crate) const fn new(handle: Arc<SessionHandle>) -> Self {
        Self { handle }
    }

    /// The connection this flow is of.
    pub fn connection(&self) -> &Connection {
        &self.handle.connection
    }

    /// The id of that connection.
    pub fn id(&self) -> ConnectionId {
        self.handle.connection.id
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
        self.handle
            .push(message.into())
            .map_err(|(why, message)| match why {
                PushError::Full => SendError::Full(message),
                PushError::Closed => SendError::Closed(message),
            })
    }

    /// Asks the session to close with this cause: what is queued may still leave within `grace`,
    /// then comes close_notify. Of several requests the first cause stays and the shortest grace counts.
    pub fn close(&self, cause: CloseCause, grace: Duration) {
        self.handle.request_close(cause, grace);
    }

    /// Suspends the idle deadline for as long as what is returned lives: a binding or a trunk that
    /// rests must not lose its connection.
    pub fn keep_open(&self) -> KeepOpen {
        self.handle.hold_open();
        KeepOpen { flow: self.clone() }
    }

    /// Says that something is going on that a drain should wait for, a call for instance, for as long
    /// as what is returned lives. A drain's deadline ends the session all the same.
    pub fn busy(&self) -> Busy {
        self.handle.begin_busy();
        Busy { flow: self.clone() }
    }

    /// The peer has proved who it is: the authentication deadline does not apply any more.
    pub fn mark_authenticated(&self) {
        self.handle.mark_authenticated();
    }

    /// Whether the session still takes messages.
    pub fn is_open(&self) -> bool {
        self.handle.is_open()
    }

    /// Bytes queued and not yet handed to TLS.
    pub fn queued(&self) -> usize {
        self.handle.queued()
    }
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle, &other.handle)
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
        self.flow.handle.release_hold();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.flow.handle.end_busy();
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

#[cfg(test)]
mod tests;
