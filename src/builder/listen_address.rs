//! The addresses that a builder is asked to listen on.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// An address to listen on, made from a text or a [`SocketAddr`].
///
/// A text is an IP address or a host name, a colon and a port: `0.0.0.0:5061`, `[::]:5061`,
/// `localhost:5061`. It is parsed, and a host name resolved, when the supervisor starts; one that cannot be
/// is [`StartError::Address`](crate::StartError::Address). Port 0 takes a free port.
///
/// ```
/// use sipward::ListenAddress;
/// use std::net::Ipv6Addr;
///
/// let any: ListenAddress = (Ipv6Addr::UNSPECIFIED, 5061).into();
/// assert_eq!(any, ListenAddress::from("[::]:5061"));
/// assert_eq!(any.to_string(), "[::]:5061");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddress(String);

impl ListenAddress {
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl From<&str> for ListenAddress {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for ListenAddress {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&String> for ListenAddress {
    fn from(text: &String) -> Self {
        Self(text.clone())
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address.to_string())
    }
}

impl<A: Into<IpAddr>> From<(A, u16)> for ListenAddress {
    fn from(address: (A, u16)) -> Self {
        SocketAddr::from(address).into()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
