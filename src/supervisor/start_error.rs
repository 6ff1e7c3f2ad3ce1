//! Why a supervisor could not be started.

use crate::tls::PolicyError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// A supervisor could not be started, or a listener not opened. Everything begun before the error has
/// been undone.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The TLS policy cannot be used.
    Tls(PolicyError),
    /// The builder was given no address to listen on.
    NoListener,
    /// A text is not an address with a port, or its host name cannot be resolved.
    Address {
        /// The text.
        given: String,
        /// Why not.
        source: io::Error,
    },
    /// Binding an address failed: it is in use, is not one of this machine, or its port needs privileges.
    Bind {
        /// Which one.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The supervisor is shutting down or has ended, and opens no listener any more.
    Stopped,
    /// A thread for an observer cannot be started.
    Observer(io::Error),
    /// A thread for connections cannot be started: see [`Threads`](crate::Threads).
    Threads(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::NoListener => f.write_str("no address to listen on was given"),
            Self::Address { given, source } => {
                write!(f, "`{given}` is not an address to listen on: {source}")
            }
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address}: {source}{}", remedy(source))
            }
            Self::Stopped => f.write_str("the supervisor is shutting down or has ended"),
            Self::Observer(error) => write!(f, "cannot start a thread for an observer: {error}"),
            Self::Threads(error) => write!(f, "cannot start a thread for connections: {error}"),
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program listens there: stop it, or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "; this machine has no such address: choose one of its own, or 0.0.0.0"
        }
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need privileges: choose a higher one, or grant CAP_NET_BIND_SERVICE"
        }
        _ => "",
    }
}

/// Has no `source`, because the text contains it already; the variants carry it.
impl std::error::Error for StartError {}

impl From<PolicyError> for StartError {
    fn from(error: PolicyError) -> Self {
        Self::Tls(error)
    }
}
