//! Asks Linux about a TCP connection over netlink (sock_diag(7)), because asking the runtime's socket
//! itself would need `unsafe`.
//!
//! The request names both addresses, so the kernel finds the connection in its hash table and walks no
//! list of sockets. It takes four system calls.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use std::io;
use std::net::{IpAddr, SocketAddr};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const ALL_STATES: u32 = u32::MAX;
/// No cookie, because the addresses alone identify the connection.
const ANY_COOKIE: [u8; 8] = [0xff; 8];

/// `nlmsghdr` and `inet_diag_req_v2`.
const REQUEST: usize = 16 + 56;
/// Where `idiag_wqueue` begins, behind `nlmsghdr`, four bytes, the socket id, and two numbers.
const WRITE_QUEUE: usize = 16 + 4 + 48 + 8;

/// Bytes written to the connection between these two ends that the peer has not acknowledged.
///
/// # Errors
/// The system has no netlink, forbids it, or has no such connection.
pub(super) fn unacknowledged(local: SocketAddr, peer: SocketAddr) -> io::Result<u64> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    send(&socket, &request(local, peer), SendFlags::empty())?;
    let mut answer = [0; 512];
    // The kernel has answered before `send` returns.
    let (count, _) = recv(&socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    write_queue(&answer[..count.min(512)]).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn request(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
    let family = if local.is_ipv4() { AF_INET } else { AF_INET6 };
    let mut request = Vec::with_capacity(REQUEST);
    request.extend((REQUEST as u32).to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(NLM_F_REQUEST.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([family, IPPROTO_TCP, 0, 0]);
    request.extend(ALL_STATES.to_ne_bytes());
    request.extend(local.port().to_be_bytes());
    request.extend(peer.port().to_be_bytes());
    request.extend(octets(local.ip()));
    request.extend(octets(peer.ip()));
    request.extend(scope(peer).to_ne_bytes());
    request.extend(ANY_COOKIE);
    request
}

fn write_queue(answer: &[u8]) -> Option<u64> {
    let kind = answer.get(4..6)?.first_chunk()?;
    if u16::from_ne_bytes(*kind) != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let queue = answer.get(WRITE_QUEUE..)?.first_chunk()?;
    Some(u64::from(u32::from_ne_bytes(*queue)))
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            octets
        }
    }
}

/// The interface of a link-local address.
fn scope(peer: SocketAddr) -> u32 {
    match peer {
        SocketAddr::V6(peer) => peer.scope_id(),
        SocketAddr::V4(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn what_the_peer_does_not_take_is_counted_until_it_does() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(place) else {
                continue;
            };
            let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut theirs, _) = listener.accept().unwrap();
            let ends = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
            assert_eq!(unacknowledged(ends.0, ends.1).unwrap(), 0);

            ours.set_nonblocking(true).unwrap();
            let mut written = 0;
            while let Ok(count) = ours.write(&[0; 65536]) {
                written += count;
            }
            let stuck = unacknowledged(ends.0, ends.1).unwrap();
            assert!(stuck > 0 && stuck <= written as u64, "{stuck} of {written}");

            drop(ours);
            let mut taken = Vec::new();
            theirs.read_to_end(&mut taken).unwrap();
            assert_eq!(taken.len(), written);
        }
    }

    #[test]
    fn a_connection_that_is_not_there_is_an_error() {
        let unused = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(unacknowledged(unused, unused).is_err());
    }
}
