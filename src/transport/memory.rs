//! A byte stream in memory that behaves like a TCP connection: bounded buffers, half-close, reset.

use super::doomed_task::drop_current_task;
use crate::transport::Transport;
use async_std::channel::{Receiver, Sender, unbounded};
use futures_util::io::{AsyncRead, AsyncWrite};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// One end of a connection in memory. The other end reads end of stream when this one is dropped, and
/// `ConnectionReset` after [`MemoryStream::reset`].
pub struct MemoryStream {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
}

struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    reset: bool,
    /// Whether the reading end was dropped, so that writing fails.
    abandoned: bool,
    /// Whether the task that reads here is to be dropped.
    doomed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Two connected ends. Each direction holds `capacity` bytes before its writer has to wait.
///
/// ```
/// use futures_lite::{AsyncReadExt, AsyncWriteExt, future::block_on};
/// use sipward::testing::pipe;
///
/// let (mut ours, mut theirs) = pipe(1024);
/// block_on(async {
///     ours.write_all(b"hello").await.unwrap();
///     drop(ours);
///     let mut read = String::new();
///     theirs.read_to_string(&mut read).await.unwrap();
///     assert_eq!(read, "hello");
/// });
/// ```
pub fn pipe(capacity: usize) -> (MemoryStream, MemoryStream) {
    let direction = || {
        Arc::new(Mutex::new(Pipe {
            bytes: VecDeque::new(),
            capacity,
            ended: false,
            reset: false,
            abandoned: false,
            doomed: false,
            reader: None,
            writer: None,
        }))
    };
    let (there, back) = (direction(), direction());
    let ours = MemoryStream {
        incoming: Arc::clone(&back),
        outgoing: Arc::clone(&there),
    };
    let theirs = MemoryStream {
        incoming: there,
        outgoing: back,
    };
    (ours, theirs)
}

impl MemoryStream {
    /// Resets the connection: reads and writes of the other end fail with `ConnectionReset`.
    pub fn reset(self) {
        lock(&self.outgoing).break_off();
        lock(&self.incoming).break_off();
    }

    /// How many bytes written to this end the other has not read yet.
    pub fn unread(&self) -> usize {
        lock(&self.outgoing).bytes.len()
    }

    /// Makes the runtime drop the task that reads the other end, as it may at any await, the next
    /// time that task reads; this end is closed.
    pub fn doom_reader(self) {
        let mut outgoing = lock(&self.outgoing);
        outgoing.doomed = true;
        let reader = outgoing.reader.take();
        drop(outgoing);
        wake(reader);
    }

    /// Ends this end's half: the other end reads what was written, then end of stream.
    pub fn finish(&mut self) {
        lock(&self.outgoing).end();
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        lock(&self.outgoing).end();
        let mut incoming = lock(&self.incoming);
        incoming.abandoned = true;
        let writer = incoming.writer.take();
        drop(incoming);
        wake(writer);
    }
}

impl Transport for MemoryStream {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.finish();
        Ok(())
    }

    fn unacknowledged(&self) -> Option<u64> {
        Some(self.unread() as u64)
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.incoming);
        if pipe.doomed {
            drop_current_task();
            return Poll::Pending;
        }
        if pipe.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let count = buffer.len().min(pipe.bytes.len());
        if count == 0 && !pipe.ended && !buffer.is_empty() {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, from) in buffer.iter_mut().zip(pipe.bytes.drain(..count)) {
            *to = from;
        }
        let writer = pipe.writer.take();
        drop(pipe);
        wake(writer);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.outgoing);
        if pipe.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if pipe.abandoned || pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(pipe.capacity - pipe.bytes.len());
        if count == 0 && !bytes.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend(&bytes[..count]);
        let reader = pipe.reader.take();
        drop(pipe);
        wake(reader);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}

impl Pipe {
    fn end(&mut self) {
        self.ended = true;
        wake(self.reader.take());
    }

    fn break_off(&mut self) {
        self.reset = true;
        self.bytes.clear();
        wake(self.reader.take());
        wake(self.writer.take());
    }
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    // A poisoned lock is used on, because no critical section can leave a pipe half changed.
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStream")
    }
}

impl Drop for MemoryListener {
    /// Resets the connections that were not accepted, as the kernel does.
    fn drop(&mut self) {
        self.arrivals.close();
        while self.arrivals.try_recv().is_ok() {}
    }
}

/// Connects to a supervisor without a network. Made by
/// [`Builder::listen_in_memory`](crate::Builder::listen_in_memory).
#[derive(Clone, Debug)]
pub struct Dialler {
    arrivals: Sender<(MemoryStream, SocketAddr)>,
}

/// The listener behind a [`Dialler`].
#[derive(Debug)]
pub(crate) struct MemoryListener {
    arrivals: Receiver<(MemoryStream, SocketAddr)>,
}

impl Dialler {
    pub(crate) fn new() -> (Self, MemoryListener) {
        let (sender, arrivals) = unbounded();
        (Self { arrivals: sender }, MemoryListener { arrivals })
    }

    /// Connects from the address `peer` and returns the client's end, which holds 64 KiB in each
    /// direction. After the listener has closed, the other end is closed already.
    pub fn connect(&self, peer: SocketAddr) -> MemoryStream {
        self.connect_through(peer, 64 * 1024)
    }

    /// Connects as [`connect`](Self::connect) does, over a connection that holds `capacity` bytes in
    /// each direction.
    pub fn connect_through(&self, peer: SocketAddr, capacity: usize) -> MemoryStream {
        let (ours, theirs) = pipe(capacity);
        // When the listener has closed, the other end is dropped here, and the caller's end reads end
        // of stream.
        let _ = self.arrivals.try_send((theirs, peer));
        ours
    }
}

impl MemoryListener {
    /// The address of this listener in events.
    pub(crate) fn address() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }

    pub(crate) async fn accept(&self) -> io::Result<(MemoryStream, SocketAddr)> {
        match self.arrivals.recv().await {
            Ok(arrival) => Ok(arrival),
            // All diallers were dropped, so no connection can come any more; that is no error.
            Err(_) => std::future::pending().await,
        }
    }
}
