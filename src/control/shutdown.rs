//! The control messages that end a supervisor, at once or gradually, and the report of its end.

use super::Handle;
use crate::clock::MAX_DURATION;
use crate::supervisor::{PendingReport, Report, Supervisor};
use std::time::Duration;
use xtra::{Context, Handler};

/// Ends the supervisor: no connection is accepted any more, handshakes are cancelled, sessions are
/// asked to close, and those still open at the deadline are cut. The answer is a [`ShutdownBegun`], at
/// once. A second shutdown can only shorten the deadline.
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
    /// How long sessions have to close. Zero cuts them at once; more than 100 years counts as 100
    /// years.
    pub deadline: Duration,
}

/// Ends the supervisor gradually: no connection is accepted any more, handshakes are cancelled, the
/// application's method `draining` is called ([`Application::draining`](crate::Application::draining)),
/// sessions that are not [`busy`](crate::Flow::busy) are closed one after the other over the first half
/// of the time, busy ones as soon as they are not, and the rest is cut at the deadline. The answer is a
/// [`ShutdownBegun`], at once; the events `draining` and `drain_progress` show the progress.
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
    /// How long sessions have to close. Zero cuts them at once; more than 100 years counts as 100
    /// years. Default of the softswitch 8 s: container runtimes kill at 10.
    pub deadline: Duration,
}

/// A shutdown that has begun.
#[derive(Clone, Debug)]
pub struct ShutdownBegun {
    pub(crate) report: PendingReport,
}

impl ShutdownBegun {
    /// Waits until the supervisor has ended.
    pub async fn finished(self) -> Report {
        self.report.wait().await
    }
}

impl Handle {
    /// Ends the supervisor and waits until it has ended. Sessions have `deadline` to close. Takes at
    /// most the deadline and a few seconds. When the supervisor has ended already, returns its report
    /// at once.
    pub async fn shutdown(&self, deadline: Duration) -> Report {
        // An error means that the supervisor has ended already; its report is there then.
        let _ = self.ask(Shutdown { deadline }).await;
        self.report.wait().await
    }

    /// Ends the supervisor gradually, as [`control::Drain`](crate::control::Drain) says, and waits for
    /// that end.
    pub async fn drain(&self, deadline: Duration) -> Report {
        // An error means that the supervisor has ended already; its report is there then.
        let _ = self.ask(Drain { deadline }).await;
        self.report.wait().await
    }

    /// Waits until the supervisor has ended, for whatever reason.
    pub async fn wait(&self) -> Report {
        self.report.wait().await
    }
}

impl Handler<Shutdown> for Supervisor {
    type Return = ShutdownBegun;

    async fn handle(&mut self, shutdown: Shutdown, _: &mut Context<Self>) -> ShutdownBegun {
        let mut state = self.state();
        state.shut_down(shutdown.deadline);
        ShutdownBegun {
            report: state.report.clone(),
        }
    }
}

impl Handler<Drain> for Supervisor {
    type Return = ShutdownBegun;

    async fn handle(&mut self, drain: Drain, _: &mut Context<Self>) -> ShutdownBegun {
        let (factory, begins) = {
            let state = self.state();
            (state.acceptor_factory.clone(), state.shutdown.is_none())
        };
        // The lock is not held here, because this runs the application's code.
        if let Some(factory) = factory.filter(|_| begins) {
            factory.draining(drain.deadline.min(MAX_DURATION));
        }
        let mut state = self.state();
        state.drain(drain.deadline);
        ShutdownBegun {
            report: state.report.clone(),
        }
    }
}
