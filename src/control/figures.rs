//! How it goes: the counters and limits of one moment.

use crate::admission::AdmissionLimits;
use crate::deadline::Deadlines;
use crate::ledger::Counts;
use crate::sip::Limits;
use std::net::SocketAddr;
use std::time::Duration;

/// Asks for the counters and limits of this moment; answered with [`Figures`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let figures = sipward.snapshot().await?;
/// assert!(figures.inbound.balanced());
/// assert_eq!(figures.listeners, sipward.listeners());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Snapshot;

/// The counters and limits of one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Figures {
    /// Since the supervisor started.
    pub uptime: Duration,
    /// Accepted connections.
    pub inbound: Counts,
    /// Dialled connections.
    pub outbound: Counts,
    /// Permits held by sessions: equals `handshaking + open`, but for words on their way.
    pub permits: usize,
    /// Events that the slowest observer has not seen yet.
    pub undelivered_events: usize,
    /// The addresses listened on.
    pub listeners: Vec<SocketAddr>,
    /// Handshakes that count against the limit.
    pub handshake_permits: usize,
    /// Bytes counted against [`AdmissionLimits::memory`], whether or not there is a budget.
    pub memory: usize,
    /// Who may come in, and how many.
    pub limits: AdmissionLimits,
    /// The outbound budget of each flow, in bytes.
    pub flow_budget: usize,
    /// The deadlines of every connection.
    pub deadlines: Deadlines,
    /// The limits on every message.
    pub message_limits: Limits,
    /// Whether the supervisor is shutting down.
    pub draining: bool,
}
