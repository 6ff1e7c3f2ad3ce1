//! A TLS policy that cannot work is an error of the start, by name, and nothing listens; one that
//! can does what it says.

use async_std::task::block_on;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use sipward::{
    ClientAuth, HandshakeCause, PolicyError, StartError, Supervisor, TlsPolicy, TlsVersions,
    TrustAnchors,
};
use sipward_tests::peer::{
    Authority, Bed, Phone, bed_under, closed, echo, failed, in_time, ready, request,
};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Starts with this policy on a listener of ours: the error, after which nobody listens.
fn refused(policy: TlsPolicy) -> PolicyError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let started = block_on(Supervisor::builder(policy).listen_on(listener).start());
    let Err(StartError::Tls(error)) = started else {
        panic!("started, or failed otherwise: {started:?}");
    };
    assert!(TcpStream::connect(address).is_err());
    error
}

fn pem(text: &str) -> &[u8] {
    text.as_bytes()
}

#[test]
fn a_key_of_another_certificate_is_found_out_before_anybody_connects() {
    let authority = Authority::new();
    let (chain, _) = authority.issue(&["localhost"]);
    let (_, key) = authority.issue(&["localhost"]);
    let policy = TlsPolicy::from_pem(pem(&chain), pem(&key)).unwrap();
    for versions in [
        TlsVersions::Tls12And13,
        TlsVersions::Tls12,
        TlsVersions::Tls13,
    ] {
        let error = refused(policy.clone().with_versions(versions));
        assert!(matches!(error, PolicyError::KeyMismatch), "{error:?}");
    }
}

#[test]
fn a_key_of_another_named_certificate_is_found_out_as_well() {
    let authority = Authority::new();
    let (chain, _) = authority.issue(&["phones.example"]);
    let (_, key) = authority.issue(&["phones.example"]);
    let policy = authority
        .policy()
        .with_identity("phones.example", pem(&chain), pem(&key));
    let error = refused(policy.unwrap());
    assert!(matches!(error, PolicyError::KeyMismatch), "{error:?}");
}

#[test]
fn what_is_no_pem_is_an_error_that_says_what_is_missing() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    let of = |chain: &str, key: &str| TlsPolicy::from_pem(pem(chain), pem(key)).unwrap_err();
    assert!(matches!(of("garbage", &key), PolicyError::NoCertificate(_)));
    assert!(matches!(of("", &key), PolicyError::NoCertificate(_)));
    assert!(matches!(of(&key, &key), PolicyError::NoCertificate(_)));
    assert!(matches!(of(&chain, "garbage"), PolicyError::NoKey(_)));
    assert!(matches!(of(&chain, &chain), PolicyError::NoKey(_)));
    let cut = chain.replace("-----END CERTIFICATE-----", "");
    assert!(matches!(of(&cut, &key), PolicyError::NoCertificate(_)));
    let none = TrustAnchors::from_pem(b"garbage").unwrap_err();
    assert!(matches!(none, PolicyError::NoCertificate(_)));
    let missing = TlsPolicy::from_pem_files("/does/not/exist.crt", "/does/not/exist.key");
    let Err(PolicyError::Unreadable { path, .. }) = missing else {
        panic!("read a file that is not there");
    };
    assert_eq!(path.to_str(), Some("/does/not/exist.crt"));
}

#[test]
fn a_certificate_that_is_pem_around_garbage_is_found_out() {
    let authority = Authority::new();
    let (_, key) = authority.issue(&["localhost"]);
    let chain = "-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n";
    let policy = TlsPolicy::from_pem(pem(chain), pem(&key)).unwrap();
    let error = refused(policy);
    assert!(matches!(error, PolicyError::Unusable(_)), "{error:?}");
    let anchors = TrustAnchors::from_pem(pem(chain)).unwrap();
    let policy = authority
        .policy()
        .with_client_auth(ClientAuth::Required(anchors));
    let error = refused(policy);
    assert!(matches!(error, PolicyError::BadTrustAnchor(_)), "{error:?}");
}

#[test]
fn a_revocation_list_that_cannot_be_read_is_found_out() {
    let authority = Authority::new();
    let anchors = || TrustAnchors::from_pem(pem(&authority.certificate.pem())).unwrap();
    let error = anchors().with_revocation_list(b"garbage").unwrap_err();
    assert!(matches!(error, PolicyError::BadRevocationList(_)));
    let garbage = b"-----BEGIN X509 CRL-----\nZ2FyYmFnZQ==\n-----END X509 CRL-----\n";
    let anchors = anchors().with_revocation_list(garbage).unwrap();
    let policy = authority
        .policy()
        .with_client_auth(ClientAuth::Required(anchors));
    let error = refused(policy);
    assert!(
        matches!(error, PolicyError::BadRevocationList(_)),
        "{error:?}"
    );
}

#[test]
fn a_name_that_no_peer_can_ask_for_is_refused() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["phones.example"]);
    for name in ["192.0.2.1", "*.phones.example", "", "with space"] {
        let policy = authority
            .policy()
            .with_identity(name, pem(&chain), pem(&key));
        let error = refused(policy.unwrap());
        assert!(matches!(&error, PolicyError::BadServerName(given) if given == name));
    }
}

/// A policy that has an identity for phones.example as well.
fn named(authority: &Authority) -> TlsPolicy {
    let (chain, key) = authority.issue(&["phones.example"]);
    let policy = authority.policy();
    policy
        .with_identity("Phones.Example", pem(&chain), pem(&key))
        .unwrap()
}

#[test]
fn peers_are_shown_the_identity_they_ask_for() {
    block_on(async {
        let bed = bed_under(named, echo(), |builder| builder).await;
        let client = bed.authority.client();
        // The client checks the name it asked for against the certificate it is shown.
        let _phones = Phone::ask_for("phones.example", bed.address(), client.clone()).unwrap();
        let asked = ready(&bed.events).await.tls.sni.clone();
        assert_eq!(asked.as_deref(), Some("phones.example"));
        let _default = Phone::ask_for("localhost", bed.address(), client.clone()).unwrap();
        ready(&bed.events).await;
        // An address is no server name; the first identity has it.
        let _unnamed = Phone::ask_for("127.0.0.1", bed.address(), client.clone()).unwrap();
        assert_eq!(ready(&bed.events).await.tls.sni, None);
        let wrong = Phone::ask_for("other.example", bed.address(), client);
        assert!(wrong.is_err());
    });
}

#[test]
fn strict_names_turn_away_whoever_asks_for_another_or_for_none() {
    block_on(async {
        let policy = |authority: &Authority| named(authority).with_strict_server_names();
        let bed = bed_under(policy, echo(), |builder| builder).await;
        let client = bed.authority.client();
        for name in ["localhost", "127.0.0.1"] {
            assert!(Phone::ask_for(name, bed.address(), client.clone()).is_err());
            let failure = failed(&bed.events).await;
            assert_eq!(failure.failure.cause, HandshakeCause::UnknownServerName);
        }
        let _phones = Phone::ask_for("phones.example", bed.address(), client).unwrap();
        ready(&bed.events).await;
    });
}

fn speaking(bed: &Bed, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let config = ClientConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(bed.authority.roots())
        .with_no_client_auth();
    Arc::new(config)
}

#[test]
fn only_the_versions_chosen_are_spoken() {
    block_on(async {
        for (chosen, spoken, other, name) in [
            (TlsVersions::Tls12, &TLS12, &TLS13, "TLSv1.2"),
            (TlsVersions::Tls13, &TLS13, &TLS12, "TLSv1.3"),
        ] {
            let policy = |authority: &Authority| authority.policy().with_versions(chosen);
            let bed = bed_under(policy, echo(), |builder| builder).await;
            assert!(Phone::connect(bed.address(), speaking(&bed, &[other])).is_err());
            let failure = failed(&bed.events).await;
            assert_eq!(failure.failure.cause, HandshakeCause::VersionMismatch);
            assert_eq!(failure.failure.evidence.offered_versions.len(), 1);
            let _phone = Phone::connect(bed.address(), speaking(&bed, &[spoken])).unwrap();
            assert_eq!(ready(&bed.events).await.tls.version, name);
            let _both = Phone::connect(bed.address(), speaking(&bed, &[&TLS12, &TLS13])).unwrap();
            assert_eq!(ready(&bed.events).await.tls.version, name);
        }
    });
}

/// A whole conversation: tickets come with its answer.
async fn converse(bed: &Bed, config: &Arc<ClientConfig>) -> bool {
    let mut phone = Phone::connect(bed.address(), config.clone()).unwrap();
    phone.send(request("OPTIONS", ""));
    phone.expect(request("OPTIONS", ""));
    phone.hang_up();
    phone.rest();
    drop(phone);
    let resumed = ready(&bed.events).await.tls.resumed;
    closed(&bed.events).await;
    resumed
}

#[test]
fn a_resumed_session_is_reported_as_one_in_both_versions() {
    block_on(async {
        let bed = bed_under(Authority::policy, echo(), |builder| builder).await;
        for version in [&TLS12, &TLS13] {
            let config = speaking(&bed, &[version]);
            assert!(!converse(&bed, &config).await, "{version:?}");
            assert!(converse(&bed, &config).await, "{version:?}");
        }
        let report = in_time(bed.handle.shutdown(Duration::ZERO)).await;
        assert_eq!(report.inbound.closed, 4);
    });
}

#[test]
fn without_tickets_nothing_is_resumed() {
    block_on(async {
        let policy = |authority: &Authority| authority.policy().with_session_tickets(0);
        let bed = bed_under(policy, echo(), |builder| builder).await;
        for version in [&TLS12, &TLS13] {
            let config = speaking(&bed, &[version]);
            for _ in 0..2 {
                assert!(!converse(&bed, &config).await, "{version:?}");
            }
        }
    });
}

#[test]
fn a_session_with_a_client_certificate_is_never_resumed() {
    block_on(async {
        let policy = |authority: &Authority| {
            let anchors = TrustAnchors::from_pem(pem(&authority.certificate.pem())).unwrap();
            authority
                .policy()
                .with_client_auth(ClientAuth::Required(anchors))
        };
        let bed = bed_under(policy, echo(), |builder| builder).await;
        let config = bed.authority.client_named(&["example.com"]);
        for _ in 0..2 {
            assert!(!converse(&bed, &config).await);
        }
    });
}
