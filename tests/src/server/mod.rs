//! Servers that owe nothing to sipward: TLS with any certificate, or no TLS at all. Each serves each
//! connection on a thread of its own.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use rustls::server::AllowAnyAuthenticatedClient;
use rustls::{
    PrivateKey, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
};
use sipward::TrustAnchors;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A certificate authority of the test's own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: Vec<u8>,
}

/// A certificate chain of one and its key, in PEM and in DER.
pub struct Pair {
    pub chain: String,
    pub key: String,
    der: (Vec<u8>, Vec<u8>),
}

impl Pair {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            chain: certificate.pem(),
            key: key.serialize_pem(),
            der: (certificate.der().to_vec(), key.serialize_der()),
        }
    }
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
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
        }
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_der([self.der.clone()])
    }

    /// A good certificate for these names (`sip:` ones become URIs).
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_with(names, |_| ())
    }

    pub fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf(names);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair::new(&certificate, &key)
    }

    pub fn expired(&self, names: &[&str]) -> Pair {
        self.issue_with(names, |params| {
            params.not_before = (SystemTime::now() - 60 * DAY).into();
            params.not_after = (SystemTime::now() - 30 * DAY).into();
        })
    }
}

/// Signed by itself, marked as an authority or not.
pub fn self_signed(names: &[&str], authority: bool) -> Pair {
    self_signed_with(names, |params| {
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.extended_key_usages.clear();
        }
    })
}

pub fn self_signed_with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = leaf(names);
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    Pair::new(&certificate, &key)
}

fn leaf(names: &[&str]) -> CertificateParams {
    let (uris, names): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| name.starts_with("sip:"));
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let uris = uris
        .iter()
        .map(|uri| SanType::URI((*uri).try_into().unwrap()));
    params.subject_alt_names.extend(uris);
    params
        .distinguished_name
        .push(DnType::CommonName, "test leaf");
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

/// A server's TLS, built with rustls.
pub struct Tls {
    pub versions: &'static [&'static SupportedProtocolVersion],
    /// Demands a client certificate of this authority.
    pub demands: Option<Vec<u8>>,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            versions: rustls::ALL_VERSIONS,
            demands: None,
        }
    }
}

impl Tls {
    pub fn only(version: &'static SupportedProtocolVersion) -> Self {
        Self {
            versions: Box::leak(Box::new([version])),
            demands: None,
        }
    }

    pub fn demanding(mut self, authority: &Authority) -> Self {
        self.demands = Some(authority.der.clone());
        self
    }

    /// Serves `serve` on TLS; its handshake errors are the peer's affair.
    pub fn serve(
        self,
        pair: &Pair,
        serve: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
    ) -> SocketAddr {
        self.run(pair, serve, |_| ())
    }

    /// Tells of each handshake that fails.
    pub fn watch(
        self,
        pair: &Pair,
        failed: impl Fn(std::io::Error) + Send + Sync + 'static,
    ) -> SocketAddr {
        self.run(pair, |_| (), failed)
    }

    fn run(
        self,
        pair: &Pair,
        serve: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
        failed: impl Fn(std::io::Error) + Send + Sync + 'static,
    ) -> SocketAddr {
        let (chain, key) = pair.der.clone();
        let chain = vec![rustls::Certificate(chain)];
        let builder = ServerConfig::builder()
            .with_safe_default_cipher_suites()
            .with_safe_default_kx_groups()
            .with_protocol_versions(self.versions)
            .unwrap();
        let builder = match self.demands {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(&rustls::Certificate(authority)).unwrap();
                builder.with_client_cert_verifier(AllowAnyAuthenticatedClient::new(roots).boxed())
            }
        };
        let config = builder.with_single_cert(chain, PrivateKey(key)).unwrap();
        let config = Arc::new(config);
        tcp(move |socket| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, socket);
            while stream.conn.is_handshaking() {
                if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
                    failed(error);
                    let _ = stream.conn.write_tls(&mut stream.sock);
                    part(stream.sock);
                    return;
                }
            }
            serve(stream);
        })
    }
}

/// Serves `serve` on plain TCP.
pub fn tcp(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (serve, socket) = (Arc::clone(&serve), socket.unwrap());
            thread::spawn(move || serve(socket));
        }
    });
    address
}

/// Accepts, and never says a word.
pub fn silent() -> SocketAddr {
    let keep = std::sync::Mutex::new(Vec::new());
    tcp(move |socket| keep.lock().unwrap().push(socket))
}

/// Answers whatever comes with a SIP response in clear.
pub fn plaintext(answer: &'static str) -> SocketAddr {
    tcp(move |mut socket| {
        let mut hello = [0; 4096];
        let _ = socket.read(&mut hello);
        let _ = socket.write_all(answer.as_bytes());
        part(socket);
    })
}

/// An address nobody listens on.
pub fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Ends our half and waits for the peer's, so that what was said last arrives.
pub fn part(mut socket: TcpStream) {
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let _ = std::io::copy(&mut socket, &mut std::io::sink());
}

/// Answers each request with this status line, and each ping with a pong; to the end.
pub fn sip(mut stream: StreamOwned<ServerConnection, TcpStream>, status: &str) {
    use sipward::sip::{Frame, Framer, Limits};
    let mut framer = Framer::new(Limits::default());
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(count) if count > 0 => framer.push(&bytes[..count]),
            _ => return,
        }
        while let Ok(Some(frame)) = framer.next_frame() {
            let answer = match frame {
                Frame::Message(request) => answer(&request, status),
                Frame::Ping => "\r\n".to_owned(),
                Frame::Pong => continue,
            };
            // Each character is a byte, so that a test can have any.
            let answer: Vec<u8> = answer.chars().map(|c| c as u8).collect();
            if stream.write_all(&answer).is_err() || stream.flush().is_err() {
                return;
            }
        }
    }
}

/// The response with this status line to a request.
pub fn answer(request: &sipward::sip::Message, status: &str) -> String {
    let head = String::from_utf8_lossy(request.head());
    let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let lines = head
        .split("\r\n")
        .filter(|line| copied.iter().any(|name| line.starts_with(name)));
    let copied: Vec<&str> = lines.collect();
    format!(
        "SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n",
        copied.join("\r\n")
    )
}
