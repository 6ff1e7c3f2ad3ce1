//! Where connections come from: a bound TCP socket with options its connections inherit, or memory
//! in tests.

use super::{Tcp, Transport};
use async_io::Async;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

#[cfg(any(test, feature = "testing"))]
use super::memory::{MemoryListener, MemoryStream};

/// How listening sockets are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenOptions {
    /// Connections the kernel holds that have not been accepted yet.
    pub(crate) backlog: i32,
    /// Sockets per address, each with its own acceptor.
    pub(crate) acceptors: usize,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 2048,
            acceptors: 1,
        }
    }
}

/// A listener of any kind.
#[derive(Debug)]
pub(crate) enum AnyListener {
    Tcp(TcpListenerSocket),
    #[cfg(any(test, feature = "testing"))]
    Memory(MemoryListener),
}

impl AnyListener {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Tcp(listener) => listener.address(),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(listener) => Listener::address(listener),
        }
    }
}

/// A source of connections.
pub(crate) trait Listener: Send + 'static {
    type Stream: Transport;

    /// The address it is bound to.
    fn address(&self) -> SocketAddr;

    /// The next connection, its far end and our end. Dropping this before it is done loses nothing.
    fn accept(
        &self,
    ) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr, SocketAddr)>> + Send;
}

/// A TCP listener.
#[derive(Debug)]
pub(crate) struct TcpListenerSocket {
    listener: Async<TcpListener>,
    address: SocketAddr,
}

impl TcpListenerSocket {
    /// Binds and listens: one socket for each acceptor, all on one address.
    pub(crate) fn bind(address: SocketAddr, options: ListenOptions) -> io::Result<Vec<Self>> {
        let mut address = address;
        let mut sockets = Vec::new();
        for _ in 0..options.acceptors.max(1) {
            let socket = Self::bind_one(address, options)?;
            // The first has chosen the port if that was left open.
            address = socket.address;
            sockets.push(socket);
        }
        Ok(sockets)
    }

    fn bind_one(address: SocketAddr, options: ListenOptions) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        #[cfg(unix)]
        {
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(options.acceptors > 1)?;
        }
        if address.is_ipv6() && address.ip().is_unspecified() {
            // `[::]` means everybody, IPv4 too, whatever the system's default.
            socket.set_only_v6(false)?;
        }
        socket.bind(&address.into())?;
        socket.listen(options.backlog)?;
        Self::from_bound(socket.into())
    }

    /// Takes over a listener that is bound already, by a service manager for instance.
    pub(crate) fn from_bound(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        inherit(&SockRef::from(&listener))?;
        Ok(Self {
            listener: Async::new(listener)?,
            address,
        })
    }
}

/// After so long without a byte from the peer the kernel asks whether it is there, and so often again
/// before it gives the connection up.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 4;

/// How long bytes of ours may go unacknowledged. Linux ends a connection of which one keep-alive was
/// lost by this time too, so it must leave room for all of them.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Sets what accepted sockets inherit: no Nagle delay (a handshake is many small writes), and
/// keep-alive that finds dead peers.
fn inherit(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_INTERVAL);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

impl Listener for TcpListenerSocket {
    type Stream = Tcp;

    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn accept(&self) -> io::Result<(Tcp, SocketAddr, SocketAddr)> {
        let (stream, peer) = self.listener.accept().await?;
        let stream = Tcp::from(stream);
        let local = if self.address.ip().is_unspecified() {
            // A peer that is gone already takes no listener with it.
            stream.local_addr().unwrap_or(self.address)
        } else {
            self.address
        };
        Ok((stream, peer, local))
    }
}

#[cfg(any(test, feature = "testing"))]
impl Listener for MemoryListener {
    type Stream = MemoryStream;

    fn address(&self) -> SocketAddr {
        Self::address()
    }

    async fn accept(&self) -> io::Result<(MemoryStream, SocketAddr, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        Ok((stream, peer, Self::address()))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// With less, Linux ends an idle connection when one keep-alive is lost, whatever its retries.
    #[test]
    fn the_user_timeout_leaves_room_for_every_keepalive() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        inherit(&SockRef::from(&listener)).unwrap();
        let address = listener.local_addr().unwrap();
        let _peer = std::net::TcpStream::connect(address).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let socket = SockRef::from(&accepted);
        let retries = socket.tcp_keepalive_retries().unwrap();
        let keepalives = socket.tcp_keepalive_time().unwrap()
            + socket.tcp_keepalive_interval().unwrap() * retries;
        let timeout = socket.tcp_user_timeout().unwrap().unwrap();
        assert!(timeout >= keepalives, "{timeout:?} < {keepalives:?}");
    }
}
