//! The stream between TLS and the socket. It counts bytes, scans the records, and gathers small writes
//! into one. The session and the TLS stream share one tap, so that the last bytes of TLS (an alert, a
//! close_notify) can still be sent after TLS itself was dropped.

mod linger;

pub(crate) use linger::{LINGER_TIMEOUT, LingeringClose};

use super::records::{KEPT_HANDSHAKE_BYTES, RecordScanner};
use crate::connection::{ConnectionCounters, Direction};
use crate::transport::Transport;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// Above this many unsent bytes the session's messages wait, and so does whatever queues them.
const WRITE_BUFFER: usize = 64 * 1024;

/// Above this many unsent bytes nothing is read. Only TLS's own answers can reach this limit, and a
/// peer that causes them without end must accept them first.
const MOST_ANSWERS: usize = 4 * WRITE_BUFFER;

/// How many reads from the socket are made before the task yields.
const READS_A_TURN: u8 = 64;

/// How many bytes are read at a time before TLS is set up: enough for most ClientHellos.
const FIRST_READ: usize = 1024;

/// How many bytes are held before TLS is set up: the longest ClientHello that is accepted, in pieces of
/// any size.
const MOST_EARLY: usize = KEPT_HANDSHAKE_BYTES;

/// The type of a ServerHello (RFC 8446 §4).
const SERVER_HELLO: u8 = 2;

/// One end of the shared tap. All ends belong to one session and are used from its task alone.
pub(crate) struct Tap<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    /// Set while TLS writes. TLS would read during a write as well, and a session that does not read
    /// would then put no back-pressure on its peer.
    reads_suspended: AtomicBool,
    wire: Mutex<Wire<T>>,
}

/// The socket, and what was observed on it.
pub(super) struct Wire<T> {
    io: T,
    /// Bytes read, counted and not yet given to TLS.
    early: Vec<u8>,
    /// Gathered writes; the first `sent` bytes have left.
    buffer: Vec<u8>,
    sent: usize,
    /// How many reads are left before the task yields. TLS keeps reading while it gets no plaintext, so
    /// the limit is kept here.
    reads_left: u8,
    /// Whether some of our ServerHello has been sent. From there on TLS 1.3 is encrypted.
    hello_left: bool,
    direction: Direction,
    counters: Arc<ConnectionCounters>,
    pub(super) read: RecordScanner,
    pub(super) written: RecordScanner,
}

impl<T: Transport> Tap<T> {
    pub(crate) fn new(io: T, direction: Direction, counters: Arc<ConnectionCounters>) -> Self {
        let wire = Wire {
            io,
            early: Vec::new(),
            buffer: Vec::new(),
            sent: 0,
            reads_left: READS_A_TURN,
            hello_left: false,
            direction,
            counters,
            read: RecordScanner::new(),
            written: RecordScanner::new(),
        };
        Self {
            shared: Arc::new(Shared {
                reads_suspended: AtomicBool::new(false),
                wire: Mutex::new(wire),
            }),
        }
    }

    /// Another end of the same tap.
    pub(super) fn share(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits until the peer has sent something that can be answered: a whole ClientHello, or bytes that
    /// are none. TLS reads these bytes afterwards and need not be set up before.
    pub(super) fn poll_first_message(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut piece = [0; FIRST_READ];
        let mut wire = self.wire();
        loop {
            let count = ready!(wire.poll_socket(cx, &mut piece))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            wire.early.extend_from_slice(&piece[..count]);
            if !wire.read.is_amid_the_first_hello() || wire.early.len() > MOST_EARLY {
                return Poll::Ready(Ok(()));
            }
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

    /// Reads from the socket and discards the bytes, after our half has ended; 0 at the peer's end of
    /// stream.
    pub(crate) fn poll_discard(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut discarded = [0; 2048];
        let mut wire = self.wire();
        wire.io.look_again();
        wire.poll_read(cx, &mut discarded)
    }

    /// The next read asks the system.
    pub(super) fn look_again(&self) {
        self.wire().io.look_again();
    }

    /// Runs a write of TLS during which its reads are suspended, because reading then would undo
    /// back-pressure.
    pub(super) fn with_reads_suspended<R>(&self, write: impl FnOnce() -> R) -> R {
        let suspended = &self.shared.reads_suspended;
        suspended.store(true, Ordering::Relaxed);
        let result = write();
        suspended.store(false, Ordering::Relaxed);
        result
    }

    fn reads_are_suspended(&self) -> bool {
        self.shared.reads_suspended.load(Ordering::Relaxed)
    }

    pub(super) fn wire(&self) -> MutexGuard<'_, Wire<T>> {
        // A poisoned lock is used on, because a panic under it ends the session anyway.
        self.shared
            .wire
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Wire<T> {
    pub(super) fn bytes_in(&self) -> u64 {
        self.counters.bytes_in.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_out(&self) -> u64 {
        self.counters.bytes_out.load(Ordering::Relaxed)
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether some bytes that TLS has written have not been sent yet.
    pub(super) const fn has_unsent(&self) -> bool {
        self.sent < self.buffer.len()
    }

    /// How many bytes of memory wait for the peer. Once this buffer is full, TLS fills another one of
    /// the same size.
    pub(super) const fn buffered(&self) -> usize {
        let behind = if self.is_full() { WRITE_BUFFER } else { 0 };
        self.buffer.capacity() + behind
    }

    /// Whether the session's messages have to wait.
    pub(super) const fn is_full(&self) -> bool {
        self.unsent() >= WRITE_BUFFER
    }

    const fn unsent(&self) -> usize {
        self.buffer.len() - self.sent
    }

    /// Whether some of our ServerHello has been sent.
    pub(super) const fn hello_left(&self) -> bool {
        self.hello_left
    }

    /// How many of our bytes the peer has not acknowledged; `None` where that is not known.
    pub(super) fn unacknowledged(&self) -> Option<u64> {
        self.io.unacknowledged()
    }

    /// Replaces the unsent bytes by these, if the peer can still read them: nothing encrypted was sent,
    /// and no record in part. False when it is too late.
    pub(super) fn replace_unsent(&mut self, bytes: &[u8]) -> bool {
        if self.hello_left || self.sent > 0 {
            return false;
        }
        self.buffer = bytes.to_vec();
        true
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !self.early.is_empty() {
            let count = buffer.len().min(self.early.len());
            for (to, from) in buffer.iter_mut().zip(self.early.drain(..count)) {
                *to = from;
            }
            if self.early.is_empty() {
                self.early = Vec::new();
            }
            return Poll::Ready(Ok(count));
        }
        self.poll_socket(cx, buffer)
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.unsent() > MOST_ANSWERS {
            // The flush has registered the waker, so reading goes on when the socket accepts bytes.
            ready!(self.poll_flush(cx))?;
        }
        if self.reads_left == 0 {
            self.reads_left = READS_A_TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.has_unsent() {
            // Before the first write the socket is asked again, because the peer may have closed the
            // connection.
            self.io.look_again();
        }
        let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, buffer) else {
            self.reads_left = READS_A_TURN;
            // A reader that waits flushes what is unsent, but need not succeed: the peer's alert may
            // already be in the receive buffer. The flush comes after the read, so that the end of a
            // closed connection is seen first.
            let _ = self.poll_flush(cx);
            return Poll::Pending;
        };
        self.reads_left -= 1;
        let count = read?;
        self.read.feed(&buffer[..count]);
        let counters = &self.counters;
        counters.bytes_in.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn gather(&mut self, bytes: &[u8]) {
        if self.sent >= WRITE_BUFFER {
            // Sent bytes are removed here, because the buffer of a peer that never accepts quite
            // everything would otherwise grow without end.
            self.buffer.drain(..self.sent);
            self.sent = 0;
        }
        self.written.feed(bytes);
        self.buffer.extend_from_slice(bytes);
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.buffer.len() {
            let unsent = &self.buffer[self.sent..];
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
            self.hello_left |= self.written.messages().contains(&SERVER_HELLO);
            let counters = &self.counters;
            counters
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
        if self.reads_are_suspended() {
            return Poll::Pending;
        }
        self.wire().poll_read(cx, buffer)
    }
}

impl<T: Transport> AsyncWrite for Tap<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.wire();
        if self.reads_are_suspended() && wire.is_full() {
            ready!(wire.poll_flush(cx))?;
        }
        wire.gather(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_flush(cx)
    }
}

#[cfg(test)]
mod tests;
