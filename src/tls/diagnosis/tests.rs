//! One row for each way a handshake can end. rustls' enums are open, so the rows are complete for
//! exactly one version of it; the first test fails when that changes.

use super::*;
use rustls::internal::msgs::handshake::KeyExchangeAlgorithm;
use rustls::{CertRevocationListError, ContentType, HandshakeType, InvalidMessage, PeerMisbehaved};
use std::sync::Arc;

mod endings;
mod misbehaved;

#[test]
fn the_rows_are_those_of_the_rustls_that_is_used() {
    let lock = include_str!("../../../Cargo.lock").replace("\r\n", "\n");
    let named = lock.matches("name = \"rustls\"\n").count();
    assert_eq!(named, 1, "one rustls, or the rows are about another");
    assert!(
        lock.contains("name = \"rustls\"\nversion = \"0.21.12\"\n"),
        "rustls has moved: go through its Error, InvalidMessage, PeerMisbehaved, PeerIncompatible, \
         CertificateError and AlertDescription for new variants, map and test them, then this line"
    );
}

/// A TLS 1.3 client whose hello is all there and who has not seen our certificate.
fn negotiating() -> Facts {
    Facts {
        direction: Direction::Inbound,
        bytes_in: 300,
        plaintext: None,
        sslv2: false,
        hello_complete: true,
        offered_versions: vec![0x0304, 0x0303],
        server_name_defect: None,
        certificate: CertificateProgress::Unsent,
        alert: None,
        self_issued: false,
        expected_message: ExpectedMessage::ClientFinished,
    }
}

fn outbound() -> Facts {
    Facts {
        direction: Direction::Outbound,
        ..negotiating()
    }
}

fn in_clear(fatal: bool, code: u8) -> Option<PlainAlert> {
    Some(PlainAlert { fatal, code })
}

#[track_caller]
fn of_error(error: Error, facts: &Facts) -> HandshakeCause {
    let error = io::Error::new(io::ErrorKind::InvalidData, error);
    cause(HandshakeEnd::Failed(&error), facts)
}

fn other(text: &'static str) -> CertificateError {
    CertificateError::Other(Arc::new(io::Error::other(text)))
}

#[test]
fn each_error_of_tls_has_its_cause() {
    use HandshakeCause as Cause;
    let rows = [
        (
            Error::InappropriateMessage {
                expect_types: vec![ContentType::Handshake],
                got_type: ContentType::ApplicationData,
            },
            Cause::Misbehaved,
        ),
        (
            Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::ClientHello],
                got_type: HandshakeType::Finished,
            },
            Cause::Misbehaved,
        ),
        (
            Error::NoCertificatesPresented,
            Cause::ClientCertificateMissing,
        ),
        (Error::UnsupportedNameType, Cause::Malformed),
        (Error::DecryptError, Cause::Crypto),
        (Error::PeerSentOversizedRecord, Cause::Malformed),
        (Error::NoApplicationProtocol, Cause::AlpnMismatch),
        (
            Error::General("no server certificate chain resolved".into()),
            Cause::UnknownServerName,
        ),
    ];
    for (error, expected) in rows {
        assert_eq!(of_error(error.clone(), &negotiating()), expected, "{error}");
    }
}

#[test]
fn an_error_nobody_has_mapped_is_ours_and_loud() {
    let defects = [
        Error::EncryptError,
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::BadMaxFragmentSize,
        Error::General("incompatible signing key".into()),
        Error::InvalidCertRevocationList(CertRevocationListError::ParseError),
        PeerIncompatible::Tls13RequiredForQuic.into(),
    ];
    for error in defects {
        let cause = of_error(error.clone(), &negotiating());
        assert_eq!(cause, HandshakeCause::Internal(error.to_string()));
        assert_eq!(cause.level(), log::Level::Error);
    }
}

#[test]
fn what_cannot_be_read_is_malformed_unless_it_never_was_tls() {
    let messages = [
        InvalidMessage::HandshakePayloadTooLarge,
        InvalidMessage::InvalidCcs,
        InvalidMessage::InvalidContentType,
        InvalidMessage::InvalidCertificateStatusType,
        InvalidMessage::InvalidCertRequest,
        InvalidMessage::InvalidDhParams,
        InvalidMessage::InvalidEmptyPayload,
        InvalidMessage::InvalidKeyUpdate,
        InvalidMessage::MessageTooLarge,
        InvalidMessage::MessageTooShort,
        InvalidMessage::MissingData("Random"),
        InvalidMessage::MissingKeyExchange,
        InvalidMessage::NoSignatureSchemes,
        InvalidMessage::TrailingData("ClientHello"),
        InvalidMessage::UnexpectedMessage("KeyUpdate"),
        InvalidMessage::UnknownProtocolVersion,
        InvalidMessage::UnsupportedCompression,
        InvalidMessage::UnsupportedCurveType,
        InvalidMessage::UnsupportedKeyExchangeAlgorithm(KeyExchangeAlgorithm::DHE),
    ];
    let sip = Plaintext::Sip {
        method: "OPTIONS".to_owned(),
    };
    let plain = Facts {
        plaintext: Some(sip.clone()),
        ..negotiating()
    };
    let ancient = Facts {
        sslv2: true,
        ..negotiating()
    };
    for message in messages {
        let error = || Error::from(message);
        assert_eq!(of_error(error(), &negotiating()), HandshakeCause::Malformed);
        let plaintext = HandshakeCause::Plaintext(sip.clone());
        assert_eq!(of_error(error(), &plain), plaintext);
        assert_eq!(
            of_error(error(), &ancient),
            HandshakeCause::VersionMismatch,
            "a hello of SSL 2.0 is a hello, and too old"
        );
    }
}

#[test]
fn a_server_name_that_is_no_host_name_has_a_cause_of_its_own() {
    use ServerNameDefect as Defect;
    let naming = |server_name_defect| Facts {
        server_name_defect,
        ..negotiating()
    };
    let name = || Error::from(InvalidMessage::InvalidServerName);
    let none = || Error::from(PeerMisbehaved::ServerNameMustContainOneHostName);
    let two = || Error::from(PeerMisbehaved::DuplicateServerNameTypes);
    let short = || Error::from(InvalidMessage::MissingData("u8"));
    let rows = [
        (name(), Some(Defect::Port), Some(Defect::Port)),
        (name(), None, Some(Defect::Other)),
        (none(), Some(Defect::Missing), Some(Defect::Missing)),
        (two(), Some(Defect::Several), Some(Defect::Several)),
        (short(), Some(Defect::Missing), Some(Defect::Missing)),
        (short(), Some(Defect::Port), None),
    ];
    for (error, seen, expected) in rows {
        let expected =
            expected.map_or(HandshakeCause::Malformed, HandshakeCause::InvalidServerName);
        assert_eq!(of_error(error, &naming(seen)), expected);
    }
}

#[test]
fn each_breach_of_the_protocol_is_misbehaved_unless_an_alert_says_more() {
    let rejecting = Facts {
        alert: in_clear(true, 48),
        ..negotiating()
    };
    let warned = Facts {
        alert: in_clear(false, 0),
        ..negotiating()
    };
    for breach in misbehaved::ALL {
        let error = Error::from(breach);
        let seen = |facts: &Facts| of_error(error.clone(), facts);
        assert_eq!(seen(&negotiating()), HandshakeCause::Misbehaved);
        assert_eq!(seen(&warned), HandshakeCause::Misbehaved);
        assert_eq!(seen(&rejecting), HandshakeCause::RejectedByPeer);
    }
}

#[test]
fn what_the_two_sides_lack_in_common_is_named_and_old_age_goes_first() {
    use HandshakeCause as Cause;
    use PeerIncompatible as Lacks;
    let rows = [
        (Lacks::EcPointsExtensionRequired, Cause::NoCommonGroup),
        (Lacks::KeyShareExtensionRequired, Cause::Misbehaved),
        (Lacks::NamedGroupsExtensionRequired, Cause::NoCommonGroup),
        (
            Lacks::NoCertificateRequestSignatureSchemesInCommon,
            Cause::NoCommonSignature,
        ),
        (Lacks::NoCipherSuitesInCommon, Cause::NoCommonCipher),
        (Lacks::NoEcPointFormatsInCommon, Cause::NoCommonGroup),
        (Lacks::NoKxGroupsInCommon, Cause::NoCommonGroup),
        (Lacks::NoSignatureSchemesInCommon, Cause::NoCommonSignature),
        (Lacks::NullCompressionRequired, Cause::Misbehaved),
        (Lacks::ServerDoesNotSupportTls12Or13, Cause::VersionMismatch),
        (
            Lacks::ServerSentHelloRetryRequestWithUnknownExtension,
            Cause::Misbehaved,
        ),
        (
            Lacks::ServerTlsVersionIsDisabledByOurConfig,
            Cause::VersionMismatch,
        ),
        (
            Lacks::SignatureAlgorithmsExtensionRequired,
            Cause::NoCommonSignature,
        ),
        (
            Lacks::SupportedVersionsExtensionRequired,
            Cause::VersionMismatch,
        ),
        (Lacks::Tls12NotOffered, Cause::VersionMismatch),
        (Lacks::Tls12NotOfferedOrEnabled, Cause::VersionMismatch),
        (Lacks::UncompressedEcPointsRequired, Cause::NoCommonGroup),
    ];
    let too_old = Facts {
        offered_versions: vec![0x0302, 0x0301],
        ..negotiating()
    };
    let unread = Facts {
        offered_versions: Vec::new(),
        ..negotiating()
    };
    for (lacks, expected) in rows {
        let seen = |facts: &Facts| of_error(Error::from(lacks.clone()), facts);
        assert_eq!(seen(&negotiating()), expected, "{lacks:?}");
        assert_eq!(seen(&unread), expected, "{lacks:?}");
        assert_eq!(seen(&too_old), Cause::VersionMismatch, "{lacks:?}");
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_of_the_peer_that_showed_it() {
    let rows = [
        (CertificateError::BadEncoding, "invalid"),
        (CertificateError::Expired, "expired"),
        (CertificateError::NotValidYet, "not_yet_valid"),
        (CertificateError::Revoked, "revoked"),
        (CertificateError::UnhandledCriticalExtension, "invalid"),
        (CertificateError::UnknownIssuer, "unknown_issuer"),
        (CertificateError::BadSignature, "invalid"),
        (CertificateError::NotValidForName, "wrong_identity"),
        (CertificateError::InvalidPurpose, "bad_purpose"),
        (
            CertificateError::ApplicationVerificationFailure,
            "wrong_identity",
        ),
        (other("RequiredEkuNotFound"), "bad_purpose"),
        (other("CaUsedAsEndEntity"), "invalid"),
        (other("anything else"), "invalid"),
    ];
    for (why, expected) in rows {
        let seen = |facts: &Facts| of_error(Error::from(why.clone()), facts);
        let client = seen(&negotiating());
        assert_eq!(client.name(), format!("client_certificate_{expected}"));
        assert_eq!(phase(&client, &negotiating()), Phase::ClientAuth);
        let server = seen(&outbound());
        assert_eq!(server.name(), format!("server_certificate_{expected}"));
        assert_eq!(phase(&server, &outbound()), Phase::Negotiation);
    }
    let self_signed = Facts {
        self_issued: true,
        ..outbound()
    };
    assert_eq!(
        of_error(other("CaUsedAsEndEntity").into(), &self_signed),
        HandshakeCause::ServerCertificateUnknownIssuer
    );
    assert_eq!(
        of_error(Error::NoCertificatesPresented, &outbound()),
        HandshakeCause::Misbehaved
    );
}

#[test]
fn each_alert_rejects_us_except_the_two_that_say_goodbye() {
    let shown = Facts {
        certificate: CertificateProgress::Sent,
        ..negotiating()
    };
    for code in 0..=u8::MAX {
        let alerted = |facts: &Facts| of_error(Error::AlertReceived(code.into()), facts);
        let (before, after) = match code {
            0 | 90 => (
                HandshakeCause::PeerClosed,
                HandshakeCause::PeerLeftAfterCertificate,
            ),
            _ => (
                HandshakeCause::RejectedByPeer,
                HandshakeCause::RejectedByPeer,
            ),
        };
        assert_eq!(alerted(&negotiating()), before, "alert {code}");
        assert_eq!(alerted(&shown), after, "alert {code}");
        // The same in clear, where rustls sees a record it cannot decrypt: OpenSSL, TLS 1.3.
        for fatal in [true, false] {
            let behind = Facts {
                alert: in_clear(fatal, code),
                ..shown.clone()
            };
            assert_eq!(of_error(Error::DecryptError, &behind), after);
        }
    }
}

#[test]
fn our_own_verdict_stands_whatever_the_peer_says_behind_it() {
    let rejecting = Facts {
        alert: in_clear(true, 40),
        ..negotiating()
    };
    assert_eq!(
        of_error(Error::NoApplicationProtocol, &rejecting),
        HandshakeCause::AlpnMismatch
    );
    assert_eq!(
        of_error(CertificateError::Expired.into(), &rejecting),
        HandshakeCause::ClientCertificateExpired
    );
}
