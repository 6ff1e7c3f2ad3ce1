//! Why an operation failed: a closed set, so that a report can count by reason.

use std::fmt;
use std::io;

/// Why one operation, or the preparation of a connection, failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The TCP connection could not be opened.
    Connect(String),
    /// This machine has no port left for another connection to the target.
    NoLocalPort,
    /// TLS failed: an error found here, or the server's alert.
    Tls(String),
    /// The server closed a connection that was in use.
    Closed,
    /// The connection broke.
    Io(String),
    /// The operation took longer than --timeout.
    Timeout,
    /// The handshake was a full one although a session was offered for resumption.
    NotResumed,
    /// The final response was not 2xx.
    Status {
        /// The request's method.
        method: &'static str,
        /// The response's status.
        status: u16,
    },
    /// The server sent something that is not SIP, or a response that does not fit the request.
    Nonsense(String),
    /// The challenge cannot be answered, because no algorithm in it is supported.
    Challenge(&'static str),
}

impl Failure {
    /// From an error of the attempt to connect.
    pub fn connecting(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrNotAvailable => Self::NoLocalPort,
            _ => Self::Connect(error.to_string()),
        }
    }

    /// The reason in one word, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::NoLocalPort => "no_local_port",
            Self::Tls(_) => "tls",
            Self::Closed => "closed",
            Self::Io(_) => "io",
            Self::Timeout => "timeout",
            Self::NotResumed => "not_resumed",
            Self::Status { .. } => "status",
            Self::Nonsense(_) => "nonsense",
            Self::Challenge(_) => "challenge",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "cannot connect ({why}): is the server listening?"),
            Self::NoLocalPort => f.write_str(
                "no local port is left for this target: use a lower rate or widen the port range",
            ),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Closed => f.write_str("the server closed a connection in use: see its log"),
            Self::Io(why) => write!(f, "the connection broke: {why}"),
            Self::Timeout => f.write_str("no answer in time (--timeout)"),
            Self::NotResumed => {
                f.write_str("the server did not resume the session: see its ticket settings")
            }
            Self::Status {
                status: status @ (401 | 407),
                method,
            } => write!(
                f,
                "{method} was answered {status}: give --user NAME:PASSWORD, or check the password"
            ),
            Self::Status { method, status } => write!(f, "{method} was answered {status}"),
            Self::Nonsense(what) => write!(f, "the server's fault: {what}"),
            Self::Challenge(why) => write!(f, "the digest challenge cannot be answered: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<rustls::Error> for Failure {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error.to_string())
    }
}

impl From<sipward::sip::Violation> for Failure {
    fn from(violation: sipward::sip::Violation) -> Self {
        Self::Nonsense(violation.to_string())
    }
}
