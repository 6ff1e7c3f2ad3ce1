//! The control messages about banned sources.

use super::{Handle, Stopped};
use crate::admission::Ban;
use crate::event::Event;
use crate::supervisor::Supervisor;
use std::net::IpAddr;
use std::time::Duration;
use xtra::{Context, Handler};

/// Bans the source of an address; the answer is that source. A ban refuses new connections with
/// `banned`. It does not close open ones; for that see [`Close`](super::Close).
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let nuisance = "192.0.2.7".parse()?;
/// sipward.ban(nuisance, Some(std::time::Duration::from_secs(3600))).await?;
/// assert_eq!(sipward.bans().await?.len(), 1);
/// assert!(sipward.lift_ban(nuisance).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AddBan {
    /// An address of the source.
    pub peer: IpAddr,
    /// How long the ban lasts; `None`: until it is lifted. A new ban replaces an older one of the same
    /// source.
    pub duration: Option<Duration>,
}

/// Lifts the ban of an address's source. The answer is `false` when there was none.
#[derive(Clone, Copy, Debug)]
pub struct LiftBan {
    /// An address of the source.
    pub peer: IpAddr,
}

/// Asks for the bans in force; the answer is a list ordered by address.
#[derive(Clone, Copy, Debug)]
pub struct Bans;

impl Handle {
    /// Bans the source of this address for this time, or with `None` until the ban is lifted. Returns
    /// the source.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn ban(&self, peer: IpAddr, duration: Option<Duration>) -> Result<IpAddr, Stopped> {
        self.ask(AddBan { peer, duration }).await
    }

    /// Lifts the ban of this address's source. `false` when there was none.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn lift_ban(&self, peer: IpAddr) -> Result<bool, Stopped> {
        self.ask(LiftBan { peer }).await
    }

    /// Returns the bans in force, ordered by address.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn bans(&self) -> Result<Vec<Ban>, Stopped> {
        self.ask(Bans).await
    }
}

impl Handler<AddBan> for Supervisor {
    type Return = IpAddr;

    async fn handle(&mut self, ban: AddBan, _: &mut Context<Self>) -> IpAddr {
        let mut state = self.state();
        let now = state.clock.now();
        let source = state.admission.ban(ban.peer, ban.duration, now);
        state.publish(Event::Banned {
            source,
            duration: ban.duration,
            cause: "operator".into(),
        });
        source
    }
}

impl Handler<LiftBan> for Supervisor {
    type Return = bool;

    async fn handle(&mut self, lift: LiftBan, _: &mut Context<Self>) -> bool {
        let state = self.state();
        state.admission.lift_ban(lift.peer)
    }
}

impl Handler<Bans> for Supervisor {
    type Return = Vec<Ban>;

    async fn handle(&mut self, _: Bans, _: &mut Context<Self>) -> Vec<Ban> {
        let state = self.state();
        state.admission.bans(state.clock.now())
    }
}
