//! A TLS client driven by hand over a connection in memory: it does one thing at a time, never
//! waits, and can stop in the middle of anything.

use futures_util::io::{AsyncRead, AsyncWrite};
use rustls::{ClientConfig, ClientConnection, ServerName};
use sipward::testing::MemoryStream;
use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// The client's end, which the judge looks at as well.
#[derive(Clone, Default)]
pub struct Socket(Arc<Mutex<Option<MemoryStream>>>);

pub struct Client {
    pub port: u16,
    pub socket: Socket,
    tls: ClientConnection,
    /// What is to leave; held back while `mute`.
    outgoing: Vec<u8>,
    /// Whether the TLS client has been begun to speak at all.
    pub begun: bool,
    /// Sends nothing of what it has to say.
    pub mute: bool,
    /// Its connection holds less than a TLS record.
    pub narrow: bool,
    /// Reads nothing once its handshake is done.
    pub stops_reading: bool,
    pub heard: Vec<u8>,
    /// Bytes read, TLS or not.
    pub received: usize,
    /// The stream has ended or broken.
    pub over: bool,
}

impl Socket {
    pub fn new(stream: MemoryStream) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// Takes the stream away, to close it in some way.
    pub fn take(&self) -> Option<MemoryStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether our end has not been given up.
    pub fn is_ours(&self) -> bool {
        self.with(|_| ()).is_some()
    }

    /// Ends our half.
    pub fn finish(&self) {
        self.with(|stream| stream.finish());
    }

    /// Whether the server's end is still there, as far as ours can tell.
    pub fn is_held_by_the_server(&self) -> bool {
        let write = self.with(|stream| Pin::new(stream).poll_write(&mut context(), &[]));
        matches!(write, Some(Poll::Ready(Ok(_)) | Poll::Pending))
    }

    fn with<R>(&self, step: impl FnOnce(&mut MemoryStream) -> R) -> Option<R> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.as_mut().map(step)
    }
}

impl Client {
    pub fn new(port: u16, stream: MemoryStream, config: &Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        Self {
            port,
            socket: Socket::new(stream),
            tls: ClientConnection::new(Arc::clone(config), name).unwrap(),
            outgoing: Vec::new(),
            begun: false,
            mute: false,
            narrow: false,
            stops_reading: false,
            heard: Vec::new(),
            received: 0,
            over: false,
        }
    }

    /// Whether its own handshake is done.
    pub fn is_established(&self) -> bool {
        self.begun && !self.tls.is_handshaking() && !self.over
    }

    /// Bytes past TLS.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    /// Bytes through TLS.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // Into memory.
        self.tls.writer().write_all(bytes.as_ref()).unwrap();
    }

    pub fn say_close_notify(&mut self) {
        self.tls.send_close_notify();
    }

    /// Only the first `count` bytes of what TLS has to say leave; the rest waits in hand.
    pub fn send_a_part_of_the_hello(&mut self, count: usize) -> Vec<u8> {
        self.begun = true;
        let mut hello = Vec::new();
        self.tls.write_tls(&mut hello).unwrap();
        let rest = hello.split_off(count.min(hello.len()));
        self.outgoing.extend_from_slice(&hello);
        rest
    }

    /// Does all that can be done without waiting. True when something was done.
    pub fn advance(&mut self) -> bool {
        let mut moved = false;
        while !self.over && (self.write() | self.read()) {
            moved = true;
        }
        moved
    }

    fn write(&mut self) -> bool {
        if self.begun && !self.mute {
            while self.tls.wants_write() {
                self.tls.write_tls(&mut self.outgoing).unwrap();
            }
        }
        if self.outgoing.is_empty() {
            return false;
        }
        let outgoing = &self.outgoing;
        let written = self
            .socket
            .with(|stream| Pin::new(stream).poll_write(&mut context(), outgoing));
        match written {
            Some(Poll::Ready(Ok(count))) => {
                self.outgoing.drain(..count);
                count > 0
            }
            Some(Poll::Ready(Err(_))) => {
                self.outgoing.clear();
                false
            }
            Some(Poll::Pending) | None => false,
        }
    }

    fn read(&mut self) -> bool {
        // It stops in the instant its handshake is done: what the server says last is not read.
        if self.stops_reading && !self.tls.is_handshaking() {
            return false;
        }
        let mut buffer = [0; 4096];
        let room = if self.stops_reading { 64 } else { buffer.len() };
        let read = self
            .socket
            .with(|stream| Pin::new(stream).poll_read(&mut context(), &mut buffer[..room]));
        match read {
            Some(Poll::Ready(Ok(count))) if count > 0 => {
                self.received += count;
                self.take(&buffer[..count]);
                true
            }
            Some(Poll::Pending) => false,
            Some(Poll::Ready(_)) | None => {
                self.over = true;
                false
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while self.begun && !bytes.is_empty() {
            if self.tls.read_tls(&mut bytes).is_err() || self.tls.process_new_packets().is_err() {
                return;
            }
            let mut plain = [0; 4096];
            while let Ok(count @ 1..) = self.tls.reader().read(&mut plain) {
                self.heard.extend_from_slice(&plain[..count]);
            }
        }
    }
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
