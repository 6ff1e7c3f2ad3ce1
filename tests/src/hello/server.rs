//! A server to be refused by.

use crate::peer::{TEST_TIMEOUT, in_time, tcp};
use rustls::{ClientConfig, ClientConnection, ServerName};
use sipward::testing::Recorder;
use sipward::{Deadlines, Event, EventKind, Handle, HandshakeFailed, Supervisor, TlsPolicy};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A supervisor with one policy, and what its peers hear.
pub struct Server {
    pub handle: Handle,
    pub events: Recorder,
}

impl Server {
    pub async fn start(policy: TlsPolicy) -> Self {
        Self::waiting(TEST_TIMEOUT, policy).await
    }

    /// For peers that stall.
    pub async fn impatient(policy: TlsPolicy) -> Self {
        Self::waiting(Duration::from_millis(400), policy).await
    }

    async fn waiting(handshake: Duration, policy: TlsPolicy) -> Self {
        let (events, observer) = Recorder::new();
        let mut deadlines = Deadlines::default();
        deadlines.handshake = handshake;
        let handle = Supervisor::builder(policy)
            .listen("127.0.0.1:0")
            .deadlines(deadlines)
            .without_log()
            .observer(observer)
            .start()
            .await
            .unwrap();
        Self { handle, events }
    }

    pub fn address(&self) -> SocketAddr {
        self.handle.listeners()[0]
    }

    /// Says this, and hears everything to the end of the stream.
    pub async fn answer(&self, words: &[u8]) -> (Vec<u8>, Box<HandshakeFailed>) {
        let mut socket = tcp(self.address());
        socket.write_all(words).unwrap();
        let heard = to_the_end(&mut socket);
        drop(socket);
        (heard, self.failure().await)
    }

    /// What a TLS client with this configuration is told.
    pub async fn tells(&self, config: ClientConfig) -> (rustls::Error, Box<HandshakeFailed>) {
        let error = refusal(self.address(), config);
        (error, self.failure().await)
    }

    pub async fn failure(&self) -> Box<HandshakeFailed> {
        let event = in_time(self.events.next_of(EventKind::HandshakeFailed)).await;
        let Event::HandshakeFailed(failed) = event else {
            unreachable!()
        };
        Box::new((*failed).clone())
    }
}

/// Everything up to the end of the stream.
pub fn to_the_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset behind the alert does not take it back.
    let _ = socket.read_to_end(&mut heard);
    heard
}

/// How a TLS client is refused.
pub fn refusal(address: SocketAddr, config: ClientConfig) -> rustls::Error {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = tcp(address);
    loop {
        // Under TLS 1.3 a client may be done before it is refused; then it reads the alert.
        if let Err(error) = client.complete_io(&mut socket) {
            let tls = error.into_inner().unwrap().downcast::<rustls::Error>();
            return *tls.unwrap();
        }
    }
}
