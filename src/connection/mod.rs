//! What can be said of a connection: its constant facts, its counters, the certificates it showed, and
//! the evidence of its handshake.

mod certificate;
mod counts;
mod evidence;
mod stats;

pub use certificate::{Certificate, NotACertificate};
pub use counts::Counts;
pub use evidence::{Alert, AlertDirection, Evidence, ExpectedMessage, HandshakeFailure, Tls};
pub use stats::ConnectionStats;

pub(crate) use stats::ConnectionCounters;

use std::fmt;
use std::net::SocketAddr;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::SystemTime;

/// The number of a connection, counted from 1 by each supervisor and never reused by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The id with this number, for instance one that came back from a log line.
    ///
    /// ```
    /// use sipward::ConnectionId;
    /// assert_eq!(ConnectionId::new(7).to_string(), "7");
    /// assert_eq!("7".parse(), Ok(ConnectionId::new(7)));
    /// ```
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads the number, as `Display` writes it.
impl FromStr for ConnectionId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl From<u64> for ConnectionId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<ConnectionId> for u64 {
    fn from(id: ConnectionId) -> Self {
        id.0
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Which side opened the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The peer connected to one of our listeners.
    Inbound,
    /// We connected to the peer.
    Outbound,
}

named! {
    /// `inbound` or `outbound`.
    Direction {
        Inbound = "inbound",
        Outbound = "outbound",
    }
}

/// The constant facts of a connection; every event about it carries them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// Which side opened it.
    pub direction: Direction,
    /// The address of the peer, read once, when the connection was accepted; behind a load balancer that
    /// speaks the PROXY protocol, the address in its header.
    pub peer: SocketAddr,
    /// Our own address.
    pub local: SocketAddr,
    /// The bound address of the listener that accepted it; our own address when we opened it.
    pub listener: SocketAddr,
    /// When it was accepted, or dialled.
    pub begun: SystemTime,
}
