//! What each peer knows the switch by: the address that it connected to, unless another is
//! advertised for its listener.

use crate::config::Advertise;
use sipward::Connection;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The advertised addresses by listener.
pub struct Addresses {
    by_listener: Vec<(SocketAddr, Arc<str>)>,
    /// For messages of a connection that has ended.
    fallback: Arc<str>,
}

impl Addresses {
    /// `configured` and `bound` are the listeners in the same order, before and after the choice of a
    /// free port. With sockets that were handed over, there is nothing in `configured`.
    pub fn new(
        advertised: &[Advertise],
        configured: &[SocketAddr],
        bound: &[SocketAddr],
        fallback: &str,
    ) -> Self {
        let of_listener = |(index, bound): (usize, &SocketAddr)| {
            let names = [Some(bound), configured.get(index)];
            let special = advertised.iter().find(|each| {
                let listener = each.listener.as_ref();
                listener.is_some() && names.contains(&listener)
            });
            let general = || advertised.iter().find(|each| each.listener.is_none());
            let chosen = special.or_else(general)?;
            let text = chosen.address.with_port(bound.port()).to_string();
            Some((*bound, text.into()))
        };
        Self {
            by_listener: bound.iter().enumerate().filter_map(of_listener).collect(),
            fallback: fallback.into(),
        }
    }

    /// `host[:port]` for Via, Record-Route and Contact on this connection.
    pub fn of(&self, connection: &Connection) -> Arc<str> {
        match self.advertised(connection.listener) {
            Some(address) => Arc::clone(address),
            None => without_zone(connection.local).to_string().into(),
        }
    }

    pub fn fallback(&self) -> Arc<str> {
        Arc::clone(&self.fallback)
    }

    /// The local address, if the peer could not connect to it: it is private, nothing else is
    /// advertised, and the peer has a public address.
    pub fn unreachable(&self, connection: &Connection) -> Option<SocketAddr> {
        let local = without_zone(connection.local);
        let is_private = is_out_of_reach(local, connection.peer);
        let is_advertised = self.advertised(connection.listener).is_some();
        (is_private && !is_advertised).then_some(local)
    }

    fn advertised(&self, listener: SocketAddr) -> Option<&Arc<str>> {
        let mut all = self.by_listener.iter();
        let found = all.find(|(other, _)| *other == listener);
        found.map(|(_, address)| address)
    }
}

/// The zone of an IPv6 address means nothing to others (RFC 4007 section 6).
fn without_zone(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether a peer with this address could not connect to that local address.
fn is_out_of_reach(local: SocketAddr, peer: SocketAddr) -> bool {
    is_private(local.ip()) && !is_private(peer.ip().to_canonical())
}

/// Whether an address is of a private network, of a provider's (RFC 6598), of a link, or of this
/// machine.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_link_local()
                || ip.is_loopback()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_advertises_its_own_address_or_the_general_one() {
        let advertised = ["[::]:0=v6.example.com", "example.com:5071"];
        let advertised = advertised.map(|text| text.parse().expect("an address"));
        let configured = ["0.0.0.0:0", "[::]:0"].map(|text| text.parse().expect("an address"));
        let bound = ["0.0.0.0:7001", "[::]:7002"].map(|text| text.parse().expect("an address"));
        let addresses = Addresses::new(&advertised, &configured, &bound, "example.com");
        let texts = addresses.by_listener.iter().map(|(_, text)| &**text);
        assert_eq!(
            texts.collect::<Vec<_>>(),
            ["example.com:5071", "v6.example.com:7002"]
        );
    }

    #[test]
    fn a_private_address_is_out_of_reach_for_a_public_peer_alone() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let private = address("192.168.1.5:5061");
        assert!(is_out_of_reach(private, address("198.51.100.7:1234")));
        assert!(is_out_of_reach(
            private,
            address("[::ffff:198.51.100.7]:1234")
        ));
        assert!(!is_out_of_reach(private, address("192.168.1.9:1234")));
        assert!(!is_out_of_reach(
            address("192.0.2.1:5061"),
            address("198.51.100.7:1")
        ));
    }

    #[test]
    fn an_address_is_written_without_its_zone_and_as_ipv4_where_it_is_one() {
        for (address, written) in [
            ("[fe80::1%3]:5061", "[fe80::1]:5061"),
            ("[::ffff:10.0.0.7]:5061", "10.0.0.7:5061"),
            ("10.0.0.7:5061", "10.0.0.7:5061"),
        ] {
            let address: SocketAddr = address.parse().expect("an address");
            assert_eq!(without_zone(address).to_string(), written);
        }
    }

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for ip in [
            "10.0.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(is_private(ip.parse().expect("an address")), "{ip}");
        }
        for ip in ["192.0.2.1", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(ip.parse().expect("an address")), "{ip}");
        }
    }
}
