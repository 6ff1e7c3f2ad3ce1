//! The end: at once or gently, and its report.

use super::Handle;
use crate::clock::MAX_DURATION;
use crate::supervisor::{PendingReport, Report, Supervisor};
use std::time::Duration;
use xtra::{Context, Handler};

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
    pub(crate) report: PendingReport,
}

impl ShutdownBegun {
    /// Waits for the end.
    pub async fn finished(self) -> Report {
        self.report.wait().await
    }
}

impl Handle {
    /// Ends the supervisor, sessions having `deadline` to close, and waits for that end. Bounded:
    /// it takes at most the deadline and a few seconds.
    pub async fn shutdown(&self, deadline: Duration) -> Report {
        // One that has ended already has its report ready.
        let _ = self.ask(Shutdown { deadline }).await;
        self.report.wait().await
    }

    /// Ends the supervisor gently, as [`control::Drain`](crate::control::Drain) says, and waits for
    /// that end.
    pub async fn drain(&self, deadline: Duration) -> Report {
        // One that has ended already has its report ready.
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
        // Not under the lock: this is the application's code.
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
