//! Peers for the tests: certificates made at run time, and a TLS client that owes nothing to sipward.

pub mod lab;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, RevokedCertParams,
};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerName, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sipward::sip::Message;
use sipward::testing::Recorder;
use sipward::{
    Application, Builder, Closed, Discard, Event, EventKind, Flow, Handle, HandshakeFailed, Ready,
    SipSession, Supervisor, TlsPolicy,
};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// How long a test waits for what must come. Only a failing test ever waits this long.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A certificate authority of the test's own, and what it has signed.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: rcgen::Certificate,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    pub fn new() -> Self {
        Self::named("test authority")
    }

    pub fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// A certificate and its key, in PEM.
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        self.issue_with(names, |_| ())
    }

    /// The same, changed before it is signed.
    pub fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// The same, valid until then.
    pub fn issue_until(&self, names: &[&str], until: SystemTime) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = until.into();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub fn policy(&self) -> TlsPolicy {
        let (chain, key) = self.issue(&["localhost", "127.0.0.1"]);
        TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
    }

    /// A client that trusts this authority and authenticates itself with a certificate of its own.
    pub fn client_named(&self, names: &[&str]) -> Arc<ClientConfig> {
        self.client_named_trusting(names, self)
    }

    /// A client with a certificate of this authority that trusts another one.
    pub fn client_named_trusting(&self, names: &[&str], trusted: &Self) -> Arc<ClientConfig> {
        let (chain, key) = self.issue(names);
        let der = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let key = rustls::PrivateKey(key.secret_der().to_vec());
        let config = ClientConfig::builder()
            .with_safe_defaults()
            .with_root_certificates(trusted.roots())
            .with_client_auth_cert(vec![rustls::Certificate(der.to_vec())], key);
        Arc::new(config.unwrap())
    }

    /// Trust in this authority alone.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let der = self.certificate.der().to_vec();
        roots.add(&rustls::Certificate(der)).unwrap();
        roots
    }

    /// A revocation list with these serial numbers, in PEM.
    pub fn revoke(&self, serials: &[u64]) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now,
            next_update: now + time::Duration::DAY,
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A client that trusts this authority.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::new(
            ClientConfig::builder()
                .with_safe_defaults()
                .with_root_certificates(self.roots())
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
    bed_with(Discard, |builder| builder).await
}

pub async fn bed_with<A: Application>(
    application: A,
    choose: impl FnOnce(Builder<A>) -> Builder<A>,
) -> Bed {
    bed_under(Authority::policy, application, choose).await
}

/// The same under a TLS policy of the test's choice.
pub async fn bed_under<A: Application>(
    policy: impl FnOnce(&Authority) -> TlsPolicy,
    application: A,
    choose: impl FnOnce(Builder<A>) -> Builder<A>,
) -> Bed {
    let authority = Authority::new();
    let (events, observer) = Recorder::new();
    let builder = Supervisor::builder(policy(&authority))
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

/// The next handshake that fails.
pub async fn failed(events: &Recorder) -> Arc<HandshakeFailed> {
    match in_time(events.next_of(EventKind::HandshakeFailed)).await {
        Event::HandshakeFailed(failed) => failed,
        other => panic!("asked for a failure, got {other:?}"),
    }
}

/// The next session that is established.
pub async fn ready(events: &Recorder) -> Arc<Ready> {
    match in_time(events.next_of(EventKind::Ready)).await {
        Event::Ready(ready) => ready,
        other => panic!("asked for a session, got {other:?}"),
    }
}

/// The next session that ends.
pub async fn closed(events: &Recorder) -> Arc<Closed> {
    match in_time(events.next_of(EventKind::Closed)).await {
        Event::Closed(closed) => closed,
        other => panic!("asked for an end, got {other:?}"),
    }
}

/// An application that opens what this function makes.
pub struct Hosting<F>(pub F);

impl<F, S> Application for Hosting<F>
where
    F: Fn(&Ready, Flow) -> S + Send + Sync + 'static,
    S: SipSession,
{
    type Session = S;

    fn open(&self, ready: &Ready, flow: Flow) -> S {
        (self.0)(ready, flow)
    }
}

/// Sends every message back.
pub struct Echo(pub Flow);

impl SipSession for Echo {
    async fn message(&mut self, message: Message) {
        let _ = self.0.send(message.into_bytes());
    }
}

/// An application that sends every message back.
pub fn echo() -> impl Application<Session = Echo> {
    Hosting(|_: &Ready, flow| Echo(flow))
}

pub fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream.set_write_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream
}

/// A SIP-over-TLS client with blocking calls.
pub struct Phone {
    pub stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Phone {
    pub fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        Self::ask_for("localhost", address, config)
    }

    /// Over a connection that there is already.
    pub fn over(socket: TcpStream, config: Arc<ClientConfig>) -> io::Result<Self> {
        Self::shake_hands("localhost", socket, config)
    }

    /// Asks for this server name.
    pub fn ask_for(name: &str, address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        Self::shake_hands(name, tcp(address), config)
    }

    fn shake_hands(name: &str, socket: TcpStream, config: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(name).unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
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

/// Shows a test that handlers have begun, and keeps them until the test lets them go.
#[derive(Clone, Default)]
pub struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    begun: AtomicUsize,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Waits until that many handlers have come here.
    pub async fn begun(&self, count: usize) {
        until(|| self.0.begun.load(Ordering::SeqCst) >= count).await;
    }

    pub fn open(&self) {
        *self.0.open.lock().unwrap() = true;
        self.0.opened.notify_all();
    }

    /// For a handler that is pending until the gate is open.
    pub async fn pass(&self) {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        until(|| *self.0.open.lock().unwrap()).await;
    }

    /// For a handler that blocks its thread until the gate is open.
    pub fn block(&self) {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let is_shut = |open: &mut bool| !*open;
        let open = self.0.open.lock().unwrap();
        drop(self.0.opened.wait_while(open, is_shut).unwrap());
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

/// Gives others the thread until it is so.
pub async fn until(mut so: impl FnMut() -> bool) {
    in_time(async {
        while !so() {
            async_std::task::yield_now().await;
        }
    })
    .await;
}

/// Fails the test instead of waiting for ever.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    // Boxed: nested futures of clients would fill a test's stack.
    async_std::future::timeout(TEST_TIMEOUT, Box::pin(future))
        .await
        .expect("what must come did not come in time")
}
