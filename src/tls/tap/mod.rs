//! The IO wrapper under TLS. It counts, watches the records, gathers small writes into one, and
//! keeps the socket when TLS is done with it: session and TLS stream share one tap, so that what
//! TLS said last (an alert, a close_notify) still leaves after TLS itself is gone.

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

/// Above this many unsent bytes TLS is asked to wait with what the session says, and its writer with
/// it.
const WRITE_BUFFER: usize = 64 * 1024;

/// Above this many unsent bytes nothing is read. What the session says never comes to that: they are
/// TLS's own answers, and who has them sent without end has to take them.
const MOST_ANSWERS: usize = 4 * WRITE_BUFFER;

/// Reads from the socket before others get the thread.
const READS_A_TURN: u8 = 64;

/// How much is read at a time before TLS is set up: most ClientHellos whole.
const FIRST_READ: usize = 1024;

/// How much is held before TLS is set up: what may be a ClientHello, in pieces of any size.
const MOST_EARLY: usize = KEPT_HANDSHAKE_BYTES;

/// The type of a ServerHello (RFC 8446 §4).
const SERVER_HELLO: u8 = 2;

/// One end of the shared tap. All ends belong to one session and are used from its task alone.
pub(crate) struct Tap<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    /// While TLS writes it would read as well; it must not, or back-pressure is lost.
    reads_suspended: AtomicBool,
    wire: Mutex<Wire<T>>,
}

/// The socket and what has been seen of it.
pub(super) struct Wire<T> {
    io: T,
    /// Bytes read, counted and not yet given to TLS.
    early: Vec<u8>,
    /// Gathered writes; the first `sent` bytes have left.
    buffer: Vec<u8>,
    sent: usize,
    /// Reads before others get the thread: TLS reads on while what comes is no plaintext.
    reads_left: u8,
    /// Some of a ServerHello of ours has left: from there on TLS 1.3 is encrypted.
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

    /// Waits until the peer has said something that has an answer: a whole ClientHello, or what is
    /// none. TLS reads it again; until then it need not exist.
    pub(super) fn poll_first_words(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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

    /// Reads past TLS and throws away, after our half has ended; 0 at the peer's end.
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

    /// Runs a write of TLS during which TLS reads nothing: it would read as well, and back-pressure would
    /// be lost.
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
        // A panic while it was locked ends the session; counting on is harmless.
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

    /// Whether some of what TLS has written is still here.
    pub(super) const fn has_unsent(&self) -> bool {
        self.sent < self.buffer.len()
    }

    /// Memory that waits for the peer to take it: once this buffer is full, TLS fills one as large.
    pub(super) const fn buffered(&self) -> usize {
        let behind = if self.is_full() { WRITE_BUFFER } else { 0 };
        self.buffer.capacity() + behind
    }

    /// Whether the session has to wait with what it says.
    pub(super) const fn is_full(&self) -> bool {
        self.unsent() >= WRITE_BUFFER
    }

    const fn unsent(&self) -> usize {
        self.buffer.len() - self.sent
    }

    /// Whether some of a ServerHello of ours has left.
    pub(super) const fn hello_left(&self) -> bool {
        self.hello_left
    }

    /// Bytes of ours that the peer has not acknowledged; `None` where that cannot be told.
    pub(super) fn unacknowledged(&self) -> Option<u64> {
        self.io.unacknowledged()
    }

    /// Puts these bytes in the place of what is waiting to leave, provided the peer can read them:
    /// nothing encrypted has left, and nothing by half. False when it is too late.
    pub(super) fn say_instead(&mut self, bytes: &[u8]) -> bool {
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
            // Its waker knows of the socket: reading goes on when there is room.
            ready!(self.poll_flush(cx))?;
        }
        if self.reads_left == 0 {
            self.reads_left = READS_A_TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.has_unsent() {
            // Whether the peer is still there matters before we say something.
            self.io.look_again();
        }
        let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, buffer) else {
            self.reads_left = READS_A_TURN;
            // Who waits has said what it owes; whether that can leave now must not keep it from
            // listening. Not before: the end of a peer that is gone already comes first.
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
            // A peer that always owes a little would have us keep all it ever got.
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
