//! The address of the server, and a check that it is on this machine unless the user vouches for
//! it.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// Why a server is not loaded.
#[derive(Debug)]
pub enum TargetError {
    /// The text is not an address, or its host name cannot be resolved.
    Unresolved {
        /// What was given.
        given: String,
        /// Why not.
        source: io::Error,
    },
    /// The address is not on this machine, and --target-is-mine was not given.
    NotLoopback(SocketAddr),
}

/// Resolves the server's address. If a name has several, the first is used. Unless `is_mine`, all
/// of them must be loopback addresses.
///
/// # Errors
/// [`TargetError`]. Nothing has been sent to the server then.
pub fn resolve(given: &str, is_mine: bool) -> Result<SocketAddr, TargetError> {
    let unresolved = |source| TargetError::Unresolved {
        given: given.to_owned(),
        source,
    };
    let addresses: Vec<SocketAddr> = given.to_socket_addrs().map_err(unresolved)?.collect();
    let foreign = addresses.iter().find(|address| !is_loopback(address));
    if let (Some(foreign), false) = (foreign, is_mine) {
        return Err(TargetError::NotLoopback(*foreign));
    }
    let none = || unresolved(io::Error::other("the name has no address"));
    addresses.first().copied().ok_or_else(none)
}

/// The host in `HOST:PORT`, without the brackets of an IPv6 address.
pub fn host(given: &str) -> &str {
    let host = given.rsplit_once(':').map_or(given, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved { given, source } => write!(
                f,
                "`{given}` is not the address of a server ({source}): give HOST:PORT"
            ),
            Self::NotLoopback(address) => write!(
                f,
                "{address} is not on this machine, and loading a server that is not yours is an \
                 attack: give --target-is-mine if it is yours"
            ),
        }
    }
}

impl std::error::Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_beyond_loopback_is_refused_unless_it_is_vouched_for() {
        for given in ["192.0.2.1:5061", "[2001:db8::1]:5061", "0.0.0.0:5061"] {
            let refused = resolve(given, false).unwrap_err();
            assert!(matches!(refused, TargetError::NotLoopback(_)), "{given}");
            assert!(refused.to_string().contains("--target-is-mine"));
            assert_eq!(resolve(given, true).unwrap().to_string(), given);
        }
    }

    #[test]
    fn loopback_is_recognised_in_all_its_forms() {
        for given in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(resolve(given, false).is_ok(), "{given}");
        }
    }

    #[test]
    fn an_error_names_the_text_that_is_no_address() {
        let error = resolve("127.0.0.1", false).unwrap_err();
        assert!(error.to_string().contains("`127.0.0.1`"));
    }

    #[test]
    fn the_host_is_cut_out_of_the_address() {
        assert_eq!(host("sip.example.com:5061"), "sip.example.com");
        assert_eq!(host("[::1]:5061"), "::1");
    }
}
