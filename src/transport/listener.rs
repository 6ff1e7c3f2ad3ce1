//! Listeners: a bound TCP socket with options that its connections inherit, or memory in tests.

use super::{Tcp, Transport};
use async_io::Async;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

#[cfg(any(test, feature = "testing"))]
use super::memory::{MemoryListener, MemoryStream};

/// The options of listening sockets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenOptions {
    /// How many connections the kernel holds that have not been accepted yet.
    pub(crate) backlog: i32,
    /// How many sockets there are per address, each with its own acceptor.
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

    /// The next connection with the peer's address and ours. Dropping the future before it is done
    /// loses no connection.
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
            // The first socket has chosen the port if it was 0; the others take the same one.
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
            // A socket on `[::]` accepts IPv4 too, whatever the system's default is.
            socket.set_only_v6(false)?;
        }
        socket.bind(&address.into())?;
        socket.listen(options.backlog)?;
        Self::from_bound(socket.into())
    }

    /// Takes over a listener that is bound already, for example by a service manager.
    pub(crate) fn from_bound(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        inherit(&SockRef::from(&listener))?;
        Ok(Self {
            listener: Async::new(listener)?,
            address,
        })
    }
}

/// After this time without a byte from the peer the kernel sends keep-alive probes, and ends the
/// connection after this number of probes without an answer.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 4;

/// How long our bytes may stay unacknowledged before the kernel ends the connection. Linux applies this
/// time to keep-alive probes too, so it must be long enough for all of them.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// Sets the options that accepted sockets inherit: no Nagle delay, because a handshake is many small
/// writes, and keep-alive, which finds dead peers.
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
            // This fails when the peer has closed the connection already, which is no error of the
            // listener.
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
