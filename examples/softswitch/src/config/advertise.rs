//! The value of `--advertise`.

use std::net::SocketAddr;
use std::str::FromStr;

use super::host::{HostPort, NotAHost};

/// What phones reach the switch at, perhaps for one listener only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// As in `--listen`; `None` for all that have no address of their own.
    pub listener: Option<SocketAddr>,
    pub address: HostPort,
}

impl FromStr for Advertise {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        let (listener, address) = match text.split_once('=') {
            None => (None, text),
            Some((listener, address)) => {
                let listener = listener.trim().parse().map_err(|_| NotAHost)?;
                (Some(listener), address.trim())
            }
        };
        Ok(Self {
            listener,
            address: address.parse()?,
        })
    }
}
