//! Where the siege takes place: the server's address, whom to trust, and from where to come.

use crate::failure::Failure;
use rustls::{ClientConfig, ClientConnection, ServerName, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long anything on a socket may take. The good must wait for nothing nearly as long.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The domain, and the name in TLS.
pub const DOMAIN: &str = "127.0.0.1";

/// Where all good clients come from.
pub const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// One server and how to reach it. Cheap to clone.
#[derive(Clone)]
pub struct Place {
    /// The server.
    pub target: SocketAddr,
    /// For TLS.
    pub config: Arc<ClientConfig>,
}

impl Place {
    /// A TCP connection from this address of ours.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(&self, source: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect_timeout(&self.target.into(), PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }

    /// The client's side of TLS, nothing said yet.
    ///
    /// # Errors
    /// [`Failure::Tls`].
    pub fn client(&self) -> Result<ClientConnection, Failure> {
        let name = ServerName::try_from(DOMAIN)
            .map_err(|_| Failure::Tls("the domain is no name for TLS".to_owned()))?;
        Ok(ClientConnection::new(Arc::clone(&self.config), name)?)
    }

    /// A connection that has shaken hands.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn shake(
        &self,
        source: Ipv4Addr,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, Failure> {
        let mut stream = self
            .connect(source)
            .map_err(|error| Failure::connecting(&error))?;
        let mut client = self.client()?;
        while client.is_handshaking() {
            client.complete_io(&mut stream).map_err(broken)?;
        }
        Ok(StreamOwned::new(client, stream))
    }
}

/// What an error on an open connection means.
pub fn broken(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::Timeout,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Io(error.to_string()),
    }
}
