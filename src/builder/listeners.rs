//! Binding the listeners that a builder was asked for.

use crate::supervisor::StartError;
use crate::transport::{AnyListener, ListenOptions, TcpListenerSocket};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

#[cfg(any(test, feature = "testing"))]
use crate::transport::memory::MemoryListener;

/// A listener that the builder was asked for and that `start` has yet to bind.
pub(super) enum Requested {
    Named(String),
    Bound(TcpListener),
    #[cfg(any(test, feature = "testing"))]
    Memory(MemoryListener),
}

/// Binds all requested listeners, in the order of the calls.
pub(super) async fn bind(
    requested: Vec<Requested>,
    options: ListenOptions,
) -> Result<Vec<AnyListener>, StartError> {
    let mut entries = Vec::new();
    for one in requested {
        match one {
            Requested::Named(given) => {
                for address in resolve(given).await? {
                    let sockets = TcpListenerSocket::bind(address, options)
                        .map_err(|source| StartError::Bind { address, source })?;
                    entries.extend(sockets.into_iter().map(AnyListener::Tcp));
                }
            }
            Requested::Bound(listener) => {
                let address = listener
                    .local_addr()
                    .unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
                let listener = TcpListenerSocket::from_bound(listener)
                    .map_err(|source| StartError::Bind { address, source })?;
                entries.push(AnyListener::Tcp(listener));
            }
            #[cfg(any(test, feature = "testing"))]
            Requested::Memory(listener) => entries.push(AnyListener::Memory(listener)),
        }
    }
    Ok(entries)
}

/// Resolves a name on a thread for blocking work, because the system's resolver blocks.
async fn resolve(given: String) -> Result<Vec<SocketAddr>, StartError> {
    let name = given.clone();
    let found = async_std::task::spawn_blocking(move || name.to_socket_addrs()).await;
    match found {
        Ok(addresses) => Ok(addresses.collect()),
        Err(source) => Err(StartError::Address { given, source }),
    }
}
