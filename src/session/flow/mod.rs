//! A flow: an application's reference to a session (RFC 5626 §4).

use super::handle::{PushError, SessionHandle};
use crate::cause::CloseCause;
use crate::connection::{Connection, ConnectionId};
use bytes::Bytes;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// A reference to one established session: sends messages on it, closes it, suspends its idle deadline.
///
/// RFC 5626 §4 calls this a flow; a registrar's binding holds one. Clones refer to the same session, and
/// flows are equal when they do. A flow does not keep its session open: see [`keep_open`](Self::keep_open).
#[derive(Clone)]
pub struct Flow {
    handle: Arc<SessionHandle>,
}

/// A message that was not sent, given back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The flow's byte budget is used up, because the peer reads more slowly than the application sends.
    /// The application may try again later, or answer the request it came from with 503.
    Full(Bytes),
    /// The session has ended; no message will be sent on this flow again.
    Closed(Bytes),
}

/// Suspends the idle deadline of a session until it is dropped. See [`Flow::keep_open`].
#[derive(Debug)]
#[must_use = "the idle deadline applies again when this is dropped"]
pub struct KeepOpen {
    flow: Flow,
}

/// Marks a session as busy until it is dropped: a drain closes it last. See [`Flow::busy`].
#[derive(Debug)]
#[must_use = "the session is busy only until this is dropped"]
pub struct Busy {
    flow: Flow,
}

impl Flow {
    pub(crate) const fn new(handle: Arc<SessionHandle>) -> Self {
        Self { handle }
    }

    /// The facts of the session's connection.
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

    /// Asks the session to close with this cause. Queued messages are still sent within `grace`, then
    /// close_notify. After several requests the cause of the first and the shortest grace apply. Has no
    /// effect on a session that has ended.
    pub fn close(&self, cause: CloseCause, grace: Duration) {
        self.handle.request_close(cause, grace);
    }

    /// Suspends the idle deadline until the returned value is dropped, because a registered phone or a
    /// trunk may be silent for long and must not lose its connection. Several may exist at once.
    pub fn keep_open(&self) -> KeepOpen {
        self.handle.hold_open();
        KeepOpen { flow: self.clone() }
    }

    /// Marks the session as busy, for example with a call, until the returned value is dropped. A drain
    /// closes busy sessions only at its deadline, or when they are busy no more. Several may exist at once.
    pub fn busy(&self) -> Busy {
        self.handle.begin_busy();
        Busy { flow: self.clone() }
    }

    /// Says that the peer has authenticated itself: the authentication deadline
    /// ([`Deadlines::authentication`](crate::Deadlines::authentication)) does not apply any more.
    pub fn mark_authenticated(&self) {
        self.handle.mark_authenticated();
    }

    /// Whether the session still accepts messages to send.
    pub fn is_open(&self) -> bool {
        self.handle.is_open()
    }

    /// How many bytes are queued and not yet handed to TLS.
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

impl Hash for Flow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

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
