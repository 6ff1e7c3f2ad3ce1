//! The admission limits that an operator chooses.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many connections are admitted, in all and from one source. They can be changed while the
/// supervisor runs ([`Handle::set_limits`](crate::Handle::set_limits)): new limits apply to new
/// connections only, and close none that is open.
///
/// A limit is inclusive: with a limit of 5, the fifth connection is admitted and the sixth is `Refused`,
/// with the limit and the value found. A limit of 0 refuses every connection.
///
/// ```
/// use sipward::{AdmissionLimits, Rate};
///
/// let limits = AdmissionLimits::default()
///     .with_connections_per_source(200)
///     .with_rate_per_source(Rate::new(10, 100))
///     .with_exempt(["10.0.0.0/8".parse().unwrap()]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionLimits {
    /// Connections open, handshakes included. Default: 90 % of the file descriptors this process may
    /// have (`RLIMIT_NOFILE`, counted up to 1,000,000). Further connections are refused with
    /// `connection_limit`.
    pub connections: usize,
    /// Handshakes in progress. Default 512. At the limit, a source that has fewer handshakes than its
    /// share (the limit divided by the number of sources that have any) still gets in: of the source
    /// that has the most handshakes, the oldest one whose peer has sent nothing yet ends as
    /// `cancelled (evicted)`. Connections of other sources are refused with `handshake_limit`.
    pub handshakes: usize,
    /// Connections open from one source. Default 1,000, because all phones of an office may share one
    /// address. Further connections are refused with `per_source_limit`.
    pub connections_per_source: usize,
    /// Handshakes in progress from one source. Default: no limit of its own; a source is then kept to
    /// its share only while all `handshakes` are in use. Further connections are refused with
    /// `per_source_limit`.
    pub handshakes_per_source: usize,
    /// The rate of new connections from one source. Default: 50 a second, 500 at once. Faster ones are
    /// refused with `rate_limit`.
    pub rate_per_source: Option<Rate>,
    /// The rate of new connections from all sources together. Default: no limit. Faster ones are
    /// refused with `rate_limit`.
    pub rate: Option<Rate>,
    /// Bytes that all connections may hold together. Default: no limit but the one on connections.
    /// A handshake counts as 80 KiB, the most that one can take; a session as 12 KiB and what is
    /// buffered for it in both directions, in steps of 4 KiB. At the limit new connections are refused
    /// with `memory_budget`; open ones are not closed.
    pub memory: Option<usize>,
    /// How many leading bits of an IPv4 address tell one source from another. Default 32, also when a
    /// higher number is set; with 0 all IPv4 peers are one source.
    pub ipv4_prefix: u8,
    /// How many leading bits of an IPv6 address tell one source from another. Default 64, the network
    /// that one customer usually gets. More than 128 counts as 128; with 0 all IPv6 peers are one source.
    pub ipv6_prefix: u8,
    /// Networks that the limits per source, the rates and the bans do not apply to: a load
    /// balancer's, a trunk's. Default: none.
    pub exempt: Vec<IpNet>,
}

/// The rate of a token bucket. It holds at most `burst` tokens, gains `per_second` of them each second,
/// and each new connection takes one; a connection that finds none is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rate {
    /// New connections a second in the long run. With 0, the first `burst` connections are the last.
    pub per_second: u32,
    /// New connections at once, after a time without any. With 0, every connection is refused.
    pub burst: u32,
}

impl Rate {
    /// A rate of `per_second` connections in the long run and `burst` at once.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// The default of [`AdmissionLimits::rate_per_source`]: 50 a second, 500 at once.
impl Default for Rate {
    fn default() -> Self {
        Self::new(50, 500)
    }
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            connections: most_descriptors(),
            handshakes: 512,
            connections_per_source: 1000,
            handshakes_per_source: usize::MAX,
            rate_per_source: Some(Rate::default()),
            rate: None,
            memory: None,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            exempt: Vec::new(),
        }
    }
}

impl AdmissionLimits {
    /// Sets [`connections`](Self::connections).
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets [`handshakes`](Self::handshakes).
    pub const fn with_handshakes(mut self, handshakes: usize) -> Self {
        self.handshakes = handshakes;
        self
    }

    /// Sets [`connections_per_source`](Self::connections_per_source).
    pub const fn with_connections_per_source(mut self, connections_per_source: usize) -> Self {
        self.connections_per_source = connections_per_source;
        self
    }

    /// Sets [`handshakes_per_source`](Self::handshakes_per_source).
    pub const fn with_handshakes_per_source(mut self, handshakes_per_source: usize) -> Self {
        self.handshakes_per_source = handshakes_per_source;
        self
    }

    /// Sets [`rate_per_source`](Self::rate_per_source); `None` lifts the limit.
    pub fn with_rate_per_source(mut self, rate_per_source: impl Into<Option<Rate>>) -> Self {
        self.rate_per_source = rate_per_source.into();
        self
    }

    /// Sets [`rate`](Self::rate); `None` lifts the limit.
    pub fn with_rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.rate = rate.into();
        self
    }

    /// Sets [`memory`](Self::memory), in bytes; `None` lifts the limit.
    pub fn with_memory(mut self, memory: impl Into<Option<usize>>) -> Self {
        self.memory = memory.into();
        self
    }

    /// Sets [`ipv4_prefix`](Self::ipv4_prefix).
    pub const fn with_ipv4_prefix(mut self, ipv4_prefix: u8) -> Self {
        self.ipv4_prefix = ipv4_prefix;
        self
    }

    /// Sets [`ipv6_prefix`](Self::ipv6_prefix).
    pub const fn with_ipv6_prefix(mut self, ipv6_prefix: u8) -> Self {
        self.ipv6_prefix = ipv6_prefix;
        self
    }

    /// Sets [`exempt`](Self::exempt), in place of those set before.
    pub fn with_exempt(mut self, exempt: impl IntoIterator<Item = IpNet>) -> Self {
        self.exempt = exempt.into_iter().collect();
        self
    }

    /// The source that an address belongs to.
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

/// A mask for the first `prefix` bits of an address that has `bits` bits.
const fn mask(bits: u32, prefix: u8) -> u128 {
    let prefix = prefix as u32;
    let kept = if prefix > bits { bits } else { prefix };
    if kept == 0 {
        return 0;
    }
    (u128::MAX >> (128 - kept)) << (bits - kept)
}

/// Nine tenths of the descriptors this process may have; the rest is for files and other sockets.
fn most_descriptors() -> usize {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = Some(16_384);
    // Without a descriptor limit the memory is the limit: a million sessions take more than most machines
    // have.
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
