//! A supervisor without a network and with a clock moved by hand, and clients in memory.

use super::{Authority, in_time};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use rustls::{ClientConfig, ClientConnection, ServerName};
use sipward::testing::{Dialler, ManualClock, MemoryStream, Recorder};
use sipward::{Application, Builder, Handle, Supervisor};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Where clients in memory seem to come from.
pub const PHONE: &str = "192.0.2.1:5061";

pub struct Lab {
    pub authority: Authority,
    pub handle: Handle,
    pub events: Recorder,
    pub clock: ManualClock,
    pub dialler: Dialler,
}

pub async fn lab<A: Application>(
    application: A,
    choose: impl FnOnce(Builder<A>) -> Builder<A>,
) -> Lab {
    let authority = Authority::new();
    let clock = ManualClock::new();
    let (events, observer) = Recorder::new();
    let (builder, dialler) = Supervisor::builder(authority.policy())
        .without_log()
        .observer(observer)
        .clock(clock.clone())
        .application(application)
        .listen_in_memory();
    let handle = choose(builder).start().await.unwrap();
    Lab {
        authority,
        handle,
        events,
        clock,
        dialler,
    }
}

impl Lab {
    /// A connection whose client has said nothing yet.
    pub fn dial(&self) -> Caller {
        self.dial_from(PHONE)
    }

    pub fn dial_from(&self, peer: &str) -> Caller {
        let peer: SocketAddr = peer.parse().unwrap();
        Caller::new(self.dialler.connect(peer), self.authority.client())
    }

    /// A client that has shaken hands.
    pub async fn call(&self) -> Caller {
        let mut caller = self.dial();
        in_time(caller.shake_hands()).await.unwrap();
        caller
    }

    /// Waits until something sleeps until this long from now.
    pub async fn armed(&self, left: Duration) {
        let at = self.clock.now() + left;
        in_time(async {
            while !self.clock.alarms().contains(&at) {
                async_std::task::yield_now().await;
            }
        })
        .await;
    }
}

/// A TLS client whose bytes are moved by hand.
pub struct Caller {
    pub tls: Box<ClientConnection>,
    pub wire: MemoryStream,
}

impl Caller {
    pub fn new(wire: MemoryStream, config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = Box::new(ClientConnection::new(config, name).unwrap());
        Self { tls, wire }
    }

    pub async fn shake_hands(&mut self) -> io::Result<()> {
        while self.tls.is_handshaking() {
            self.exchange().await?;
            if self.tls.is_handshaking() {
                self.pull().await?;
            }
        }
        self.exchange().await
    }

    /// What TLS has to say now.
    pub fn flight(&mut self) -> Vec<u8> {
        let mut flight = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut flight).unwrap();
        }
        flight
    }

    /// Writes what TLS has to say.
    pub async fn push(&mut self) -> io::Result<()> {
        let flight = self.flight();
        self.wire.write_all(&flight).await
    }

    /// The same, reading whenever the other end takes nothing more.
    pub async fn exchange(&mut self) -> io::Result<()> {
        let flight = self.flight();
        let mut unsent = flight.as_slice();
        while !unsent.is_empty() {
            let (tls, wire) = (&mut self.tls, &mut self.wire);
            let count = poll_fn(|cx| {
                let written = Pin::new(&mut *wire).poll_write(cx, unsent);
                if written.is_ready() {
                    return written;
                }
                let mut bytes = [0; 64];
                while let Poll::Ready(count) = Pin::new(&mut *wire).poll_read(cx, &mut bytes)? {
                    let mut unread = &bytes[..count];
                    tls.read_tls(&mut unread)?;
                    tls.process_new_packets().map_err(io::Error::other)?;
                    if count == 0 {
                        break;
                    }
                }
                Poll::Pending
            });
            unsent = &unsent[count.await?..];
        }
        Ok(())
    }

    /// Reads once; the number of bytes on the wire, 0 at the end.
    pub async fn pull(&mut self) -> io::Result<usize> {
        let mut bytes = vec![0; 4096];
        let count = self.wire.read(&mut bytes).await?;
        let mut unread = &bytes[..count];
        if count == 0 {
            self.tls.read_tls(&mut unread)?;
            if self.tls.is_handshaking() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        while !unread.is_empty() {
            self.tls.read_tls(&mut unread)?;
            let processed = self.tls.process_new_packets();
            processed.map_err(io::Error::other)?;
        }
        Ok(count)
    }

    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.tls.writer().write_all(text.as_ref()).unwrap();
        in_time(self.push()).await.unwrap();
    }

    /// Exactly as many bytes as `expected`, compared.
    pub async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut heard = vec![0; expected.len()];
        let mut count = 0;
        while count < heard.len() {
            match self.tls.reader().read(&mut heard[count..]) {
                Ok(0) => panic!("the stream ended after {count} bytes"),
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    in_time(self.pull()).await.unwrap();
                }
                Err(error) => panic!("{error} after {count} bytes"),
            }
        }
        assert_eq!(
            String::from_utf8_lossy(&heard),
            String::from_utf8_lossy(expected)
        );
    }

    /// Reads to the end: what came, and whether it ended by close_notify.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut heard = Vec::new();
        loop {
            match self.tls.reader().read_to_end(&mut heard) {
                Ok(_) => return (heard, true),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if in_time(self.pull()).await.is_err() {
                        return (heard, false);
                    }
                }
                Err(_) => return (heard, false),
            }
        }
    }

    /// Says close_notify.
    pub async fn hang_up(&mut self) {
        self.tls.send_close_notify();
        in_time(self.push()).await.unwrap();
    }
}
