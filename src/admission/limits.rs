//! What an operator chooses about who may come in.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who may come in, and how many. Can be changed while running
/// ([`Handle::set_limits`](crate::Handle::set_limits)); who is in already stays.
///
/// A limit's own value is still let in; one more is `Refused` with the limit and the value found.
///
/// ```
/// use sipward::{AdmissionLimits, Rate};
///
/// let mut limits = AdmissionLimits::default();
/// limits.connections_per_source = 200;
/// limits.rate_per_source = Some(Rate { per_second: 10, burst: 100 });
/// limits.exempt = vec!["10.0.0.0/8".parse().unwrap()];
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionLimits {
    /// Connections open, handshakes included. Default: 90 % of the descriptors this process may
    /// have. Refused with `connection_limit`.
    pub connections: usize,
    /// Handshakes going on. Default 512. When they are used up, a source that has less than its
    /// share (this number divided by the sources present) takes the place of the oldest handshake
    /// that has said nothing yet, of the source that has most; that one ends as
    /// `cancelled (evicted)`. Others are refused with `handshake_limit`.
    pub handshakes: usize,
    /// Connections open from one source. Default 1,000: offices share one address. Refused with
    /// `per_source_limit`.
    pub connections_per_source: usize,
    /// Handshakes going on from one source. Default: as many as there may be in all; its share
    /// limits a source under contention only. Refused with `per_source_limit`.
    pub handshakes_per_source: usize,
    /// New connections from one source. Default 50 a second, 500 at once. Refused with
    /// `rate_limit`.
    pub rate_per_source: Option<Rate>,
    /// New connections from everybody. Default: none. Refused with `rate_limit`.
    pub rate: Option<Rate>,
    /// Bytes that all connections may hold together. Default: no limit but the one on connections.
    /// A handshake counts 80 KiB until it is over, the most one can come to; a session 12 KiB and
    /// what is buffered for it in both directions, in steps of 4 KiB. Who is in already is not
    /// touched; newcomers are refused with `memory_budget`.
    pub memory: Option<usize>,
    /// How much of an IPv4 address makes a source, in bits. Default 32.
    pub ipv4_prefix: u8,
    /// How much of an IPv6 address makes a source, in bits. Default 64.
    pub ipv6_prefix: u8,
    /// Networks that the limits per source, the rates and the bans do not apply to: a load
    /// balancer's, a trunk's. Default: none.
    pub exempt: Vec<IpNet>,
}

/// A token bucket: so many a second in the long run, so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a quiet time.
    pub burst: u32,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections: most_descriptors(),
            handshakes: 512,
            connections_per_source: 1000,
            handshakes_per_source: usize::MAX,
            rate_per_source: Some(Rate {
                per_second: 50,
                burst: 500,
            }),
            rate: None,
            memory: None,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            exempt: Vec::new(),
        }
    }
}

impl AdmissionLimits {
    /// Who an address counts as.
    pub(super) fn source(&self, peer: IpAddr) -> IpAddr {
        match peer.to_canonical() {
            IpAddr::V4(address) => {
                let kept = u32::from(address) & mask(32, self.ipv4_prefix) as u32;
                Ipv4Addr::from(kept).into()
            }
            IpAddr::V6(address) => {
                let kept = u128::from(address) & mask(128, self.ipv6_prefix);
                Ipv6Addr::from(kept).into()
            }
        }
    }

    pub(super) fn exempts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.exempt.iter().any(|network| network.contains(&peer))
    }
}

/// The highest `prefix` of `bits` bits.
const fn mask(bits: u32, prefix: u8) -> u128 {
    let prefix = prefix as u32;
    let kept = if prefix > bits { bits } else { prefix };
    if kept == 0 {
        return 0;
    }
    (u128::MAX >> (128 - kept)) << (bits - kept)
}

/// Nine tenths of the descriptors this process may have.
fn most_descriptors() -> usize {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = Some(16_384);
    // Without a limit, memory is one: a million sessions take more than most machines have.
    let limit = limit.unwrap_or(1_000_000).min(1_000_000);
    usize::try_from(limit / 10 * 9).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_in_ipv4_and_a_network_in_ipv6() {
        let limits = AdmissionLimits::default();
        let source = |text: &str| limits.source(text.parse().unwrap()).to_string();
        assert_eq!(source("192.0.2.7"), "192.0.2.7");
        assert_eq!(source("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn the_prefix_can_be_chosen_down_to_nothing() {
        let limits = AdmissionLimits {
            ipv4_prefix: 24,
            ipv6_prefix: 0,
            ..AdmissionLimits::default()
        };
        let source = |text: &str| limits.source(text.parse().unwrap()).to_string();
        assert_eq!(source("192.0.2.7"), "192.0.2.0");
        assert_eq!(source("2001:db8::1"), "::");
    }
}
