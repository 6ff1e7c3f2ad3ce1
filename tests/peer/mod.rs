//! Peers for the tests: certificates made at run time, and a TLS client that owes nothing to sipward.

#![allow(dead_code, reason = "each test file uses its part")]

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerName, StreamOwned};
use sipward::testing::Recorder;
use sipward::{Application, Builder, Handle, Silent, Supervisor, TlsPolicy};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long a test waits for what must come. Only a failing test ever waits this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate authority of the test's own, and what it has signed.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: rcgen::Certificate,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "test authority");
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// A certificate and its key, in PEM.
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub fn policy(&self) -> TlsPolicy {
        let (chain, key) = self.issue(&["localhost", "127.0.0.1"]);
        TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
    }

    /// A client that trusts this authority.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let der = self.certificate.der().to_vec();
        roots.add(&rustls::Certificate(der)).unwrap();
        Arc::new(
            ClientConfig::builder()
                .with_safe_defaults()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }
}

/// A supervisor on loopback, its events recorded, and the authority its peers trust.
pub struct Bed {
    pub authority: Authority,
    pub handle: Handle,
    pub events: Recorder,
}

pub async fn bed() -> Bed {
    bed_with(Silent, |builder| builder).await
}

pub async fn bed_with<A: Application>(
    application: A,
    choose: impl FnOnce(Builder<A>) -> Builder<A>,
) -> Bed {
    let authority = Authority::new();
    let (events, observer) = Recorder::new();
    let builder = Supervisor::builder(authority.policy())
        .listen("127.0.0.1:0")
        .without_log()
        .observer(observer)
        .application(application);
    let handle = choose(builder).start().await.unwrap();
    Bed {
        authority,
        handle,
        events,
    }
}

impl Bed {
    pub fn address(&self) -> SocketAddr {
        self.handle.listeners()[0]
    }

    /// A plain TCP connection.
    pub fn tcp(&self) -> TcpStream {
        tcp(self.address())
    }

    /// A client that has shaken hands.
    pub fn phone(&self) -> Phone {
        Phone::connect(self.address(), self.authority.client()).unwrap()
    }
}

pub fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A SIP-over-TLS client with blocking calls.
pub struct Phone {
    pub stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Phone {
    pub fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let mut stream = StreamOwned::new(connection, tcp(address));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream })
    }

    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).unwrap();
        self.stream.flush().unwrap();
    }

    /// Exactly as many bytes as `expected`, compared.
    #[track_caller]
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut heard = vec![0; expected.len()];
        self.stream.read_exact(&mut heard).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&heard),
            String::from_utf8_lossy(expected)
        );
    }

    /// Reads to the end: what came, and whether it ended by close_notify.
    pub fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut heard = Vec::new();
        let ended = self.stream.read_to_end(&mut heard);
        (heard, ended.is_ok())
    }

    /// Says close_notify.
    pub fn hang_up(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
    }
}

/// A whole request with this body.
pub fn request(method: &str, body: &str) -> String {
    format!(
        "{method} sip:bob@localhost SIP/2.0\r\n\
         Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Fails the test instead of waiting for ever.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    async_std::future::timeout(PATIENCE, future)
        .await
        .expect("what must come did not come in time")
}
