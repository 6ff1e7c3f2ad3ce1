//! Real handshakes of rustls in memory, read by a scanner for each direction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use rustls::client::{ServerCertVerified, ServerCertVerifier};
use rustls::{
    Certificate, CertificateError, ClientConfig, ClientConnection, Error, PrivateKey, ServerConfig,
    ServerConnection, ServerName, SupportedProtocolVersion, kx_group, version,
};

use super::*;
use crate::tls::hello::{self, ClientHello, ServerHello};

/// Counts the certificates it was asked about: rustls asks in a full handshake and never in a
/// resumed one.
struct Verifier {
    authentication: AtomicUsize,
    verdict: Result<(), Error>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        _: &Certificate,
        _: &[Certificate],
        _: &ServerName,
        _: &mut dyn Iterator<Item = &[u8]>,
        _: &[u8],
        _: SystemTime,
    ) -> Result<ServerCertVerified, Error> {
        self.authentication.fetch_add(1, Ordering::Relaxed);
        self.verdict
            .clone()
            .map(|()| ServerCertVerified::assertion())
    }
}

struct Parties {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    verifier: Arc<Verifier>,
}

impl Parties {
    fn new(version: &'static SupportedProtocolVersion, verdict: Result<(), Error>) -> Self {
        let verifier = Arc::new(Verifier {
            authentication: AtomicUsize::new(0),
            verdict,
        });
        let mut client = ClientConfig::builder()
            .with_safe_default_cipher_suites()
            .with_kx_groups(&[&kx_group::X25519, &kx_group::SECP256R1])
            .with_protocol_versions(&[version])
            .unwrap()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        client.alpn_protocols = vec![b"sip".to_vec()];
        Self {
            client: Arc::new(client),
            server: Arc::new(server(version, &kx_group::X25519)),
            verifier,
        }
    }

    fn retrying() -> Self {
        let parties = Self::new(&version::TLS13, Ok(()));
        Self {
            server: Arc::new(server(&version::TLS13, &kx_group::SECP256R1)),
            ..parties
        }
    }

    fn connect(&self, chunk: usize) -> Connection {
        let name = ServerName::try_from("Edge.Example.ORG").unwrap();
        let mut connection = Connection {
            client: ClientConnection::new(self.client.clone(), name).unwrap(),
            server: ServerConnection::new(self.server.clone()).unwrap(),
            from_client: RecordScanner::new(),
            from_server: RecordScanner::new(),
            sent: [0, 0],
            chunk,
        };
        connection.pump();
        connection
    }
}

fn server(
    version: &'static SupportedProtocolVersion,
    group: &'static rustls::SupportedKxGroup,
) -> ServerConfig {
    let issued = rcgen::generate_simple_self_signed(vec!["edge.example.org".to_owned()]).unwrap();
    let mut config = ServerConfig::builder()
        .with_safe_default_cipher_suites()
        .with_kx_groups(&[group])
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![Certificate(issued.cert.der().to_vec())],
            PrivateKey(issued.signing_key.serialize_der()),
        )
        .unwrap();
    config.alpn_protocols = vec![b"sip".to_vec()];
    config
}

struct Connection {
    client: ClientConnection,
    server: ServerConnection,
    from_client: RecordScanner,
    from_server: RecordScanner,
    sent: [u64; 2],
    chunk: usize,
}

impl Connection {
    fn pump(&mut self) {
        while self.client.wants_write() || self.server.wants_write() {
            let mut bytes = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut bytes).unwrap();
            }
            self.sent[0] += bytes.len() as u64;
            bytes
                .chunks(self.chunk)
                .for_each(|part| self.from_client.feed(part));
            let mut unread = bytes.as_slice();
            while !unread.is_empty() {
                self.server.read_tls(&mut unread).unwrap();
                let _ = self.server.process_new_packets();
            }
            let mut bytes = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut bytes).unwrap();
            }
            self.sent[1] += bytes.len() as u64;
            bytes
                .chunks(self.chunk)
                .for_each(|part| self.from_server.feed(part));
            let mut unread = bytes.as_slice();
            while !unread.is_empty() {
                self.client.read_tls(&mut unread).unwrap();
                let _ = self.client.process_new_packets();
            }
        }
    }

    fn hellos(&self) -> (ClientHello, ServerHello) {
        let client = hello::client_hello(self.from_client.client_hello().unwrap());
        let key_exchange = self.from_server.server_key_exchange();
        let server = hello::server_hello(self.from_server.server_hello().unwrap(), key_exchange);
        (client, server.unwrap())
    }

    fn resumed(&self) -> Option<bool> {
        let scanner = &self.from_server;
        hello::resumed(
            &self.hellos().1,
            scanner.messages(),
            scanner.change_cipher_spec(),
        )
    }

    fn assert_facts_are_those_of_rustls(&self) {
        let (client, server) = self.hellos();
        assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
        assert!(client.complete);
        assert_eq!(client.server_name.as_deref(), self.server.server_name());
        assert_eq!(client.alpn, ["sip"]);
        assert_eq!(client.groups, [29, 23]);
        let suite = self.client.negotiated_cipher_suite().unwrap().suite();
        let version = self.client.protocol_version().unwrap();
        assert_eq!(server.cipher_suite, suite.get_u16());
        assert_eq!(server.version, version.get_u16());
        assert_eq!(client.versions, [version.get_u16()]);
        assert!(client.cipher_suites.contains(&server.cipher_suite));
        assert_eq!(
            [self.from_client.bytes(), self.from_server.bytes()],
            self.sent
        );
        assert_eq!(self.from_client.looks_like_tls(), Some(true));
        assert_eq!(self.from_client.first_bytes().len(), FIRST_BYTES);
        assert!(!self.from_client.lost && !self.from_server.lost);
        assert!(self.from_client.change_cipher_spec() && self.from_server.change_cipher_spec());
    }
}

#[test]
fn a_tls_13_handshake_and_its_resumption_are_told_apart() {
    for chunk in [1, 7, usize::MAX] {
        let parties = Parties::new(&version::TLS13, Ok(()));
        for (resumed, authentication) in [(false, 1), (true, 1)] {
            let connection = parties.connect(chunk);
            connection.assert_facts_are_those_of_rustls();
            let (client, server) = connection.hellos();
            assert_eq!(
                parties.verifier.authentication.load(Ordering::Relaxed),
                authentication
            );
            assert_eq!(connection.resumed(), Some(resumed));
            assert_eq!((client.has_psk, server.psk_accepted), (resumed, resumed));
            assert_eq!(server.group, Some(29));
            assert!(server.echoes_session_id(&client));
            assert_eq!(connection.from_client.messages(), [1]);
            assert_eq!(connection.from_server.messages(), [2]);
            assert!(connection.from_server.application_data());
        }
    }
}

#[test]
fn a_tls_12_handshake_and_its_resumption_are_told_apart() {
    for chunk in [1, 7, usize::MAX] {
        let parties = Parties::new(&version::TLS12, Ok(()));
        let first = parties.connect(chunk);
        first.assert_facts_are_those_of_rustls();
        assert_eq!(first.resumed(), Some(false));
        assert_eq!(first.hellos().1.group, Some(29));
        assert_eq!(first.hellos().1.alpn.as_deref(), Some("sip"));
        assert_eq!(first.from_client.messages(), [1, 16]);
        assert_eq!(first.from_server.messages(), [2, 11, 12, 14]);
        assert!(!first.from_server.application_data());

        let second = parties.connect(chunk);
        second.assert_facts_are_those_of_rustls();
        assert_eq!(parties.verifier.authentication.load(Ordering::Relaxed), 1);
        assert_eq!(second.resumed(), Some(true));
        assert!(second.hellos().1.echoes_session_id(&second.hellos().0));
        assert_eq!(second.from_server.messages(), [2]);
    }
}

#[test]
fn a_retry_request_is_told_from_the_hello_behind_it() {
    for chunk in [1, usize::MAX] {
        let connection = Parties::retrying().connect(chunk);
        connection.assert_facts_are_those_of_rustls();
        assert_eq!(connection.from_server.messages(), [6, 2]);
        assert_eq!(connection.hellos().1.group, Some(23));
        assert_eq!(connection.resumed(), Some(false));
    }
}

#[test]
fn whether_a_session_resumed_is_unknown_after_a_retry_request_alone() {
    let parties = Parties::retrying();
    let name = ServerName::try_from("edge.example.org").unwrap();
    let mut client = ClientConnection::new(parties.client.clone(), name).unwrap();
    let mut server = ServerConnection::new(parties.server.clone()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    server.read_tls(&mut bytes.as_slice()).unwrap();
    server.process_new_packets().unwrap();
    bytes.clear();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    let mut scanner = RecordScanner::new();
    scanner.feed(&bytes);
    assert_eq!(scanner.messages(), [6]);
    let retry = hello::server_hello(scanner.server_hello().unwrap(), None).unwrap();
    assert_eq!((retry.version, retry.group), (0x0304, Some(23)));
    assert_eq!(
        hello::resumed(&retry, scanner.messages(), scanner.change_cipher_spec()),
        None
    );
}

#[test]
fn the_alert_of_a_client_that_refuses_the_certificate_is_named() {
    let refused = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
    for chunk in [1, usize::MAX] {
        let connection = Parties::new(&version::TLS12, refused.clone()).connect(chunk);
        let alert = connection.from_client.alert().unwrap();
        assert_eq!(hello::alert_name(alert.description), "unknown_ca");
        assert!(alert.is_fatal());
        assert_eq!(connection.from_client.alerts(), 1);
        assert_eq!(connection.from_server.alert(), None);
        assert_eq!(connection.resumed(), Some(false));
    }
}

#[test]
fn a_plaintext_alert_in_an_established_tls_13_session_is_seen_even_after_release() {
    for released in [false, true] {
        let mut connection = Parties::new(&version::TLS13, Ok(())).connect(usize::MAX);
        let records = connection.from_client.records();
        let scanner = &mut connection.from_client;
        if released {
            scanner.release();
            assert_eq!(
                (scanner.client_hello(), scanner.first_bytes()),
                (None, &[][..])
            );
        }
        assert!(scanner.application_data());
        for byte in [0x15, 3, 3, 0, 2, 2, 0x30] {
            assert_eq!(scanner.alert(), None);
            scanner.feed(&[byte]);
        }
        assert_eq!(
            scanner.alert(),
            Some(Alert {
                level: 2,
                description: 48
            })
        );
        assert_eq!((scanner.alerts(), scanner.records()), (1, records + 1));
    }
}
