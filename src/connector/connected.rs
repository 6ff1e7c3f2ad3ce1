//! An established outbound connection.

use super::{ConnectFailed, until};
use crate::connection::{Certificate, ConnectionCounters, Tls};
use crate::tls::{ClientStream, LINGER_TIMEOUT};
use crate::transport::Tcp;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// An established outbound connection: a byte stream and its facts.
///
/// A read returns `Ok(0)` after the server's close_notify, and the error `UnexpectedEof` when the
/// server ended the connection without one. Written bytes are sent by the flush. Closing sends
/// close_notify and ends our half; dropping ends the connection without close_notify. Use it from one
/// task: two tasks with a half each keep waking each other.
pub struct Connected {
    pub(super) stream: ClientStream<Tcp>,
    pub(super) counters: Arc<ConnectionCounters>,
    pub(super) tls: Tls,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) begun: Instant,
    pub(super) connected_after: Duration,
    pub(super) ready_after: Duration,
}

impl Connected {
    /// What the handshake agreed on. `sni` and `offered_versions` are what we sent.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// The certificates the server presented, its own first.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.stream.server().chain()
    }

    /// Whether the server asked for a certificate of ours. Under TLS 1.3 it may still reject ours, or
    /// its absence, afterwards.
    pub fn asked_for_certificate(&self) -> bool {
        self.stream.server().asked_for_certificate()
    }

    /// The server's address.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// Our own address.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// How long TCP took to connect.
    pub fn connect_time(&self) -> Duration {
        self.connected_after
    }

    /// How long the TLS handshake took after that.
    pub fn handshake_time(&self) -> Duration {
        self.ready_after - self.connected_after
    }

    /// The cause of an error of this stream, for example `rejected_by_peer` with the alert when a TLS
    /// 1.3 server rejects our certificate.
    pub fn failure(&self, error: &io::Error) -> ConnectFailed {
        ConnectFailed {
            chain: self.certificates(),
            asked_for_certificate: self.asked_for_certificate(),
            failure: self.stream.failure(error),
            elapsed: self.begun.elapsed(),
            stats: self.counters.stats(),
        }
    }

    /// Sends close_notify, ends our half, and waits at most a second for the server to end its half.
    pub async fn close(mut self) {
        let mut notified = false;
        let mut discarded = [0; 2048];
        let closing = poll_fn(|cx| {
            if !notified && ready!(self.stream.poll_close(cx)).is_err() {
                return Poll::Ready(());
            }
            notified = true;
            while matches!(ready!(self.stream.poll_read(cx, &mut discarded)), Ok(1..)) {}
            Poll::Ready(())
        });
        until(Instant::now() + LINGER_TIMEOUT, closing).await;
    }
}

impl AsyncRead for Connected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connected {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_close(cx)
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("peer", &self.peer)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
