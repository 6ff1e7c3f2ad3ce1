//! The byte stream under a session: TCP, or memory in tests.

#[cfg(target_os = "linux")]
mod sock_diag;

use async_std::net::TcpStream;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;
use std::net::{Shutdown, SocketAddr};

/// A bidirectional byte stream that one session owns.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ends our half: the peer reads what was written, then end of stream.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Bytes written that the peer has not acknowledged; `None` where that cannot be told.
    fn unacknowledged(&self) -> Option<u64> {
        None
    }
}

impl Transport for TcpStream {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    #[cfg(target_os = "linux")]
    fn unacknowledged(&self) -> Option<u64> {
        sock_diag::unacknowledged(self.local_addr().ok()?, self.peer_addr().ok()?).ok()
    }
}

/// Opens a TCP connection that does not gather small writes: the tap does.
pub(crate) async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
