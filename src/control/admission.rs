//! Who may come in: limits and bans.

use crate::admission::AdmissionLimits;
use std::net::IpAddr;
use std::time::Duration;

/// Changes who may come in; answered with the limits of before. Who is in already stays.
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
    /// The new limits, all of them.
    pub limits: AdmissionLimits,
}

/// Bans the source of an address; answered with that source. Its open connections stay; see
/// [`Close`](super::Close).
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
    /// For how long; `None` until it is lifted.
    pub lasts: Option<Duration>,
}

/// Lifts the ban of an address's source; answered with whether there was one.
#[derive(Clone, Copy, Debug)]
pub struct LiftBan {
    /// An address of the source.
    pub peer: IpAddr,
}

/// Asks for the bans in force; answered with a list ordered by address.
#[derive(Clone, Copy, Debug)]
pub struct Bans;
