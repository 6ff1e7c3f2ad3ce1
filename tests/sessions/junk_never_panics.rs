//! The fuzz targets' entry points, run for a bounded count on any toolchain: on real handshakes and
//! messages recorded here, on mutations of them, and on junk. `JUNK_SEED=n` replays a run,
//! `JUNK_ROUNDS=n` makes it longer. `fuzz/` goes on where this ends.

use rustls::version::{TLS12, TLS13};
use rustls::{
    Certificate, ClientConfig, ClientConnection, PrivateKey, RootCertStore, ServerConfig,
    ServerConnection, ServerName,
};
use sipward::{TlsPolicy, TrustAnchors, fuzzing};
use sipward_tests::peer;
use sipward_tests::peer::Authority;
use std::sync::Arc;
use std::time::SystemTime;

/// Inputs each entry point gets.
const ROUNDS: usize = 3_000;

/// xorshift64: enough to choose by, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn seeded(test: &str) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let chosen = std::env::var("JUNK_SEED").ok();
        let seed = match chosen.and_then(|seed| seed.parse().ok()) {
            Some(seed) => seed,
            None => now.unwrap().as_nanos() as u64 | 1,
        };
        println!("{test}: JUNK_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// One input: mostly a recording with a few things wrong, sometimes junk.
    fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if self.below(8) == 0 {
            return self.bytes(300);
        }
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..self.below(5) {
            self.mutate(&mut input, corpus);
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len());
        match self.below(7) {
            0 => input.truncate(at),
            1 => input.splice(at..at, self.bytes(8)).for_each(drop),
            2 => drop(input.drain(at..).take(self.below(16)).count()),
            3 => {
                let other = &corpus[self.below(corpus.len())];
                input.extend_from_slice(&other[self.below(other.len())..]);
            }
            4 => {
                let end = (at + self.below(64)).min(input.len());
                input.extend_from_within(at..end);
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    let chosen = [0, 1, 0x7f, 0x80, 0xff, *byte ^ 1 << self.below(8)];
                    *byte = chosen[self.below(chosen.len())];
                }
            }
        }
    }
}

fn run(test: &str, corpus: &[Vec<u8>], entry: fn(&[u8])) {
    let mut chance = Chance::seeded(test);
    for recording in corpus {
        entry(recording);
        entry(&recording[..recording.len() / 2]);
    }
    let rounds = std::env::var("JUNK_ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok());
    for _ in 0..rounds.unwrap_or(ROUNDS) {
        entry(&chance.input(corpus));
    }
}

/// What either side sent in real handshakes, TLS 1.2 and 1.3, with a close_notify at the end, and in
/// one that failed with an alert.
fn handshakes() -> Vec<Vec<u8>> {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["localhost"]);
    let chain = pem(&chain);
    let key = PrivateKey(pem(&key).remove(0));
    let chain: Vec<_> = chain.into_iter().map(Certificate).collect();
    let mut server = ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    server.alpn_protocols = vec![b"sip/2".to_vec()];
    let server = Arc::new(server);
    let mut recordings = Vec::new();
    for version in [&TLS12, &TLS13] {
        for client in [&authority, &Authority::new()] {
            let mut roots = RootCertStore::empty();
            let der = client.certificate.der().to_vec();
            roots.add(&Certificate(der)).unwrap();
            let mut config = ClientConfig::builder()
                .with_safe_default_cipher_suites()
                .with_safe_default_kx_groups()
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![b"sip/2".to_vec(), b"h2".to_vec()];
            recordings.extend(record(config, &server));
        }
    }
    recordings
}

fn record(client: ClientConfig, server: &Arc<ServerConfig>) -> [Vec<u8>; 2] {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let (mut heard, mut answered) = (0, 0);
    for round in 0..8 {
        if round == 6 {
            client.send_close_notify();
            server.send_close_notify();
        }
        while client.wants_write() {
            client.write_tls(&mut there).unwrap();
        }
        let mut flight = &there[heard..];
        while !flight.is_empty() {
            server.read_tls(&mut flight).unwrap();
            // The side that fails has written its alert, which is what we are here for.
            let _ = server.process_new_packets();
        }
        heard = there.len();
        while server.wants_write() {
            server.write_tls(&mut back).unwrap();
        }
        let mut flight = &back[answered..];
        while !flight.is_empty() {
            client.read_tls(&mut flight).unwrap();
            let _ = client.process_new_packets();
        }
        answered = back.len();
    }
    [there, back]
}

fn pem(text: &str) -> Vec<Vec<u8>> {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => vec![key.secret_der().to_vec()],
        Err(_) => CertificateDer::pem_slice_iter(text.as_bytes())
            .map(|certificate| certificate.unwrap().to_vec())
            .collect(),
    }
}

/// The handshake messages of the recordings, without the record layer.
fn hellos(handshakes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let body = |records: &Vec<u8>| {
        let length = usize::from(u16::from_be_bytes([records[3], records[4]]));
        records[5..5 + length].to_vec()
    };
    handshakes.iter().map(body).collect()
}

/// Messages as phones send them, keep-alives, and what is not quite a message. The first byte is
/// where the framer is to be fed in parts.
fn streams() -> Vec<Vec<u8>> {
    let request = peer::request("REGISTER", "v=0\r\no=- 0 0 IN IP4 192.0.2.7\r\n");
    let folded = "OPTIONS sip:a SIP/2.0\r\nSubject: a\r\n b\r\nl : 3\r\n\r\nabc";
    let response = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    [
        request.clone(),
        folded.to_owned(),
        response.to_owned(),
        format!("\r\n\r\n{request}\r\n\r\n\r\n{response}\r\n\r\n{folded}"),
        "INVITE sip:a SIP/2.0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello".to_owned(),
        "INVITE sip:a SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
        "INVITE sip:a SIP/2.0\n\nbare".to_owned(),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, text)| [&[number as u8 * 7], text.as_bytes()].concat())
    .collect()
}

#[test]
fn no_hello_makes_its_reader_panic() {
    run("hello", &hellos(&handshakes()), fuzzing::hello);
}

#[test]
fn no_first_bytes_make_their_classifier_panic() {
    let mut corpus = streams();
    corpus.extend(handshakes());
    corpus.push(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
    corpus.push(b"\r\n\r\nSIP/2.0 200 OK\r\n\r\n".to_vec());
    run("first_bytes", &corpus, fuzzing::first_bytes);
}

#[test]
fn no_records_make_their_scanner_panic_or_depend_on_how_they_were_cut() {
    run("records", &handshakes(), fuzzing::records);
}

#[test]
fn no_stream_makes_the_framer_panic_or_depend_on_how_it_was_cut() {
    run("framing", &streams(), fuzzing::framing);
}

/// Header values as senders write them, and as they should not.
fn values() -> Vec<Vec<u8>> {
    [
        "\"Alice \\\"A\\\"\" <sips:%61lice:pw@[2001:db8::1]:5061;transport=tls?a=b>;tag=1;q=\"0,5\"",
        "sip:a@b;tag=1, <sip:c@d>;expires=0;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
        "SIP / 2.0 / TLS 192.0.2.7 : 5061 ;branch=z9hG4bK77;rport, SIP/2.0/UDP b",
        "Digest username=\"a\\\\b\", realm=\"r\", , opaque=\"\", uri=\"sip:a\", nc=00000001",
        "1 INVITE",
        "tel:+4930;phone-context=example.com",
        "a\r\n b",
    ]
    .iter()
    .map(|value| value.as_bytes().to_vec())
    .collect()
}

#[test]
fn no_header_value_makes_a_reader_panic_or_a_writer_say_something_else() {
    run("headers", &values(), fuzzing::headers);
}

#[test]
fn no_file_of_certificates_or_keys_makes_its_reader_panic() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["localhost"]);
    let crl = authority.revoke(&[7]);
    let marked = format!("\u{feff}{chain}\r\n\u{feff}# {key}\r{key}");
    let mut corpus: Vec<_> = [&chain, &key, &crl, &marked]
        .map(|text| text.as_bytes().to_vec())
        .into();
    corpus.extend(pem(&chain));
    run("files", &corpus, |bytes| {
        let _ = TlsPolicy::from_pem(bytes, bytes);
        let anchors = TrustAnchors::from_der([bytes.to_vec()]);
        let _ = anchors.with_revocation_list(bytes);
    });
}

#[test]
fn the_recordings_are_what_they_are_said_to_be() {
    let handshakes = handshakes();
    assert_eq!(handshakes.len(), 8);
    for recording in &handshakes {
        assert_eq!(recording[..2], [22, 3], "a handshake record");
        assert!(recording.len() > 100);
    }
    // In TLS 1.2 the alert of the client that trusts somebody else is in clear.
    let alert = handshakes[2]
        .windows(5)
        .any(|bytes| bytes == [21, 3, 3, 0, 2]);
    assert!(alert, "an alert record");
}
