//! Peers that must show a certificate: what it says is known from `Ready` on, sessions can be
//! closed by the domain it speaks for, and each way of failing has its own cause.

use async_std::task::block_on;
use sipward::control::{CloseReason, SessionFilter, Target};
use sipward::{
    ClientAuth, CloseCause, HandshakeCause, Phase, TlsPolicy, TlsVersions, TrustAnchors,
};
use sipward_tests::peer::{
    Authority, Bed, Phone, bed_under, closed, echo, failed, in_time, ready, request,
};
use std::time::Duration;

fn anchors(authority: &Authority) -> TrustAnchors {
    TrustAnchors::from_pem(authority.certificate.pem().as_bytes()).unwrap()
}

fn required(authority: &Authority) -> TlsPolicy {
    let anchors = anchors(authority);
    authority
        .policy()
        .with_client_auth(ClientAuth::Required(anchors))
}

async fn strict() -> Bed {
    bed_under(required, echo(), |builder| builder).await
}

#[test]
fn the_certificate_is_part_of_what_was_agreed() {
    block_on(async {
        let bed = strict().await;
        let config = bed
            .authority
            .client_named(&["Example.com", "pbx.example.com"]);
        let mut phone = Phone::connect(bed.address(), config).unwrap();
        let agreed = ready(&bed.events).await;
        let certificate = agreed.tls.client_certificate.as_ref().unwrap();
        assert_eq!(certificate.dns_names, ["example.com", "pbx.example.com"]);
        assert!(certificate.issuer.contains("test authority"));
        assert_eq!(certificate.fingerprint.len(), 64);
        assert!(!agreed.tls.resumed);
        phone.send(request("OPTIONS", ""));
        phone.expect(request("OPTIONS", ""));
    });
}

#[test]
fn sessions_are_found_and_closed_by_the_domain_they_speak_for() {
    block_on(async {
        let bed = strict().await;
        let phone = |domain: &str| {
            let config = bed.authority.client_named(&[domain]);
            Phone::connect(bed.address(), config).unwrap()
        };
        let mut ours = [phone("example.com"), phone("example.com")];
        let mut theirs = phone("example.org");
        for _ in 0..3 {
            ready(&bed.events).await;
        }
        let filter = SessionFilter::default().with_identity("EXAMPLE.com");
        let page = bed.handle.sessions(filter, None, 0).await.unwrap();
        assert_eq!(page.total, 2);

        let target = Target::Identity("example.com".to_owned());
        let reason = CloseReason::CertificateRevoked;
        let told = bed.handle.close(target, reason, Duration::ZERO).await;
        assert_eq!(told, Ok(2));
        for phone in &mut ours {
            assert_eq!(phone.rest(), (Vec::new(), true));
        }
        drop(ours);
        for _ in 0..2 {
            let cause = &closed(&bed.events).await.cause;
            assert_eq!(*cause, CloseCause::CertificateRevoked);
        }
        theirs.send(request("OPTIONS", ""));
        theirs.expect(request("OPTIONS", ""));
    });
}

#[test]
fn a_missing_certificate_is_missed_in_both_versions() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        block_on(async {
            let policy = |authority: &Authority| required(authority).with_versions(versions);
            let bed = bed_under(policy, echo(), |builder| builder).await;
            let refused = Phone::connect(bed.address(), bed.authority.client());
            // Under TLS 1.3 a client believes it is done before it has been judged.
            let told = refused.and_then(|mut phone| {
                let mut byte = [0];
                std::io::Read::read(&mut phone.stream, &mut byte)
            });
            let told = told.unwrap_err().to_string();
            assert!(told.contains("alert"), "{told}");
            let failure = failed(&bed.events).await;
            assert_eq!(
                failure.failure.cause,
                HandshakeCause::ClientCertificateMissing
            );
            assert_eq!(failure.failure.phase, Phase::ClientAuth);
        });
    }
}

#[test]
fn a_stranger_s_certificate_is_shown_as_evidence() {
    block_on(async {
        let bed = strict().await;
        // Signed by somebody we do not trust; it trusts us all the same.
        let stranger = Authority::named("another authority");
        let config = stranger.client_named_trusting(&["example.com"], &bed.authority);
        drop(Phone::connect(bed.address(), config));
        let failure = failed(&bed.events).await;
        assert_eq!(
            failure.failure.cause,
            HandshakeCause::ClientCertificateUnknownIssuer
        );
        assert_eq!(failure.failure.phase, Phase::ClientAuth);
        let shown = failure
            .failure
            .evidence
            .client_certificate
            .as_ref()
            .unwrap();
        assert_eq!(shown.dns_names, ["example.com"]);
    });
}

#[test]
fn an_optional_certificate_may_be_left_out_but_not_be_wrong() {
    block_on(async {
        let policy = |authority: &Authority| {
            let anchors = anchors(authority);
            authority
                .policy()
                .with_client_auth(ClientAuth::Optional(anchors))
        };
        let bed = bed_under(policy, echo(), |builder| builder).await;
        let _without = bed.phone();
        assert_eq!(ready(&bed.events).await.tls.client_certificate, None);
        let config = bed.authority.client_named(&["example.com"]);
        let _with = Phone::connect(bed.address(), config).unwrap();
        assert!(ready(&bed.events).await.tls.client_certificate.is_some());
        let stranger = Authority::named("another authority");
        let config = stranger.client_named_trusting(&["example.com"], &bed.authority);
        drop(Phone::connect(bed.address(), config));
        let cause = &failed(&bed.events).await.failure.cause;
        assert_eq!(*cause, HandshakeCause::ClientCertificateUnknownIssuer);
        let report = in_time(bed.handle.shutdown(Duration::ZERO)).await;
        assert!(report.inbound.balanced());
    });
}

#[test]
fn each_connection_has_its_own_certificate_and_nobody_else_s() {
    block_on(async {
        let bed = strict().await;
        for round in 0..5 {
            let domain = format!("d{round}.example");
            let config = bed.authority.client_named(&[&domain]);
            let _phone = Phone::connect(bed.address(), config).unwrap();
            let agreed = ready(&bed.events).await;
            let certificate = agreed.tls.client_certificate.as_ref().unwrap();
            assert!(certificate.speaks_for(&domain));
            drop(Phone::connect(bed.address(), bed.authority.client()));
            assert_eq!(
                failed(&bed.events)
                    .await
                    .failure
                    .evidence
                    .client_certificate,
                None
            );
        }
    });
}
