//! Tests of handshakes that ended without an error of TLS: by the socket, the deadline, or a
//! cancellation.

use super::*;

fn of_kind(kind: io::ErrorKind, facts: &Facts) -> HandshakeCause {
    cause(HandshakeEnd::Failed(&kind.into()), facts)
}

#[test]
fn a_peer_that_goes_away_is_told_by_what_it_had_seen_and_sent() {
    use io::ErrorKind as Kind;
    let resets = [
        Kind::ConnectionReset,
        Kind::ConnectionAborted,
        Kind::BrokenPipe,
        Kind::NotConnected,
    ];
    let kinds = resets.map(|kind| (kind, HandshakeCause::PeerReset));
    for (kind, how) in kinds
        .into_iter()
        .chain([(Kind::UnexpectedEof, HandshakeCause::PeerClosed)])
    {
        let facts = negotiating();
        assert_eq!(of_kind(kind, &facts), how);
        let accepted = Facts {
            certificate: CertificateProgress::Accepted,
            ..facts.clone()
        };
        assert_eq!(of_kind(kind, &accepted), how);
        let shown = Facts {
            certificate: CertificateProgress::Sent,
            ..facts.clone()
        };
        assert_eq!(
            of_kind(kind, &shown),
            HandshakeCause::PeerLeftAfterCertificate
        );
        let alerted = Facts {
            alert: in_clear(true, 42),
            ..shown.clone()
        };
        assert_eq!(of_kind(kind, &alerted), HandshakeCause::RejectedByPeer);
        let warned = Facts {
            alert: in_clear(false, 0),
            ..facts.clone()
        };
        assert_eq!(of_kind(kind, &warned), how);
        let nothing = Facts {
            bytes_in: 0,
            ..facts.clone()
        };
        assert_eq!(of_kind(kind, &nothing), HandshakeCause::Probe);
        let no_answer = Facts {
            bytes_in: 0,
            ..outbound()
        };
        assert_eq!(of_kind(kind, &no_answer), how, "no server probes us");
        let plain = Facts {
            plaintext: Some(Plaintext::Http),
            ..facts.clone()
        };
        assert_eq!(
            of_kind(kind, &plain),
            HandshakeCause::Plaintext(Plaintext::Http)
        );
        let ancient = Facts {
            sslv2: true,
            ..facts
        };
        assert_eq!(of_kind(kind, &ancient), HandshakeCause::VersionMismatch);
    }
}

#[test]
fn errors_of_the_network_keep_their_kind() {
    use io::ErrorKind as Kind;
    for kind in [
        Kind::TimedOut,
        Kind::HostUnreachable,
        Kind::NetworkUnreachable,
        Kind::NetworkDown,
        Kind::PermissionDenied,
        Kind::WriteZero,
        Kind::OutOfMemory,
    ] {
        assert_eq!(of_kind(kind, &negotiating()), HandshakeCause::Io(kind));
    }
    assert_eq!(
        of_kind(Kind::InvalidData, &negotiating()),
        HandshakeCause::Malformed,
        "rustls refuses to hold more of an unfinished message"
    );
    assert!(matches!(
        of_kind(Kind::Other, &negotiating()),
        HandshakeCause::Internal(_)
    ));
}

#[test]
fn the_deadline_tells_silence_stalling_and_what_never_was_tls_apart() {
    let at = |facts: &Facts| cause(HandshakeEnd::Deadline, facts);
    let silent = Facts {
        bytes_in: 0,
        ..negotiating()
    };
    assert_eq!(at(&silent), HandshakeCause::TimeoutSilent);
    assert_eq!(at(&negotiating()), HandshakeCause::TimeoutStalled);
    let plain = Facts {
        plaintext: Some(Plaintext::Other),
        ..negotiating()
    };
    let plaintext = HandshakeCause::Plaintext(Plaintext::Other);
    assert_eq!(at(&plain), plaintext);
    for by in [
        Cancelled::Drain,
        Cancelled::Operator,
        Cancelled::SupervisorGone,
    ] {
        let cancelled = cause(HandshakeEnd::Cancelled(by), &plain);
        assert_eq!(cancelled, HandshakeCause::Cancelled(by));
    }
}

#[test]
fn the_phase_is_that_of_what_was_missing() {
    let stalled = HandshakeCause::TimeoutStalled;
    let half_a_hello = Facts {
        hello_complete: false,
        expected_message: ExpectedMessage::RestOfClientHello,
        ..negotiating()
    };
    assert_eq!(phase(&stalled, &half_a_hello), Phase::Hello);
    assert_eq!(phase(&stalled, &negotiating()), Phase::Negotiation);
    let authentication = Facts {
        expected_message: ExpectedMessage::ClientCertificate,
        ..negotiating()
    };
    assert_eq!(phase(&stalled, &authentication), Phase::ClientAuth);
    let cancelled = HandshakeCause::Cancelled(Cancelled::Drain);
    assert_eq!(phase(&cancelled, &authentication), Phase::ClientAuth);
    // The peer checked our certificate before it sent its own.
    let rejected = HandshakeCause::RejectedByPeer;
    assert_eq!(phase(&rejected, &authentication), Phase::Negotiation);
    let left = HandshakeCause::PeerLeftAfterCertificate;
    assert_eq!(phase(&left, &authentication), Phase::Negotiation);
}
