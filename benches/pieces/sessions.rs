//! Whole handshakes and messages in memory, both ends: by the TLS library alone, and through
//! sipward. The difference is what sipward adds; the client's part is in all of them.

use super::{OPTIONS, Piece};
use bytes::Bytes;
use futures_lite::future::block_on;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use rustls::client::{Resumption, ServerCertVerified, ServerCertVerifier};
use rustls::server::NoServerSessionStorage;
use rustls::{
    Certificate, ClientConfig, ClientConnection, PrivateKey, ServerConfig, ServerConnection,
    ServerName, Ticketer,
};
use sipward::sip::Message;
use sipward::testing::{Dialler, MemoryStream};
use sipward::{
    AdmissionLimits, Application, Flow, Handle, Ready, SipSession, Supervisor, Threads, TlsPolicy,
};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

pub const PIECES: &[Piece] = &[
    Piece {
        name: "handshake, full: TLS alone",
        prepare: || tls_alone(false),
    },
    Piece {
        name: "handshake, full: a session from accept to close",
        prepare: || through_sipward(false),
    },
    Piece {
        name: "handshake, resumed: TLS alone",
        prepare: || tls_alone(true),
    },
    Piece {
        name: "handshake, resumed: a session from accept to close",
        prepare: || through_sipward(true),
    },
    Piece {
        name: "message and answer: TLS alone",
        prepare: || {
            let (mut client, mut server) = shake_hands(&client(false), &server());
            Box::new(move || {
                client.writer().write_all(OPTIONS.as_bytes()).expect("room");
                carry(&mut client, &mut server);
                let mut bytes = [0; 4096];
                let count = server.reader().read(&mut bytes).expect("a message");
                assert_eq!(count, OPTIONS.len());
                server.writer().write_all(ANSWER).expect("room");
                carry(&mut server, &mut client);
                let count = client.reader().read(&mut bytes).expect("an answer");
                assert_eq!(count, ANSWER.len());
            })
        },
    },
    Piece {
        name: "message and answer: through a session",
        prepare: || {
            let house = House::open();
            let mut phone = house.phone(&client(false));
            Box::new(move || {
                // Without it nobody would be served.
                let _ = &house.handle;
                phone
                    .tls
                    .writer()
                    .write_all(OPTIONS.as_bytes())
                    .expect("room");
                block_on(phone.hear(ANSWER.len()));
            })
        },
    },
];

const ANSWER: &[u8] = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Answers every message with the same 200.
struct Answering(Flow);

impl SipSession for Answering {
    async fn message(&mut self, _: Message) {
        let _ = self.0.send(Bytes::from_static(ANSWER));
    }
}

struct Counter;

impl Application for Counter {
    type Session = Answering;

    fn open(&self, _: &Ready, flow: Flow) -> Answering {
        Answering(flow)
    }
}

/// A supervisor without a network.
struct House {
    handle: Handle,
    dialler: Dialler,
}

impl House {
    fn open() -> Self {
        let identity = identity();
        let policy = TlsPolicy::from_pem(
            identity.cert.pem().as_bytes(),
            identity.signing_key.serialize_pem().as_bytes(),
        );
        let mut limits = AdmissionLimits::default();
        limits.rate_per_source = None;
        let (builder, dialler) = Supervisor::builder(policy.expect("an identity"))
            .without_log()
            .limits(limits)
            // The counter sees to it that these are one.
            .threads(Threads::Runtime)
            .application(Counter)
            .listen_in_memory();
        let handle = block_on(builder.start()).expect("it starts");
        Self { handle, dialler }
    }

    /// A client that has shaken hands.
    fn phone(&self, config: &Arc<ClientConfig>) -> Phone {
        let peer = SocketAddr::from(([192, 0, 2, 1], 5061));
        let mut phone = Phone {
            tls: begin(config),
            wire: self.dialler.connect(peer),
        };
        block_on(phone.shake_hands());
        phone
    }
}

/// A TLS client in memory.
struct Phone {
    tls: ClientConnection,
    wire: MemoryStream,
}

impl Phone {
    async fn shake_hands(&mut self) {
        while self.tls.is_handshaking() {
            self.say().await;
            if self.tls.is_handshaking() {
                self.listen().await;
            }
        }
    }

    /// Hangs up, and waits for the other end to do so.
    async fn part(mut self) {
        self.tls.send_close_notify();
        self.say().await;
        while self.listen().await > 0 {}
    }

    async fn say(&mut self) {
        let mut flight = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut flight).expect("room");
        }
        self.wire.write_all(&flight).await.expect("it listens");
    }

    async fn listen(&mut self) -> usize {
        let mut bytes = [0; 4096];
        let count = self.wire.read(&mut bytes).await.expect("it speaks");
        let mut unread = &bytes[..count];
        while !unread.is_empty() {
            self.tls.read_tls(&mut unread).expect("room");
            self.tls.process_new_packets().expect("lawful TLS");
        }
        count
    }

    async fn hear(&mut self, count: usize) {
        self.say().await;
        let mut heard = 0;
        let mut bytes = [0; 4096];
        while heard < count {
            self.listen().await;
            heard += self.tls.reader().read(&mut bytes).unwrap_or(0);
        }
    }
}

fn through_sipward(resuming: bool) -> Box<dyn FnMut()> {
    let house = House::open();
    let config = client(resuming);
    // The ticket for the first resumption.
    block_on(house.phone(&config).part());
    Box::new(move || {
        let phone = house.phone(&config);
        block_on(phone.part());
    })
}

fn tls_alone(resuming: bool) -> Box<dyn FnMut()> {
    let (client, server) = (client(resuming), server());
    shake_hands(&client, &server);
    Box::new(move || {
        let (mut client, mut server) = shake_hands(&client, &server);
        client.send_close_notify();
        carry(&mut client, &mut server);
        server.send_close_notify();
        carry(&mut server, &mut client);
    })
}

fn shake_hands(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> (ClientConnection, ServerConnection) {
    let mut server = ServerConnection::new(Arc::clone(server)).expect("a configuration");
    let mut client = begin(client);
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
    }
    (client, server)
}

fn begin(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::clone(config), name).expect("a configuration")
}

/// One flight, written as a whole, read as a whole.
fn carry<A, B, S, C>(from: &mut A, to: &mut B)
where
    A: std::ops::DerefMut<Target = rustls::ConnectionCommon<S>>,
    B: std::ops::DerefMut<Target = rustls::ConnectionCommon<C>>,
{
    let mut flight = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut flight).expect("room");
    }
    let mut unread = flight.as_slice();
    while !unread.is_empty() {
        to.read_tls(&mut unread).expect("room");
        to.process_new_packets().expect("lawful TLS");
    }
}

/// The policy sipward has by default, for the TLS library alone.
fn server() -> Arc<ServerConfig> {
    let identity = identity();
    let chain = vec![Certificate(identity.cert.der().to_vec())];
    let key = PrivateKey(identity.signing_key.serialize_der());
    let mut config = ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("an identity");
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new().expect("randomness");
    config.send_tls13_tickets = 1;
    Arc::new(config)
}

fn client(resuming: bool) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder()
        .with_safe_defaults()
        .with_custom_certificate_verifier(Arc::new(Trusting))
        .with_no_client_auth();
    config.resumption = if resuming {
        Resumption::in_memory_sessions(64)
    } else {
        Resumption::disabled()
    };
    Arc::new(config)
}

fn identity() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// What a client checks is not measured.
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &Certificate,
        _: &[Certificate],
        _: &ServerName,
        _: &mut dyn Iterator<Item = &[u8]>,
        _: &[u8],
        _: SystemTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
}
