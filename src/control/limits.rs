//! The control message that changes the admission limits.

use super::{Handle, Stopped};
use crate::admission::AdmissionLimits;
use crate::supervisor::Supervisor;
use xtra::{Context, Handler};

/// Changes the admission limits for new connections; the answer is the old limits. Open connections
/// stay open, also those above a new limit. Rates begin with full bursts.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let mut limits = sipward.snapshot().await?.limits;
/// limits.connections_per_source = 50;
/// let before = sipward.set_limits(limits).await?;
/// assert_eq!(before.connections_per_source, 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SetLimits {
    /// The new limits, which replace all old ones.
    pub limits: AdmissionLimits,
}

impl Handle {
    /// Changes the admission limits for new connections, and returns the old ones.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn set_limits(&self, limits: AdmissionLimits) -> Result<AdmissionLimits, Stopped> {
        self.ask(SetLimits { limits }).await
    }
}

impl Handler<SetLimits> for Supervisor {
    type Return = AdmissionLimits;

    async fn handle(&mut self, new: SetLimits, _: &mut Context<Self>) -> AdmissionLimits {
        let mut state = self.state();
        state.set_limits(new.limits)
    }
}
