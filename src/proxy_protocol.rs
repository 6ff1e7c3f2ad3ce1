//! Behind a load balancer: the PROXY protocol (versions 1 and 2) says who the peer really is.
//!
//! The header is read in a task of the connection's own, under its own deadline, never in the accept
//! loop. Only what comes after it begins the connection's life in the books; a connection whose header
//! fails is accounted for with the load balancer's address.

use crate::admission::{Refusal, Waiting};
use crate::application::Application;
use crate::cause::RefusalCause;
use crate::clock::AGE;
use crate::entrance::{Ends, Entrance};
use crate::lane::Lifecycle;
use crate::transport::Transport;
use futures_util::io::{AsyncRead, AsyncWrite};
use ipnet::IpNet;
use ppp::{HeaderResult, PartialResult, v1, v2};
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The longest header that is read: 16 bytes and 520 of addresses and extensions; more is refused.
const LONGEST: usize = 536;

/// How a header of the first version begins, and how long it may be.
const LINE: &[u8] = b"PROXY ";
const LONGEST_LINE: usize = 107;

/// How often a connection that waits for its header looks whether we are shutting down.
const LOOK: Duration = Duration::from_millis(250);

/// Who speaks the PROXY protocol to us.
///
/// ```
/// use sipward::ProxyProtocol;
///
/// let mut rule = ProxyProtocol::from(vec!["10.0.0.0/8".parse().unwrap()]);
/// rule.direct = true;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyProtocol {
    /// The load balancers. Connections from there must begin with a header; its address is then the
    /// one that limits, events and logs use.
    pub balancers: Vec<IpNet>,
    /// Whether others may connect directly, without a header. Default: no; they are `Refused` with
    /// `proxy_header_untrusted`.
    pub direct: bool,
    /// How long the header may take. Default 5 s; then `proxy_header_timeout`.
    pub deadline: Duration,
}

impl From<Vec<IpNet>> for ProxyProtocol {
    fn from(balancers: Vec<IpNet>) -> Self {
        Self {
            balancers,
            direct: false,
            deadline: Duration::from_secs(5),
        }
    }
}

impl ProxyProtocol {
    pub(crate) fn expects(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.balancers.iter().any(|network| network.contains(&peer))
    }
}

pub(crate) const fn untrusted() -> Refusal {
    Refusal {
        cause: RefusalCause::ProxyHeaderUntrusted,
        limit: 0,
        current: 0,
    }
}

/// Reads the header, then goes on as if the peer had connected itself. The connection is waited for
/// from this call on, not from the first poll of what it gives.
pub(crate) fn arrive<T: Transport, A: Application>(
    entrance: Arc<Entrance<A>>,
    stream: T,
    ends: Ends,
) -> impl Future<Output = ()> + Send + 'static {
    // Told last, whatever happens: a shutdown waits for it.
    let hall = Hall {
        waiting: Some(entrance.admission.wait()),
        entrance,
        ends,
        verdict: Some(refusal(RefusalCause::ProxyHeaderInvalid, 0)),
    };
    async move {
        let mut hall = hall;
        let mut stream = stream;
        match read(&mut stream, &hall.entrance).await {
            Ok((header, rest)) => {
                hall.verdict = None;
                let (peer, local) = match header {
                    Header::Proxied(peer, local) => (peer, local),
                    // The load balancer speaks for itself: a health check.
                    Header::Local => (ends.peer, ends.local),
                };
                let ends = Ends {
                    peer,
                    local,
                    ..ends
                };
                hall.entrance.admit(Begun { rest, stream }, ends);
            }
            Err(refusal) => {
                drop(stream);
                hall.verdict = Some(refusal);
            }
        }
    }
}

/// Accounts for a connection that does not get past its header, even if its task is dropped.
struct Hall<A: Application> {
    entrance: Arc<Entrance<A>>,
    ends: Ends,
    verdict: Option<Refusal>,
    waiting: Option<Waiting>,
}

impl<A: Application> Drop for Hall<A> {
    fn drop(&mut self) {
        if let Some(refusal) = self.verdict.take() {
            self.entrance.refuse(self.ends, refusal);
        }
        self.waiting = None;
        // A shutdown that only waited for this one has to look again.
        self.entrance.say(Lifecycle::Settled);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Header {
    Proxied(SocketAddr, SocketAddr),
    Local,
}

/// The header and what was read after it.
async fn read<T: Transport, A: Application>(
    stream: &mut T,
    entrance: &Entrance<A>,
) -> Result<(Header, Vec<u8>), Refusal> {
    let clock = &entrance.house.clock;
    let limit = entrance
        .proxy_protocol
        .as_ref()
        .map_or(Duration::ZERO, |rule| rule.deadline.min(AGE));
    let deadline = clock.now() + limit;
    let mut timer = clock.timer();
    let mut buffer = Vec::new();
    loop {
        if entrance.admission.is_closed() {
            return Err(Refusal {
                cause: RefusalCause::Draining,
                limit: 0,
                current: entrance.admission.open() as u64,
            });
        }
        timer.set(Some(deadline.min(clock.now() + LOOK)));
        let mut more = [0; LONGEST];
        let room = LONGEST - buffer.len();
        let read = poll_fn(
            |cx| match Pin::new(&mut *stream).poll_read(cx, &mut more[..room]) {
                Poll::Ready(read) => Poll::Ready(Some(read)),
                Poll::Pending => timer.poll(cx).map(|()| None),
            },
        )
        .await;
        match read {
            Some(Ok(count)) if count > 0 => buffer.extend_from_slice(&more[..count]),
            Some(_) => return Err(refusal(RefusalCause::ProxyHeaderInvalid, buffer.len())),
            None if clock.now() >= deadline => {
                return Err(Refusal {
                    cause: RefusalCause::ProxyHeaderTimeout,
                    limit: limit.as_millis() as u64,
                    current: limit.as_millis() as u64,
                });
            }
            None => continue,
        }
        match parse(&buffer) {
            Parsed::Whole(header, length) => return Ok((header, buffer.split_off(length))),
            Parsed::Incomplete if buffer.len() < LONGEST => {}
            Parsed::Incomplete | Parsed::Invalid => {
                return Err(refusal(RefusalCause::ProxyHeaderInvalid, buffer.len()));
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Whole(Header, usize),
    Incomplete,
    Invalid,
}

fn parse(bytes: &[u8]) -> Parsed {
    // The first version is a line, and whole only with its end.
    let is_line = bytes.starts_with(LINE) || LINE.starts_with(bytes);
    if is_line && bytes.len() < LONGEST_LINE && !bytes.windows(2).any(|end| end == b"\r\n") {
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
                    Header::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                v1::Addresses::Tcp6(a) => Parsed::Whole(
                    Header::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                v1::Addresses::Unknown => Parsed::Whole(Header::Local, length),
            }
        }
        HeaderResult::V2(Ok(header)) => {
            let length = header.len();
            match (header.command, header.addresses) {
                (v2::Command::Local, _) => Parsed::Whole(Header::Local, length),
                (_, v2::Addresses::IPv4(a)) => Parsed::Whole(
                    Header::Proxied(
                        (a.source_address, a.source_port).into(),
                        (a.destination_address, a.destination_port).into(),
                    ),
                    length,
                ),
                (_, v2::Addresses::IPv6(a)) => Parsed::Whole(
                    Header::Proxied(
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

const fn refusal(cause: RefusalCause, read: usize) -> Refusal {
    Refusal {
        cause,
        limit: LONGEST as u64,
        current: read as u64,
    }
}

/// A stream of which the beginning has been read already.
struct Begun<T> {
    rest: Vec<u8>,
    stream: T,
}

impl<T: Transport> Transport for Begun<T> {
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

impl<T: Transport> AsyncRead for Begun<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.rest.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = buffer.len().min(self.rest.len());
        let later = self.rest.split_off(count);
        buffer[..count].copy_from_slice(&self.rest);
        self.rest = later;
        Poll::Ready(Ok(count))
    }
}

impl<T: Transport> AsyncWrite for Begun<T> {
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

    fn proxied() -> Header {
        let peer = "192.0.2.7:40112".parse().unwrap();
        Header::Proxied(peer, "198.51.100.1:5061".parse().unwrap())
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
            Parsed::Whole(Header::Local, 15)
        );
    }
}
