//! The control message that sends a SIP message on a connection.

use super::{Handle, Stopped};
use crate::connection::ConnectionId;
use crate::session::{Flow, SendError};
use crate::supervisor::Supervisor;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use xtra::{Context, Handler};

/// Queues one whole SIP message on a connection; the answer is a [`SendOutcome`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::{ConnectionId, control::SendOutcome};
///
/// let message = "OPTIONS sip:alice@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
/// let sent = sipward.send(ConnectionId::new(7), message).await?;
/// assert_eq!(sent, SendOutcome::Gone, "there is no connection with this id");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct SendMessage {
    /// The connection.
    pub id: ConnectionId,
    /// The message.
    pub message: Bytes,
}

/// Shows only the length of the message, because it may carry credentials.
impl fmt::Debug for SendMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMessage")
            .field("id", &self.id)
            .field("message", &format_args!("{} bytes", self.message.len()))
            .finish()
    }
}

/// Whether a message was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendOutcome {
    /// The message is in the flow's queue and is sent after those before it, unless the session ends
    /// first.
    Queued,
    /// The flow's byte budget is used up; nothing was queued.
    Full,
    /// There is no established session with this id; nothing was queued.
    Gone,
}

impl Handle {
    /// Queues one whole SIP message on a connection, without waiting until it is sent.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn send(
        &self,
        id: ConnectionId,
        message: impl Into<Bytes>,
    ) -> Result<SendOutcome, Stopped> {
        let message = message.into();
        self.ask(SendMessage { id, message }).await
    }
}

impl Handler<SendMessage> for Supervisor {
    type Return = SendOutcome;

    async fn handle(&mut self, send: SendMessage, _: &mut Context<Self>) -> SendOutcome {
        let state = self.state();
        let entry = state.ledger.entry(send.id);
        let Some(entry) = entry.filter(|entry| entry.ready().is_some()) else {
            return SendOutcome::Gone;
        };
        match Flow::new(Arc::clone(&entry.held.handle)).send(send.message) {
            Ok(()) => SendOutcome::Queued,
            Err(SendError::Full(_)) => SendOutcome::Full,
            Err(SendError::Closed(_)) => SendOutcome::Gone,
        }
    }
}
