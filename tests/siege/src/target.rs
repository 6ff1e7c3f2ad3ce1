//! The server that is attacked: its address, and how to connect to it.

use crate::failure::Failure;
use rustls::{ClientConfig, ClientConnection, ServerName, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long one operation on a socket may take. The report allows control clients much less.
pub const IO_TIMEOUT: Duration = Duration::from_secs(5);

/// The server's SIP domain and its name in TLS.
pub const DOMAIN: &str = "127.0.0.1";

/// The source address of all control clients.
pub const CONTROL_CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The server. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    /// Its address.
    pub address: SocketAddr,
    /// How to verify its certificate.
    pub config: Arc<ClientConfig>,
}

impl Target {
    /// Opens a TCP connection from this source address.
    ///
    /// # Errors
    /// The system's error.
    pub fn connect(&self, source: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect_timeout(&self.address.into(), IO_TIMEOUT)?;
        socket.set_read_timeout(Some(IO_TIMEOUT))?;
        socket.set_write_timeout(Some(IO_TIMEOUT))?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }

    /// The client's side of a TLS connection, before its first message.
    ///
    /// # Errors
    /// [`Failure::Tls`].
    pub fn client(&self) -> Result<ClientConnection, Failure> {
        let name = ServerName::try_from(DOMAIN)
            .map_err(|_| Failure::Tls("the domain is no name for TLS".to_owned()))?;
        Ok(ClientConnection::new(Arc::clone(&self.config), name)?)
    }

    /// Opens a TLS connection from this source address.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn handshake(
        &self,
        source: Ipv4Addr,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, Failure> {
        let mut stream = self
            .connect(source)
            .map_err(|error| Failure::connecting(&error))?;
        let mut client = self.client()?;
        while client.is_handshaking() {
            client.complete_io(&mut stream).map_err(io_failure)?;
        }
        Ok(StreamOwned::new(client, stream))
    }
}

/// The failure that an error on an open connection means.
pub fn io_failure(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::Timeout,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Io(error.to_string()),
    }
}
