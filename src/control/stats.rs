//! The counters and limits of one moment, and the control message that asks for them.

use super::{Handle, Stopped};
use crate::admission::AdmissionLimits;
use crate::connection::{Counts, Direction};
use crate::deadline::Deadlines;
use crate::sip::Limits;
use crate::supervisor::Supervisor;
use std::net::SocketAddr;
use std::time::Duration;
use xtra::{Context, Handler};

/// Asks for the counters and limits of this moment; the answer is a [`Stats`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let stats = sipward.snapshot().await?;
/// assert!(stats.inbound.balanced());
/// assert_eq!(stats.listeners, sipward.listeners());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Snapshot;

/// The answer to [`Snapshot`]: the counters and limits of one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// The time since the supervisor started.
    pub uptime: Duration,
    /// Accepted connections.
    pub inbound: Counts,
    /// Dialled connections.
    pub outbound: Counts,
    /// Permits held by connections. Equals `handshaking + open`, except while a connection has begun or
    /// ended and its report has not been applied yet.
    pub permits: usize,
    /// How many events wait for the observer that is farthest behind.
    pub undelivered_events: usize,
    /// The addresses of all open listeners.
    pub listeners: Vec<SocketAddr>,
    /// How many handshakes count against [`AdmissionLimits::handshakes`].
    pub handshake_permits: usize,
    /// Bytes counted against [`AdmissionLimits::memory`], whether or not there is a budget.
    pub memory: usize,
    /// The admission limits in force.
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

impl Handle {
    /// Returns the counters and limits of this moment.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn snapshot(&self) -> Result<Stats, Stopped> {
        self.ask(Snapshot).await
    }
}

impl Handler<Snapshot> for Supervisor {
    type Return = Stats;

    async fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Stats {
        let state = self.state();
        Stats {
            uptime: state.clock.now() - state.started,
            inbound: state.counts(Direction::Inbound),
            outbound: state.counts(Direction::Outbound),
            permits: state.admission.open(),
            undelivered_events: state.subscribers.undelivered(),
            listeners: state.addresses(),
            handshake_permits: state.admission.handshaking(),
            memory: state.admission.memory(),
            limits: state.limits.admission.clone(),
            flow_budget: state.limits.flow_budget,
            deadlines: state.limits.deadlines,
            message_limits: state.limits.messages,
            draining: state.shutdown.is_some(),
        }
    }
}
