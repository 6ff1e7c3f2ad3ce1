//! Options for the admission of connections.

use clap::Args;
use ipnet::IpNet;
use sipward::{AdmissionLimits, BanRule, Rate};
use std::num::NonZeroUsize;
use std::time::Duration;

/// The causes that count towards a ban. A phone that is only misconfigured does not cause them for
/// long.
const BAN_CAUSES: [&str; 4] = ["malformed", "misbehaved", "framing", "plaintext"];

#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Connections held at once; further ones are refused [default: 90 % of the
    /// limit of open files]
    #[arg(long, value_name = "N", env = "SOFTSWITCH_MAX_CONNECTIONS")]
    max_connections: Option<NonZeroUsize>,

    /// TLS handshakes at once; when they are used up, sources that have more
    /// than their share make way for others
    #[arg(
        long,
        value_name = "N",
        env = "SOFTSWITCH_MAX_HANDSHAKES",
        default_value = "512"
    )]
    max_handshakes: NonZeroUsize,

    /// Connections held at once from one address (IPv6: one /64)
    #[arg(
        long,
        value_name = "N",
        env = "SOFTSWITCH_MAX_PER_SOURCE",
        default_value = "1000"
    )]
    max_per_source: NonZeroUsize,

    /// New connections a second from one address, and how many at once after a
    /// quiet time; 0 for no limit
    #[arg(
        long,
        value_name = "N[:BURST]",
        env = "SOFTSWITCH_RATE_PER_SOURCE",
        default_value = "50:500",
        value_parser = rate
    )]
    rate_per_source: Rate,

    /// New connections a second from everybody, and how many at once; 0 for no
    /// limit
    #[arg(
        long,
        value_name = "N[:BURST]",
        env = "SOFTSWITCH_RATE",
        default_value = "0",
        value_parser = rate
    )]
    rate: Rate,

    /// Memory that all connections may hold together, in MiB; newcomers above
    /// it are refused [default: no limit]
    #[arg(long, value_name = "MIB", env = "SOFTSWITCH_MEMORY_BUDGET")]
    memory_budget: Option<NonZeroUsize>,

    /// Network that the limits per source, rates and bans do not apply to, a
    /// load balancer's for instance; repeat it (or separate networks by commas)
    /// for several [default: none]
    #[arg(
        long,
        value_name = "NETWORK",
        env = "SOFTSWITCH_EXEMPT",
        value_delimiter = ','
    )]
    exempt: Vec<IpNet>,

    /// Refuses an address for SECONDS after this many malformed handshakes or
    /// messages within a minute [default: nobody is banned]
    #[arg(
        long,
        value_name = "STRIKES:SECONDS",
        env = "SOFTSWITCH_BAN",
        value_parser = ban
    )]
    ban: Option<BanRule>,
}

impl Admission {
    pub fn limits(&self) -> AdmissionLimits {
        let mut limits = AdmissionLimits::default();
        if let Some(connections) = self.max_connections {
            limits.connections = connections.get();
        }
        limits.handshakes = self.max_handshakes.get();
        limits.connections_per_source = self.max_per_source.get();
        limits.rate_per_source = nonzero(self.rate_per_source);
        limits.rate = nonzero(self.rate);
        limits.memory = self
            .memory_budget
            .map(|mebibytes| mebibytes.get().saturating_mul(1024 * 1024));
        limits.exempt.clone_from(&self.exempt);
        limits
    }

    pub fn ban_rule(&self) -> Option<BanRule> {
        self.ban.clone()
    }
}

const fn nonzero(rate: Rate) -> Option<Rate> {
    if rate.per_second == 0 {
        None
    } else {
        Some(rate)
    }
}

fn rate(text: &str) -> Result<Rate, String> {
    let (per_second, burst) = text.split_once(':').unwrap_or((text, text));
    let number = |text: &str| {
        text.parse()
            .map_err(|_| format!("`{text}` is not a number"))
    };
    let rate = Rate::new(number(per_second)?, number(burst)?);
    if rate.per_second > 0 && rate.burst == 0 {
        return Err("a burst of 0 would let nobody in".to_owned());
    }
    Ok(rate)
}

fn ban(text: &str) -> Result<BanRule, String> {
    let form = || "must be STRIKES:SECONDS, 10:600 say".to_owned();
    let (strikes, seconds) = text.split_once(':').ok_or_else(form)?;
    let strikes = strikes.parse().map_err(|_| form())?;
    if strikes == 0 {
        return Err("0 strikes would ban everybody".to_owned());
    }
    let seconds = seconds.parse().map_err(|_| form())?;
    Ok(BanRule::default()
        .with_causes(BAN_CAUSES)
        .with_strikes(strikes)
        .with_duration(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_burst_of_its_own_or_the_same() {
        let of = Rate::new;
        assert_eq!(rate("50:500"), Ok(of(50, 500)));
        assert_eq!(rate("5"), Ok(of(5, 5)));
        assert_eq!(nonzero(of(0, 0)), None);
        assert!(rate("5:0").is_err());
        assert!(rate("five").is_err());
    }

    #[test]
    fn a_ban_says_strikes_and_seconds() {
        let rule = ban("10:600").unwrap();
        assert_eq!(
            (rule.strikes, rule.duration),
            (10, Duration::from_secs(600))
        );
        assert!(ban("0:600").is_err());
        assert!(ban("10").is_err());
    }
}
