//! The IO wrapper under TLS. It counts, watches the records, gathers small writes into one, and
//! keeps the socket when TLS is done with it: session and TLS stream share one tap, so that what
//! TLS said last (an alert, a close_notify) still leaves after TLS itself is gone.

use super::records::RecordScanner;
use crate::flow::Line;
use crate::transport::Transport;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// Above this many unsent bytes TLS is asked to wait, and its writer with it.
const WRITE_BUFFER: usize = 64 * 1024;

/// One end of the shared tap. All ends belong to one session and are used from its task alone.
pub(crate) struct Tap<T> {
    wire: Arc<Mutex<Wire<T>>>,
}

/// The socket and what has been seen of it.
pub(super) struct Wire<T> {
    io: T,
    /// Gathered writes; the first `sent` bytes have left.
    buffer: Vec<u8>,
    sent: usize,
    /// While TLS writes it would read as well; it must not, or back-pressure is lost.
    deaf: bool,
    line: Arc<Line>,
    pub(super) read: RecordScanner,
    pub(super) written: RecordScanner,
}

impl<T: Transport> Tap<T> {
    pub(crate) fn new(io: T, line: Arc<Line>) -> Self {
        let wire = Wire {
            io,
            buffer: Vec::new(),
            sent: 0,
            deaf: false,
            line,
            read: RecordScanner::new(),
            written: RecordScanner::new(),
        };
        Self {
            wire: Arc::new(Mutex::new(wire)),
        }
    }

    /// Another end of the same tap.
    pub(super) fn share(&self) -> Self {
        Self {
            wire: Arc::clone(&self.wire),
        }
    }

    /// Sends what TLS has written.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_flush(cx)
    }

    /// Ends our half of the connection. What is still buffered stays unsent.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        self.wire().io.shutdown_write()
    }

    /// Reads past TLS and throws away, after our half has ended; 0 at the peer's end.
    pub(crate) fn poll_discard(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut rubbish = [0; 2048];
        self.wire().poll_read(cx, &mut rubbish)
    }

    pub(super) fn wire(&self) -> MutexGuard<'_, Wire<T>> {
        // A panic while it was locked ends the session; counting on is harmless.
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Wire<T> {
    pub(super) fn bytes_in(&self) -> u64 {
        self.line.readings.bytes_in.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_out(&self) -> u64 {
        self.line.readings.bytes_out.load(Ordering::Relaxed)
    }

    pub(super) const fn set_deaf(&mut self, deaf: bool) {
        self.deaf = deaf;
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Pending;
        }
        // What we owe goes first; whether it can go now must not keep us from listening.
        let _ = self.poll_flush(cx);
        let count = ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        self.read.feed(&buffer[..count]);
        let readings = &self.line.readings;
        readings.bytes_in.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.buffer.len() - self.sent >= WRITE_BUFFER {
            ready!(self.poll_flush(cx))?;
        }
        self.written.feed(bytes);
        self.buffer.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.buffer.len() {
            let unsent = &self.buffer[self.sent..];
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
            let readings = &self.line.readings;
            readings
                .bytes_out
                .fetch_add(count as u64, Ordering::Relaxed);
        }
        if self.sent > 0 {
            self.buffer = Vec::new();
            self.sent = 0;
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }
}

impl<T: Transport> AsyncRead for Tap<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.wire().poll_read(cx, buffer)
    }
}

impl<T: Transport> AsyncWrite for Tap<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wire().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_flush(cx)
    }
}
