//! The peer learns why, too: the right alert reaches it, in clear while it can read nothing else,
//! and before the end of the stream. Where no alert is due there is none.

use async_std::task::block_on;
use rustls::{AlertDescription, ClientConfig};
use sipward::{
    Alert, AlertDirection, ClientAuth, ExpectedMessage, HandshakeCause, HandshakeFailed, Phase,
    Plaintext, TlsPolicy, TlsVersions, TrustAnchors,
};
use sipward_tests::hello;
use sipward_tests::hello::Hello;
use sipward_tests::hello::server::{Server, refusal, to_the_end};
use sipward_tests::peer;
use sipward_tests::peer::Authority;
use std::io::{Read, Write};
use std::net::TcpStream;

fn alert_record(version: u16, code: u8) -> Vec<u8> {
    let [major, minor] = version.to_be_bytes();
    vec![21, major, minor, 0, 2, 2, code]
}

/// The alert of an event: who sent it, its name.
fn alert(failed: &HandshakeFailed) -> Option<(AlertDirection, &str)> {
    let alert: &Alert = failed.failure.evidence.alert.as_ref()?;
    Some((alert.direction, &alert.name))
}

fn our(name: &str) -> Option<(AlertDirection, &str)> {
    Some((AlertDirection::Sent, name))
}

fn client(authority: &Authority) -> ClientConfig {
    (*authority.client()).clone()
}

#[test]
fn a_client_that_is_too_old_hears_protocol_version_in_its_own_version() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        let versions = [(0x0300, "SSLv3"), (0x0301, "TLSv1.0"), (0x0302, "TLSv1.1")];
        for (version, name) in versions {
            let (heard, failed) = server.answer(&Hello::old(version).record()).await;
            assert_eq!(
                failed.failure.cause,
                HandshakeCause::VersionMismatch,
                "{name}"
            );
            assert_eq!(heard, alert_record(version, 70), "{name}");
            assert_eq!(failed.failure.evidence.offered_versions, [name]);
            assert_eq!(alert(&failed), our("protocol_version"));
        }
    });
}

#[test]
fn a_hello_of_ssl_2_is_too_old_and_no_plaintext() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        let body = [&[1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 128][..], &[7; 16]].concat();
        let hello = [&[0x80, body.len() as u8][..], &body].concat();
        let (heard, failed) = server.answer(&hello).await;
        assert_eq!(failed.failure.cause, HandshakeCause::VersionMismatch);
        assert_eq!(failed.failure.evidence.offered_versions, ["SSLv2"]);
        assert_eq!(heard, alert_record(0x0300, 70));
    });
}

#[test]
fn versions_that_do_not_meet_are_said_to_both_sides() {
    block_on(async {
        let authority = Authority::new();
        let pairs = [
            (TlsVersions::Tls13, &rustls::version::TLS12),
            (TlsVersions::Tls12, &rustls::version::TLS13),
        ];
        for (ours, theirs) in pairs {
            let server = Server::start(authority.policy().with_versions(ours)).await;
            let config = ClientConfig::builder()
                .with_safe_default_cipher_suites()
                .with_safe_default_kx_groups()
                .with_protocol_versions(&[theirs])
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            let (told, failed) = server.tells(config).await;
            let expected = rustls::Error::AlertReceived(AlertDescription::ProtocolVersion);
            assert_eq!(told, expected);
            assert_eq!(failed.failure.cause, HandshakeCause::VersionMismatch);
        }
    });
}

#[test]
fn no_common_protocol_is_said_in_tls_1_2_and_in_tls_1_3() {
    block_on(async {
        let authority = Authority::new();
        for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
            let policy = authority
                .policy()
                .with_versions(versions)
                .with_alpn(["sip/2"]);
            let server = Server::start(policy).await;
            let mut config = client(&authority);
            config.alpn_protocols = vec![b"h2".to_vec()];
            let (told, failed) = server.tells(config).await;
            let expected = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
            assert_eq!(told, expected);
            assert_eq!(failed.failure.cause, HandshakeCause::AlpnMismatch);
            assert_eq!(failed.failure.evidence.offered_alpn, ["h2"]);
            assert_eq!(alert(&failed), our("no_application_protocol"));
        }
    });
}

#[test]
fn behind_a_retry_the_alert_is_in_clear_still() {
    block_on(async {
        let server = Server::start(Authority::new().policy().with_alpn(["sip/2"])).await;
        let mut socket = peer::tcp(server.address());
        socket
            .write_all(&Hello::without_key().alpn("h2").record())
            .unwrap();
        let mut retry = [0; 5];
        socket.read_exact(&mut retry).unwrap();
        assert_eq!(retry[0], 22);
        let mut body = vec![0; usize::from(u16::from_be_bytes([retry[3], retry[4]]))];
        socket.read_exact(&mut body).unwrap();
        socket
            .write_all(&Hello::with_key().alpn("h2").record())
            .unwrap();
        let heard = to_the_end(&mut socket);
        drop(socket);
        let failed = server.failure().await;
        assert_eq!(failed.failure.cause, HandshakeCause::AlpnMismatch);
        // A ChangeCipherSpec for middleboxes goes with the retry (RFC 8446 appendix D.4).
        let change_cipher_spec = [20, 3, 3, 0, 1, 1];
        let heard = heard.strip_prefix(&change_cipher_spec).unwrap_or(&heard);
        assert_eq!(heard, alert_record(0x0303, 120));
    });
}

#[test]
fn an_unknown_server_name_is_called_unrecognized_and_a_missing_one_missing() {
    block_on(async {
        let authority = Authority::new();
        let (chain, key) = authority.issue(&["sip.example.com"]);
        let policy = authority
            .policy()
            .with_identity("sip.example.com", chain.as_bytes(), key.as_bytes())
            .unwrap()
            .with_strict_server_names();
        let server = Server::start(policy).await;
        let (told, failed) = server.tells(client(&authority)).await;
        let expected = rustls::Error::AlertReceived(AlertDescription::UnrecognisedName);
        assert_eq!(told, expected);
        assert_eq!(failed.failure.cause, HandshakeCause::UnknownServerName);
        assert_eq!(failed.failure.evidence.sni.as_deref(), Some("localhost"));

        let (heard, failed) = server.answer(&Hello::with_key().record()).await;
        assert_eq!(failed.failure.cause, HandshakeCause::UnknownServerName);
        assert_eq!(heard, alert_record(0x0303, 109), "RFC 8446 §9.2");
        let modern = Hello::old(0x0303).with(hello::SIGNATURES, hello::numbers(&[0x0403]));
        let (heard, failed) = server.answer(&modern.record()).await;
        assert_eq!(failed.failure.cause, HandshakeCause::UnknownServerName);
        assert_eq!(heard, alert_record(0x0303, 112), "no such alert before 1.3");
    });
}

#[test]
fn nothing_in_common_is_a_handshake_failure_in_clear() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        let mut weak = Hello::with_key();
        weak.suites = vec![0x1304];
        let only_rsa = hello::numbers(&[0x0804, 0x0401]);
        let only_p521 = hello::numbers(&[25]);
        let cases = [
            (weak, HandshakeCause::NoCommonCipher),
            (
                Hello::without_key().with(hello::GROUPS, only_p521),
                HandshakeCause::NoCommonGroup,
            ),
            (
                // Found out behind the ServerHello: it must not leave.
                Hello::with_key().with(hello::SIGNATURES, only_rsa),
                HandshakeCause::NoCommonSignature,
            ),
        ];
        for (hello, cause) in cases {
            let (heard, failed) = server.answer(&hello.record()).await;
            assert_eq!(failed.failure.cause, cause);
            assert_eq!(heard, alert_record(0x0303, 40), "{cause}");
            assert_eq!(alert(&failed), our("handshake_failure"));
        }
    });
}

#[test]
fn plaintext_hears_an_alert_and_no_sip_however_much_of_it_is_unread() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        let request = peer::request("OPTIONS", "");
        let long = peer::request("MESSAGE", &"x".repeat(40_000));
        let sip = |method: &str| Plaintext::Sip {
            method: method.to_owned(),
        };
        let cases = [
            (request.as_str(), sip("OPTIONS")),
            (long.as_str(), sip("MESSAGE")),
            ("\r\n\r\n", Plaintext::SipKeepAlive),
            ("GET / HTTP/1.1\r\n\r\n", Plaintext::Http),
            ("EHLO phone.example\r\n", Plaintext::Other),
        ];
        for (words, plaintext) in cases {
            let (heard, failed) = server.answer(words.as_bytes()).await;
            assert_eq!(failed.failure.cause, HandshakeCause::Plaintext(plaintext));
            assert_eq!(heard, alert_record(0x0303, 50));
            assert_eq!(failed.failure.evidence.waiting_for, None);
        }
    });
}

#[test]
fn a_client_without_a_certificate_is_told_that_one_is_required() {
    block_on(async {
        let authority = Authority::new();
        let anchors = TrustAnchors::from_pem(authority.certificate.pem().as_bytes()).unwrap();
        for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
            let policy = authority
                .policy()
                .with_versions(versions)
                .with_client_auth(ClientAuth::Required(anchors.clone()));
            let server = Server::start(policy).await;
            let (told, failed) = server.tells(client(&authority)).await;
            let expected = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
            assert_eq!(told, expected);
            assert_eq!(
                failed.failure.cause,
                HandshakeCause::ClientCertificateMissing
            );
            assert_eq!(alert(&failed), our("certificate_required"));
        }
    });
}

#[test]
fn an_alert_of_the_peer_is_known_encrypted_and_in_clear() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        // rustls encrypts it.
        let distrustful = ClientConfig::builder()
            .with_safe_defaults()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let refused = refusal(server.address(), distrustful);
        assert!(matches!(refused, rustls::Error::InvalidCertificate(_)));
        let failed = server.failure().await;
        assert_eq!(failed.failure.cause, HandshakeCause::RejectedByPeer);
        assert_eq!(
            alert(&failed),
            Some((AlertDirection::Received, "unknown_ca"))
        );

        // OpenSSL does not, though our ServerHello has come.
        let mut socket = peer::tcp(server.address());
        socket.write_all(&Hello::with_key().record()).unwrap();
        let mut server_hello = [0; 5];
        socket.read_exact(&mut server_hello).unwrap();
        socket.write_all(&alert_record(0x0303, 42)).unwrap();
        drop(socket);
        let failed = server.failure().await;
        assert_eq!(failed.failure.cause, HandshakeCause::RejectedByPeer);
        assert_eq!(
            alert(&failed),
            Some((AlertDirection::Received, "bad_certificate"))
        );
    });
}

#[test]
fn who_is_only_waited_for_hears_nothing_and_the_event_says_what_was_missing() {
    block_on(async {
        let server = Server::impatient(Authority::new().policy()).await;
        let hello = Hello::with_key().record();
        let retry = Hello::without_key().record();
        let warnings = [21, 3, 1, 0, 2, 1, 90].repeat(20);
        let cases = [
            (&hello[..1], ExpectedMessage::RestOfClientHello),
            (&hello[..90], ExpectedMessage::RestOfClientHello),
            (&retry[..], ExpectedMessage::SecondClientHello),
            (&hello[..], ExpectedMessage::ClientFinished),
            (&warnings[..], ExpectedMessage::ClientHello),
        ];
        for (words, missing) in cases {
            let (heard, failed) = server.answer(words).await;
            assert_eq!(failed.failure.cause, HandshakeCause::TimeoutStalled);
            assert_eq!(failed.failure.evidence.waiting_for, Some(missing));
            assert!(heard.first() != Some(&21), "no alert");
            let all_arrived = (!heard.is_empty() && cfg!(target_os = "linux")).then_some(0);
            assert_eq!(failed.failure.evidence.unacknowledged, all_arrived);
        }
    });
}

#[test]
fn a_client_that_was_asked_for_its_certificate_and_stalls_is_in_that_phase() {
    block_on(async {
        let authority = Authority::new();
        let anchors = TrustAnchors::from_pem(authority.certificate.pem().as_bytes()).unwrap();
        let policy = authority
            .policy()
            .with_client_auth(ClientAuth::Required(anchors));
        let server = Server::impatient(policy).await;
        let mut tls12 = Hello::old(0x0303).with(hello::SIGNATURES, hello::numbers(&[0x0403]));
        tls12.suites = vec![0xc02b];
        for hello in [Hello::with_key(), tls12] {
            let (heard, failed) = server.answer(&hello.record()).await;
            assert_eq!(heard[0], 22);
            assert_eq!(failed.failure.cause, HandshakeCause::TimeoutStalled);
            assert_eq!(failed.failure.phase, Phase::ClientAuth);
            let missing = failed.failure.evidence.waiting_for;
            assert_eq!(missing, Some(ExpectedMessage::ClientCertificate));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn bytes_that_never_arrive_are_counted() {
    block_on(async {
        let authority = Authority::new();
        let names: Vec<String> = (0..2000).map(|n| format!("host-{n}.example.com")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (chain, key) = authority.issue(&names);
        let policy = TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let server = Server::impatient(policy).await;
        // A receive window the flight does not fit in, as a path that loses large packets.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&server.address().into()).unwrap();
        let mut socket = TcpStream::from(socket);
        socket.write_all(&Hello::with_key().record()).unwrap();
        let failed = server.failure().await;
        assert_eq!(failed.failure.cause, HandshakeCause::TimeoutStalled);
        let lost = failed.failure.evidence.unacknowledged.unwrap();
        assert!(lost > 0 && lost < failed.stats.bytes_out, "{lost}");
    });
}
