//! The byte stream under a session: TCP, or memory in tests.

use async_std::net::TcpStream;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;
use std::net::Shutdown;

/// A bidirectional byte stream that one session owns.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ends our half: the peer reads what was written, then end of stream.
    fn shutdown_write(&mut self) -> io::Result<()>;
}

impl Transport for TcpStream {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
