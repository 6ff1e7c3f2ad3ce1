//! The byte stream under a session: TCP, or memory in tests.

#[cfg(any(test, feature = "testing"))]
pub(crate) mod doomed_task;
mod listener;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod memory;
pub(crate) mod proxy_protocol;
#[cfg(target_os = "linux")]
mod sock_diag;
mod tcp;

pub use proxy_protocol::ProxyProtocol;

pub(crate) use listener::{AnyListener, ListenOptions, Listener, TcpListenerSocket};
pub(crate) use tcp::Tcp;

use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;

/// A bidirectional byte stream that one session owns.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ends our half: the peer reads what was written, then end of stream.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Makes the next read ask the system, even if the last read found the socket empty, because bytes
    /// or the end may have come since.
    fn look_again(&mut self) {}

    /// How many bytes written the peer has not acknowledged; `None` where that is not known.
    fn unacknowledged(&self) -> Option<u64> {
        None
    }
}
