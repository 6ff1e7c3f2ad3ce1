//! The end: at once or gently, and its report.

use crate::ledger::Counts;
use async_std::channel::Receiver;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Ends the supervisor: no connection is accepted any more, handshakes are cancelled, sessions are
/// told to close, and those that are still open at the deadline are cut. Answered at once with
/// [`ShutdownBegun`]; a second one can only shorten the deadline.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::control::Shutdown;
/// use std::time::Duration;
///
/// // As an xtra user would; `sipward.shutdown(deadline)` asks and waits.
/// let begun = sipward.address().send(Shutdown { deadline: Duration::from_secs(8) }).await?;
/// let report = begun.finished().await;
/// assert!(report.inbound.balanced());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// How long sessions have.
    pub deadline: Duration,
}

/// Ends the supervisor gently: no connection is accepted any more, handshakes are cancelled, the
/// application is told ([`Application::draining`](crate::Application::draining)), sessions that are
/// not [`busy`](crate::Flow::busy) are closed one after the other over the first half of the time,
/// busy ones as soon as they are not, and the rest is cut at the deadline. Answered at once with
/// [`ShutdownBegun`]; the events `draining` and `drain_progress` tell how far it is.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let report = sipward.drain(std::time::Duration::from_secs(8)).await;
/// for (cause, sessions) in &report.endings {
///     println!("{sessions} ended by {cause}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long sessions have. Default of the softswitch 8 s: container runtimes kill at 10.
    pub deadline: Duration,
}

/// A shutdown that has begun.
#[derive(Clone, Debug)]
pub struct ShutdownBegun {
    pub(crate) outcome: Outcome,
}

/// How a supervisor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Accepted connections; nothing is left open unless a handler blocked its thread to the end.
    pub inbound: Counts,
    /// Dialled connections.
    pub outbound: Counts,
    /// How many connections ended by which cause since the shutdown began, in the order of the
    /// causes' names.
    pub endings: Vec<(&'static str, u64)>,
    /// Permits still held by sessions: as many as are left open.
    pub permits: usize,
    /// The panic that ended the supervisor, if one did.
    pub panic: Option<String>,
}

/// Where the report will be.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Arc<OnceLock<Report>>,
    /// Closed when the report is there.
    pub(crate) done: Receiver<()>,
}

impl ShutdownBegun {
    /// Waits for the end.
    pub async fn finished(self) -> Report {
        self.outcome.wait().await
    }
}

impl Outcome {
    pub(crate) async fn wait(&self) -> Report {
        // Nothing is ever sent; the channel closes.
        let _ = self.done.recv().await;
        let report = self.report.get().cloned();
        report.unwrap_or_else(|| Report {
            inbound: Counts::default(),
            outbound: Counts::default(),
            endings: Vec::new(),
            permits: 0,
            panic: Some("the supervisor's task was dropped".to_owned()),
        })
    }
}
