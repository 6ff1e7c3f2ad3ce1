//! Closing connections.

use super::listing::SessionFilter;
use super::{Handle, Stopped};
use crate::cause::CloseCause;
use crate::connection::ConnectionId;
use crate::supervisor::Supervisor;
use std::net::IpAddr;
use std::time::Duration;
use xtra::{Context, Handler};

/// Closes connections; answered with how many were told to.
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
/// let told = sipward
///     .close(source, CloseReason::Operator, Duration::from_secs(1))
///     .await?;
/// assert_eq!(told, 0, "nobody is connected from there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Close {
    /// Which ones.
    pub target: Target,
    /// What their `Closed` event will say.
    pub reason: CloseReason,
    /// How long what is queued may still take to leave, and a running handler to finish.
    pub grace: Duration,
}

/// Which connections to close.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// This one.
    Connection(ConnectionId),
    /// All from this address.
    Source(IpAddr),
    /// All whose client certificate speaks for this SIP domain (RFC 5922).
    Identity(String),
}

/// Why the application wants a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Somebody wants it so.
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
    /// Tells connections to close, and says how many.
    ///
    /// # Errors
    /// [`Stopped`].
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
        let mut told = 0;
        for entry in state.ledger.entries().filter(|entry| filter.matches(entry)) {
            let handle = &entry.held.handle;
            handle.request_close(close.reason.into(), close.grace);
            told += 1;
        }
        told
    }
}
