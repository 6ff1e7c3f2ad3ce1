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
use std::time::SystemTime;

/// Names one connection for the life of a supervisor. Never reused, never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The id with this number, for instance one that came back from a log line.
    ///
    /// ```
    /// use sipward::ConnectionId;
    /// assert_eq!(ConnectionId::new(7).to_string(), "7");
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

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Who opened the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The peer connected to one of our listeners.
    Inbound,
    /// We connected to the peer.
    Outbound,
}

impl Direction {
    /// `inbound` or `outbound`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// The constant facts of a connection; every event about it carries them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// Who opened it.
    pub direction: Direction,
    /// The far end, read once, when the connection was accepted.
    pub peer: SocketAddr,
    /// Our end of it.
    pub local: SocketAddr,
    /// The bound address of the listener it came in by; our own end when we opened it.
    pub listener: SocketAddr,
    /// When it was accepted, or dialled.
    pub begun: SystemTime,
}
