//! A `Connector` connects only to who speaks for the domain, and says why when it does not.

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use rustls::version::{TLS12, TLS13};
use sipward::{
    Certificate, ConnectFailed, Connected, Connector, Discard, HandshakeCause, Phase, Plaintext,
    Supervisor, TlsPolicy, TlsVersions, TrustAnchors,
};
use sipward_tests::server::{
    Authority, Pair, Tls, nobody, part, plaintext, self_signed, self_signed_with, silent, sip, tcp,
};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

const DOMAIN: &str = "sip.example.com";

async fn connect(authority: &Authority, to: SocketAddr) -> Result<Connected, ConnectFailed> {
    let connector = Connector::new(authority.anchors()).unwrap();
    connector.connect(DOMAIN, to).await
}

/// What the first read after a request brings: most servers of TLS 1.3 say there what they think
/// of our certificate.
async fn ask(mut connected: Connected) -> (Connected, io::Result<usize>) {
    let _ = connected.write_all(b"\r\n\r\n").await;
    let _ = connected.flush().await;
    let mut pong = [0; 16];
    let read = connected.read(&mut pong).await;
    (connected, read)
}

async fn cause_with(pair: &Pair, authority: &Authority) -> ConnectFailed {
    let to = Tls::default().serve(pair, |stream| sip(stream, "200 OK"));
    connect(authority, to).await.unwrap_err()
}

#[async_std::test]
async fn a_good_server_is_connected_to_and_its_facts_are_told() {
    for (version, name) in [(&TLS13, "TLSv1.3"), (&TLS12, "TLSv1.2")] {
        let authority = Authority::new();
        let to = Tls::only(version).serve(&authority.issue(&[DOMAIN]), |stream| {
            sip(stream, "200 OK");
        });
        let connected = connect(&authority, to).await.unwrap();
        let tls = connected.tls();
        assert_eq!(tls.version, name);
        assert!(tls.cipher_suite.starts_with("TLS_"), "{tls:?}");
        assert_eq!(tls.group.as_deref(), Some("x25519"));
        assert_eq!(tls.sni.as_deref(), Some(DOMAIN));
        assert_eq!(connected.certificates()[0].dns_names, [DOMAIN]);
        assert!(!connected.asked_for_certificate());
        assert_eq!(connected.peer_address(), to);

        let (connected, read) = ask(connected).await;
        assert_eq!(read.unwrap(), 2);
        connected.close().await;
    }
}

#[async_std::test]
async fn the_handshake_is_over_for_the_server_too_before_a_word_is_said() {
    let authority = Authority::new();
    let (established, done) = std::sync::mpsc::channel();
    let to = Tls::only(&TLS13).serve(&authority.issue(&[DOMAIN]), move |_| {
        let _ = established.send(());
    });
    let connected = connect(&authority, to).await.unwrap();
    done.recv_timeout(Duration::from_secs(20)).unwrap();
    drop(connected);
}

#[async_std::test]
async fn sipward_itself_is_connected_to() {
    let authority = Authority::new();
    let pair = authority.issue(&[DOMAIN]);
    let policy = TlsPolicy::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
    let sipward = Supervisor::builder(policy)
        .listen("127.0.0.1:0")
        .without_log()
        .application(Discard)
        .start()
        .await
        .unwrap();
    let connected = connect(&authority, sipward.listeners()[0]).await.unwrap();
    let (connected, read) = ask(connected).await;
    assert_eq!(read.unwrap(), 2);
    connected.close().await;
    let report = sipward.shutdown(Duration::from_secs(5)).await;
    assert_eq!(report.inbound.closed, 1);
}

#[async_std::test]
async fn an_expired_certificate_is_told_with_the_chain() {
    let authority = Authority::new();
    let failed = cause_with(&authority.expired(&[DOMAIN]), &authority).await;
    assert_eq!(
        failed.failure.cause,
        HandshakeCause::ServerCertificateExpired
    );
    assert_eq!(failed.failure.phase, Phase::Negotiation);
    assert_eq!(failed.chain[0].dns_names, [DOMAIN]);
    assert!(failed.stats.bytes_in > 0);
}

#[async_std::test]
async fn a_certificate_of_tomorrow_is_not_yet_valid() {
    let authority = Authority::new();
    let pair = authority.issue_with(&[DOMAIN], |params| {
        params.not_before = (SystemTime::now() + Duration::from_secs(86_400)).into();
    });
    let failed = cause_with(&pair, &authority).await;
    assert_eq!(
        failed.failure.cause,
        HandshakeCause::ServerCertificateNotYetValid
    );
}

#[async_std::test]
async fn a_certificate_for_clients_only_has_a_bad_purpose() {
    let authority = Authority::new();
    let pair = authority.issue_with(&[DOMAIN], |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let failed = cause_with(&pair, &authority).await;
    assert_eq!(
        failed.failure.cause,
        HandshakeCause::ServerCertificateBadPurpose
    );
}

#[async_std::test]
async fn a_strange_authority_and_a_self_signed_certificate_are_unknown_issuers() {
    let authority = Authority::new();
    let strange = [
        Authority::named("somebody else").issue(&[DOMAIN]),
        // An authority made anew under its old name.
        Authority::new().issue(&[DOMAIN]),
        self_signed(&[DOMAIN], false),
        self_signed(&[DOMAIN], true),
    ];
    for pair in strange {
        let failed = cause_with(&pair, &authority).await;
        assert_eq!(
            failed.failure.cause,
            HandshakeCause::ServerCertificateUnknownIssuer
        );
        assert!(failed.chain[0].speaks_for(DOMAIN));
    }
}

#[async_std::test]
async fn a_self_signed_certificate_that_is_an_anchor_is_trusted_for_its_names_alone() {
    for authority in [false, true] {
        let pair = self_signed(&[DOMAIN], authority);
        let anchors = TrustAnchors::from_pem(pair.chain.as_bytes()).unwrap();
        let connector = Connector::new(anchors).unwrap();
        let to = Tls::default().serve(&pair, |stream| sip(stream, "200 OK"));
        connector.connect(DOMAIN, to).await.unwrap();
        let failed = connector.connect("other.example", to).await.unwrap_err();
        assert_eq!(
            failed.failure.cause,
            HandshakeCause::ServerCertificateWrongIdentity
        );
    }
}

#[async_std::test]
async fn an_anchor_that_is_shown_as_a_certificate_must_be_in_its_time() {
    let day = Duration::from_secs(86_400);
    for (from, until, cause) in [
        (-2, -1, HandshakeCause::ServerCertificateExpired),
        (1, 2, HandshakeCause::ServerCertificateNotYetValid),
    ] {
        let at = |days: i32| match days < 0 {
            true => SystemTime::now() - day * days.unsigned_abs(),
            false => SystemTime::now() + day * days.unsigned_abs(),
        };
        let pair = self_signed_with(&[DOMAIN], |params| {
            params.not_before = at(from).into();
            params.not_after = at(until).into();
        });
        let anchors = TrustAnchors::from_pem(pair.chain.as_bytes()).unwrap();
        let connector = Connector::new(anchors).unwrap();
        let to = Tls::default().serve(&pair, |stream| sip(stream, "200 OK"));
        let failed = connector.connect(DOMAIN, to).await.unwrap_err();
        assert_eq!(failed.failure.cause, cause);
    }
}

#[async_std::test]
async fn the_domain_is_matched_as_sip_rules_and_not_as_browsers_do() {
    let authority = Authority::new();
    let wrong = [
        (vec!["other.example"], false),
        // RFC 5922 section 7.2: no wildcard.
        (vec!["*.example.com"], true),
        // RFC 5922 section 7.1: a SIP URI goes before every DNS name.
        (vec!["sip:example.net", DOMAIN], true),
    ];
    for (names, browser) in wrong {
        let failed = cause_with(&authority.issue(&names), &authority).await;
        assert_eq!(
            failed.failure.cause,
            HandshakeCause::ServerCertificateWrongIdentity
        );
        assert_eq!(
            failed.chain[0].would_serve_https(DOMAIN),
            browser,
            "{names:?}"
        );
    }
    for names in [vec!["sip:sip.example.com"], vec!["SIP.example.COM"]] {
        let to = Tls::default().serve(&authority.issue(&names), |stream| sip(stream, "200 OK"));
        connect(&authority, to).await.unwrap();
    }
}

#[async_std::test]
async fn an_address_is_matched_by_the_address_in_the_certificate() {
    let authority = Authority::new();
    let connector = Connector::new(authority.anchors()).unwrap();
    let to = Tls::default().serve(&authority.issue(&["127.0.0.1"]), |stream| {
        sip(stream, "200 OK");
    });
    let connected = connector.connect("127.0.0.1", to).await.unwrap();
    assert_eq!(connected.tls().sni, None);
    let failed = connector.connect("[::1]", to).await.unwrap_err();
    assert_eq!(
        failed.failure.cause,
        HandshakeCause::ServerCertificateWrongIdentity
    );
}

#[async_std::test]
async fn a_name_that_is_none_is_never_dialled() {
    let connector = Connector::new(Authority::new().anchors()).unwrap();
    let failed = connector.connect("not a name", nobody()).await.unwrap_err();
    assert_eq!(failed.failure.cause, HandshakeCause::DnsNotFound);
    assert_eq!(failed.failure.phase, Phase::Resolve);
}

#[async_std::test]
async fn a_refused_port_is_connect_refused() {
    let failed = connect(&Authority::new(), nobody()).await.unwrap_err();
    assert_eq!(failed.failure.cause, HandshakeCause::ConnectRefused);
    assert_eq!(failed.failure.phase, Phase::Connect);
}

#[async_std::test]
async fn a_silent_port_and_a_port_that_falls_silent_are_told_apart() {
    let connector = Connector::new(Authority::new().anchors())
        .unwrap()
        .with_deadline(Duration::from_millis(200));
    let failed = connector.connect(DOMAIN, silent()).await.unwrap_err();
    assert_eq!(failed.failure.cause, HandshakeCause::TimeoutSilent);
    assert!(failed.elapsed >= Duration::from_millis(200));

    let keep = std::sync::Mutex::new(Vec::new());
    let half = tcp(move |mut socket| {
        let _ = socket.write_all(&[22, 3, 3, 0, 100, 2]);
        keep.lock().unwrap().push(socket);
    });
    let failed = connector.connect(DOMAIN, half).await.unwrap_err();
    assert_eq!(failed.failure.cause, HandshakeCause::TimeoutStalled);
    assert_eq!(failed.failure.phase, Phase::Hello);
}

#[async_std::test]
async fn plaintext_is_named() {
    let sip = Plaintext::Sip {
        method: "SIP/2.0".into(),
    };
    let answers = [
        ("SIP/2.0 400 Bad Request\r\n\r\n", sip),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", Plaintext::Http),
        ("220 mail.example.com ESMTP\r\n", Plaintext::Other),
    ];
    for (answer, expected) in answers {
        let failed = connect(&Authority::new(), plaintext(answer))
            .await
            .unwrap_err();
        assert_eq!(failed.failure.cause, HandshakeCause::Plaintext(expected));
        let first = failed.failure.evidence.first_bytes.unwrap();
        assert!(
            answer.starts_with(first.split('\\').next().unwrap()),
            "{first}"
        );
    }
}

#[async_std::test]
async fn a_server_that_hangs_up_is_peer_closed() {
    let failed = connect(&Authority::new(), tcp(part)).await.unwrap_err();
    assert_eq!(failed.failure.cause, HandshakeCause::PeerClosed);
    assert_eq!(failed.failure.phase, Phase::Hello);
}

#[async_std::test]
async fn versions_that_do_not_meet_are_a_version_mismatch() {
    let authority = Authority::new();
    let pair = authority.issue(&[DOMAIN]);
    for (theirs, ours) in [(&TLS12, TlsVersions::Tls13), (&TLS13, TlsVersions::Tls12)] {
        let to = Tls::only(theirs).serve(&pair, |_| ());
        let connector = Connector::new(authority.anchors())
            .unwrap()
            .with_versions(ours);
        let failed = connector.connect(DOMAIN, to).await.unwrap_err();
        assert_eq!(failed.failure.cause, HandshakeCause::VersionMismatch);
        let alert = failed.failure.evidence.alert.unwrap();
        assert_eq!(
            (alert.direction.name(), &*alert.name),
            ("in", "protocol_version")
        );
    }
}

#[async_std::test]
async fn a_demanded_certificate_that_we_lack_is_seen_in_both_versions() {
    let authority = Authority::new();
    let pair = authority.issue(&[DOMAIN]);
    for (version, alert) in [
        (&TLS13, "certificate_required"),
        (&TLS12, "handshake_failure"),
    ] {
        let to = Tls::only(version)
            .demanding(&authority)
            .serve(&pair, |_| ());
        let failed = match connect(&authority, to).await {
            Err(failed) => failed,
            Ok(connected) => {
                let (connected, read) = ask(connected).await;
                connected.failure(&read.unwrap_err())
            }
        };
        assert_eq!(failed.failure.cause, HandshakeCause::RejectedByPeer);
        assert_eq!(failed.failure.phase, Phase::ClientAuth);
        assert!(failed.asked_for_certificate);
        let seen = failed.failure.evidence.alert.unwrap();
        // rustls says certificate_required under TLS 1.2 too.
        assert!(
            [alert, "certificate_required"].contains(&&*seen.name),
            "{seen:?}"
        );
    }
}

#[async_std::test]
async fn our_certificate_is_shown_and_judged() {
    let authority = Authority::new();
    let pair = authority.issue(&[DOMAIN]);
    let ours = authority.issue(&["phone.example.com"]);
    for version in [&TLS13, &TLS12] {
        let to = Tls::only(version)
            .demanding(&authority)
            .serve(&pair, |stream| sip(stream, "200 OK"));
        let connector = Connector::new(authority.anchors()).unwrap();
        let known = connector
            .clone()
            .with_identity(ours.chain.as_bytes(), ours.key.as_bytes())
            .unwrap();
        let (_, read) = ask(known.connect(DOMAIN, to).await.unwrap()).await;
        assert_eq!(read.unwrap(), 2);

        let stranger = Authority::named("somebody else").issue(&["phone.example.com"]);
        let unknown = connector
            .with_identity(stranger.chain.as_bytes(), stranger.key.as_bytes())
            .unwrap();
        let failed = match unknown.connect(DOMAIN, to).await {
            Err(failed) => failed,
            Ok(connected) => {
                let (connected, read) = ask(connected).await;
                connected.failure(&read.unwrap_err())
            }
        };
        assert_eq!(failed.failure.cause, HandshakeCause::RejectedByPeer);
        assert_eq!(failed.failure.phase, Phase::ClientAuth);
        assert_eq!(failed.failure.evidence.alert.unwrap().name, "unknown_ca");
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_found_out_before_any_server_does() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(&["a"]), authority.issue(&["b"]));
    let connector = Connector::new(authority.anchors()).unwrap();
    let mixed = connector.with_identity(one.chain.as_bytes(), other.key.as_bytes());
    assert!(matches!(mixed, Err(sipward::PolicyError::KeyMismatch)));
}

#[test]
fn an_anchor_that_is_none_is_refused() {
    let bad = Connector::new(TrustAnchors::from_der([b"junk".to_vec()]));
    assert!(matches!(bad, Err(sipward::PolicyError::BadTrustAnchor(_))));
    assert!(Certificate::from_der(b"junk").is_err());
}

/// RFC 8446 section 6.2: who rejects a certificate says so.
#[async_std::test]
async fn a_server_whose_certificate_we_reject_is_told_by_an_alert() {
    let authority = Authority::new();
    let (observed, alerts) = std::sync::mpsc::channel();
    for version in [&TLS13, &TLS12] {
        let pair = authority.expired(&[DOMAIN]);
        let observed = observed.clone();
        let to = Tls::only(version).watch(&pair, move |error| {
            let _ = observed.send(error.to_string());
        });
        connect(&authority, to).await.unwrap_err();
        let error = alerts.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(error.contains("CertificateExpired"), "{error}");
    }
}
