//! The PROXY protocol, versions 1 and 2: a header before the stream in which a load balancer names the
//! peer.

use super::Transport;
use futures_util::io::{AsyncRead, AsyncWrite};
use ipnet::IpNet;
use ppp::{HeaderResult, PartialResult, v1, v2};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The longest header that is read: 16 bytes and 520 of addresses and extensions.
pub(crate) const LONGEST: usize = 536;

/// How a header of version 1 begins, and how long it may be.
const VERSION_1: &[u8] = b"PROXY ";
const LONGEST_VERSION_1: usize = 107;

/// Which load balancers speak the PROXY protocol to us. The default names none and admits no other
/// peer, so at least one of [`balancers`](Self::balancers) and [`direct`](Self::direct) must be set.
///
/// ```
/// use sipward::ProxyProtocol;
///
/// let rule = ProxyProtocol::default()
///     .with_balancers(["10.0.0.0/8".parse().unwrap()])
///     .with_direct(true);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ProxyProtocol {
    /// The networks of the load balancers. A connection from there must begin with a header of at most
    /// 536 bytes; the address in it is then the peer's in limits, events and logs.
    pub balancers: Vec<IpNet>,
    /// Whether others may connect directly, without a header. Default: no; they are `Refused` with
    /// `proxy_header_untrusted`.
    pub direct: bool,
    /// How long the header may take from the accept on. Default 5 s; then the connection is `Refused`
    /// with `proxy_header_timeout`.
    pub deadline: Duration,
}

impl Default for ProxyProtocol {
    fn default() -> Self {
        Self {
            balancers: Vec::new(),
            direct: false,
            deadline: Duration::from_secs(5),
        }
    }
}

impl From<Vec<IpNet>> for ProxyProtocol {
    fn from(balancers: Vec<IpNet>) -> Self {
        Self::default().with_balancers(balancers)
    }
}

impl ProxyProtocol {
    /// Sets [`balancers`](Self::balancers), in place of those set before.
    pub fn with_balancers(mut self, balancers: impl IntoIterator<Item = IpNet>) -> Self {
        self.balancers = balancers.into_iter().collect();
        self
    }

    /// Sets [`direct`](Self::direct).
    pub const fn with_direct(mut self, direct: bool) -> Self {
        self.direct = direct;
        self
    }

    /// Sets [`deadline`](Self::deadline).
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub(crate) fn expects(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.balancers.iter().any(|network| network.contains(&peer))
    }
}

/// The peer that a header names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProxyHeader {
    /// The peer's address, and the one it connected to.
    Proxied(SocketAddr, SocketAddr),
    /// No peer: the load balancer connects for itself, as for a health check.
    Local,
}

/// What the first bytes of a stream are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A header and its length in bytes.
    Whole(ProxyHeader, usize),
    Incomplete,
    Invalid,
}

pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    // A header of version 1 is a line of text, and is whole only with its CRLF.
    let is_version_1 = bytes.starts_with(VERSION_1) || VERSION_1.starts_with(bytes);
    if is_version_1
        && bytes.len() < LONGEST_VERSION_1
        && !bytes.windows(2).any(|end| end == b"\r\n")
    {
        return Parsed::Incomplete;
    }
    let result = HeaderResult::parse(bytes);
    if result.is_incomplete() {
        return Parsed::Incomplete;
    }
    match result {
        HeaderResult::V1(Ok(header)) => {
            let length = header.header.len();
            match header.addresses {
                v1::Addresses::Tcp4(a) => Parsed::Whole(
                    ProxyHeader::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                v1::Addresses::Tcp6(a) => Parsed::Whole(
                    ProxyHeader::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                v1::Addresses::Unknown => Parsed::Whole(ProxyHeader::Local, length),
            }
        }
        HeaderResult::V2(Ok(header)) => {
            let length = header.len();
            match (header.command, header.addresses) {
                (v2::Command::Local, _) => Parsed::Whole(ProxyHeader::Local, length),
                (_, v2::Addresses::IPv4(a)) => Parsed::Whole(
                    ProxyHeader::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                (_, v2::Addresses::IPv6(a)) => Parsed::Whole(
                    ProxyHeader::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                _ => Parsed::Invalid,
            }
        }
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Parsed::Invalid,
    }
}

/// A stream whose first bytes have been read already; they are returned by its first reads.
pub(crate) struct PrefixedStream<T> {
    pub(crate) prefix: Vec<u8>,
    pub(crate) stream: T,
}

impl<T: Transport> Transport for PrefixedStream<T> {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown_write()
    }

    fn look_again(&mut self) {
        self.stream.look_again();
    }

    fn unacknowledged(&self) -> Option<u64> {
        self.stream.unacknowledged()
    }
}

impl<T: Transport> AsyncRead for PrefixedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = buffer.len().min(self.prefix.len());
        let later = self.prefix.split_off(count);
        buffer[..count].copy_from_slice(&self.prefix);
        self.prefix = later;
        Poll::Ready(Ok(count))
    }
}

impl<T: Transport> AsyncWrite for PrefixedStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 40112 5061\r\n";

    fn proxied() -> ProxyHeader {
        let peer = "192.0.2.7:40112".parse().unwrap();
        ProxyHeader::Proxied(peer, "198.51.100.1:5061".parse().unwrap())
    }

    /// The same header in version 2, which is binary.
    fn v2() -> Vec<u8> {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
        header.extend([192, 0, 2, 7, 198, 51, 100, 1]);
        header.extend(40112_u16.to_be_bytes());
        header.extend(5061_u16.to_be_bytes());
        header
    }

    #[test]
    fn both_versions_are_read_and_what_follows_is_left() {
        for header in [V1.to_vec(), v2()] {
            let mut bytes = header.clone();
            bytes.extend(b"\x16\x03\x01");
            assert_eq!(parse(&bytes), Parsed::Whole(proxied(), header.len()));
        }
    }

    #[test]
    fn every_beginning_of_a_header_is_incomplete_and_not_wrong() {
        for header in [V1.to_vec(), v2()] {
            for length in 1..header.len() {
                assert_eq!(parse(&header[..length]), Parsed::Incomplete, "{length}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused_at_once() {
        assert_eq!(parse(b"\x16\x03\x01\x02\x00"), Parsed::Invalid);
        assert_eq!(parse(b"OPTIONS sip:a SIP/2.0\r\n"), Parsed::Invalid);
    }

    #[test]
    fn a_health_check_of_the_balancer_speaks_for_itself() {
        assert_eq!(
            parse(b"PROXY UNKNOWN\r\n"),
            Parsed::Whole(ProxyHeader::Local, 15)
        );
    }
}
