//! The control message that closes connections.

use super::listing::SessionFilter;
use super::{Handle, Stopped};
use crate::cause::CloseCause;
use crate::connection::ConnectionId;
use crate::supervisor::Supervisor;
use std::net::IpAddr;
use std::time::Duration;
use xtra::{Context, Handler};

/// Asks connections to close; the answer is how many were asked. Each ends with its own `closed` or
/// `handshake_failed` event afterwards.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::control::{CloseReason, Target};
/// use std::time::Duration;
///
/// let source = Target::Source("192.0.2.7".parse()?);
/// let asked = sipward
///     .close(source, CloseReason::Operator, Duration::from_secs(1))
///     .await?;
/// assert_eq!(asked, 0, "there is no connection from there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Close {
    /// Which connections.
    pub target: Target,
    /// The cause in their `Closed` events.
    pub reason: CloseReason,
    /// How long the session may still send queued messages and let a running handler finish. Zero
    /// closes at once; more than 100 years counts as 100 years.
    pub grace: Duration,
}

/// Which connections to close.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// The connection with this id.
    Connection(ConnectionId),
    /// All connections from this IP address, whatever the port.
    Source(IpAddr),
    /// All connections whose client certificate speaks for this SIP domain (RFC 5922), compared without
    /// case.
    Identity(String),
}

/// Why the application wants a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// An operator asked for it.
    Operator,
    /// A newer connection has taken its place.
    Replaced,
    /// The peer's certificate was revoked.
    CertificateRevoked,
}

impl From<CloseReason> for CloseCause {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Operator => Self::Operator,
            CloseReason::Replaced => Self::Replaced,
            CloseReason::CertificateRevoked => Self::CertificateRevoked,
        }
    }
}

impl Handle {
    /// Asks connections to close. Returns how many were asked, without waiting for their ends.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn close(
        &self,
        target: Target,
        reason: CloseReason,
        grace: Duration,
    ) -> Result<usize, Stopped> {
        let close = Close {
            target,
            reason,
            grace,
        };
        self.ask(close).await
    }
}

impl Handler<Close> for Supervisor {
    type Return = usize;

    async fn handle(&mut self, close: Close, _: &mut Context<Self>) -> usize {
        let state = self.state();
        let filter = match close.target {
            Target::Connection(id) => {
                let Some(entry) = state.ledger.entry(id) else {
                    return 0;
                };
                entry
                    .held
                    .handle
                    .request_close(close.reason.into(), close.grace);
                return 1;
            }
            Target::Source(source) => SessionFilter {
                source: Some(source),
                ..SessionFilter::default()
            },
            Target::Identity(identity) => SessionFilter {
                identity: Some(identity),
                ..SessionFilter::default()
            },
        };
        let mut asked = 0;
        for entry in state.ledger.entries().filter(|entry| filter.matches(entry)) {
            let handle = &entry.held.handle;
            handle.request_close(close.reason.into(), close.grace);
            asked += 1;
        }
        asked
    }
}
