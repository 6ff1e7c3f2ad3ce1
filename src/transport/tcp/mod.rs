//! TCP on async-std's reactor.

use super::Transport;
#[cfg(target_os = "linux")]
use super::sock_diag;
use async_io::Async;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A TCP connection, used from one task.
///
/// async-std's own stream reads until the socket is empty before it asks the reactor, and then takes
/// the reactor's previous answer for a new one, so that each wait costs two reads that find nothing.
/// Here a read that did not fill its buffer has emptied the socket, so the reactor is asked without
/// another read. If more bytes came meanwhile, the reactor reports the socket as readable at once.
#[derive(Debug)]
pub(crate) struct Tcp {
    io: Async<TcpStream>,
    /// Whether the last read emptied the socket.
    emptied: bool,
}

impl Tcp {
    /// Opens a connection with TCP_NODELAY, because the tap gathers small writes itself.
    pub(crate) async fn dial(address: SocketAddr) -> io::Result<Self> {
        let io = Async::<TcpStream>::connect(address).await?;
        io.get_ref().set_nodelay(true)?;
        Ok(Self::from(io))
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

impl From<Async<TcpStream>> for Tcp {
    fn from(io: Async<TcpStream>) -> Self {
        Self { io, emptied: false }
    }
}

impl Transport for Tcp {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.io.get_ref().shutdown(Shutdown::Write)
    }

    fn look_again(&mut self) {
        self.emptied = false;
    }

    #[cfg(target_os = "linux")]
    fn unacknowledged(&self) -> Option<u64> {
        let stream = self.io.get_ref();
        sock_diag::unacknowledged(stream.local_addr().ok()?, stream.peer_addr().ok()?).ok()
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !self.emptied {
            match self.io.get_ref().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(count) if count > 0 => {
                    self.emptied = count < buffer.len();
                    return Poll::Ready(Ok(count));
                }
                end => return Poll::Ready(end),
            }
        }
        // After any wake-up the next call reads.
        self.emptied = false;
        // The reactor's first answer may be to the question before this one; if bytes came meanwhile,
        // it answers again.
        while let Poll::Ready(answer) = self.io.poll_readable(cx) {
            answer?;
        }
        Poll::Pending
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}

#[cfg(test)]
mod tests;
