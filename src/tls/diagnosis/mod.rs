//! Finds the one cause of a failed handshake from how it ended and what was observed. Pure functions.
//!
//! The error of TLS alone is often misleading: an OpenSSL client that rejects our certificate under TLS
//! 1.3 causes a decryption error, and a client with only old versions one about signature algorithms.

use crate::cause::{Cancelled, HandshakeCause, Phase, Plaintext, ServerNameDefect};
use crate::connection::{Direction, ExpectedMessage};
use rustls::{CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};
use std::io;

#[cfg(test)]
mod tests;

const TLS12: u16 = 0x0303;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// How a handshake ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum HandshakeEnd<'a> {
    /// TLS or the socket returned this error.
    Failed(&'a io::Error),
    /// The deadline passed.
    Deadline,
    /// We cancelled the handshake.
    Cancelled(Cancelled),
}

/// The facts observed on the wire that can change the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) direction: Direction,
    pub(super) bytes_in: u64,
    /// The protocol of the peer, when it was not TLS.
    pub(super) plaintext: Option<Plaintext>,
    /// Whether the client's hello came in the format of SSL 2.0.
    pub(super) sslv2: bool,
    /// Whether the peer's hello is all there.
    pub(super) hello_complete: bool,
    /// The versions the ClientHello offers; empty while that is not known.
    pub(super) offered_versions: Vec<u16>,
    /// What is wrong with the server_name extension of the ClientHello, if that can be said.
    pub(super) server_name_defect: Option<ServerNameDefect>,
    pub(super) certificate: CertificateProgress,
    /// The last alert the peer sent in clear, fatal if any was.
    pub(super) alert: Option<PlainAlert>,
    /// Whether the certificate the peer presented is its own issuer.
    pub(super) self_issued: bool,
    pub(super) expected_message: ExpectedMessage,
}

/// Whether the peer has received and accepted our certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CertificateProgress {
    /// The certificate has not been sent, or not all of it.
    Unsent,
    /// The certificate was sent, and nothing shows whether the peer accepted it.
    Sent,
    /// The peer went on with the handshake.
    Accepted,
}

/// An alert in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlainAlert {
    pub(super) fatal: bool,
    pub(super) code: u8,
}

/// The cause of the failure.
pub(super) fn cause(outcome: HandshakeEnd<'_>, facts: &Facts) -> HandshakeCause {
    match outcome {
        HandshakeEnd::Cancelled(by) => HandshakeCause::Cancelled(by),
        HandshakeEnd::Deadline => timeout(facts),
        HandshakeEnd::Failed(error) => match tls_error(error) {
            Some(error) => of_tls(error, facts),
            None => of_io(error, facts),
        },
    }
}

/// The phase the handshake was in.
pub(super) fn phase(cause: &HandshakeCause, facts: &Facts) -> Phase {
    let judging = cause.name().starts_with("client_certificate_");
    let waiting = facts.expected_message == ExpectedMessage::ClientCertificate
        && matches!(
            cause,
            HandshakeCause::TimeoutStalled | HandshakeCause::Cancelled(_)
        );
    if judging || waiting {
        return Phase::ClientAuth;
    }
    if facts.hello_complete {
        Phase::Negotiation
    } else {
        Phase::Hello
    }
}

/// The error of TLS, when it was TLS that failed.
pub(super) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The cause when the peer sent something else than TLS, or SSL 2.0.
fn not_tls(facts: &Facts) -> Option<HandshakeCause> {
    if facts.sslv2 {
        return Some(HandshakeCause::VersionMismatch);
    }
    facts.plaintext.clone().map(HandshakeCause::Plaintext)
}

fn timeout(facts: &Facts) -> HandshakeCause {
    if facts.bytes_in == 0 {
        return HandshakeCause::TimeoutSilent;
    }
    // One byte that is not TLS, followed by silence, still counts as plaintext.
    not_tls(facts).unwrap_or(HandshakeCause::TimeoutStalled)
}

fn of_io(error: &io::Error, facts: &Facts) -> HandshakeCause {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::UnexpectedEof => gone(facts, HandshakeCause::PeerClosed),
        Kind::BrokenPipe | Kind::ConnectionAborted | Kind::ConnectionReset | Kind::NotConnected => {
            gone(facts, HandshakeCause::PeerReset)
        }
        // TLS holds no more than 64 KiB of an unfinished message.
        Kind::InvalidData => HandshakeCause::Malformed,
        Kind::Other => HandshakeCause::Internal(error.to_string()),
        kind => HandshakeCause::Io(kind),
    }
}

/// The cause when the peer closed the connection; `how` if no fact says more.
fn gone(facts: &Facts, how: HandshakeCause) -> HandshakeCause {
    if facts.bytes_in == 0 && facts.direction == Direction::Inbound {
        return HandshakeCause::Probe;
    }
    if let Some(cause) = not_tls(facts) {
        return cause;
    }
    if facts.alert.is_some_and(|alert| alert.fatal) {
        return HandshakeCause::RejectedByPeer;
    }
    match facts.certificate {
        CertificateProgress::Sent => HandshakeCause::PeerLeftAfterCertificate,
        CertificateProgress::Unsent | CertificateProgress::Accepted => how,
    }
}

fn of_tls(error: &Error, facts: &Facts) -> HandshakeCause {
    if let Some(defect) = server_name_defect(error, facts) {
        return HandshakeCause::InvalidServerName(defect);
    }
    match error {
        Error::AlertReceived(alert) => alerted(alert.get_u8(), facts),
        // An alert in clear where an encrypted one is due: OpenSSL under TLS 1.3, which has no
        // alert levels (RFC 8446 §6).
        Error::DecryptError => match facts.alert {
            Some(alert) => alerted(alert.code, facts),
            None => HandshakeCause::Crypto,
        },
        Error::InvalidMessage(_) | Error::PeerSentOversizedRecord | Error::UnsupportedNameType => {
            not_tls(facts).unwrap_or(HandshakeCause::Malformed)
        }
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::InvalidSct(_) => match facts.alert {
            Some(alert) if alert.fatal => HandshakeCause::RejectedByPeer,
            _ => HandshakeCause::Misbehaved,
        },
        Error::PeerIncompatible(why) => incompatible(why, facts),
        Error::NoApplicationProtocol => HandshakeCause::AlpnMismatch,
        Error::NoCertificatesPresented => match facts.direction {
            Direction::Inbound => HandshakeCause::ClientCertificateMissing,
            Direction::Outbound => HandshakeCause::Misbehaved,
        },
        Error::InvalidCertificate(why) => invalid_certificate(why, facts),
        Error::General(what) if what == "no server certificate chain resolved" => {
            HandshakeCause::UnknownServerName
        }
        unmapped => HandshakeCause::Internal(unmapped.to_string()),
    }
}

/// What is wrong with the server name, when the ClientHello was refused for it.
fn server_name_defect(error: &Error, facts: &Facts) -> Option<ServerNameDefect> {
    let seen = facts.server_name_defect;
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidServerName) => {
            Some(seen.unwrap_or(ServerNameDefect::Other))
        }
        Error::PeerMisbehaved(
            PeerMisbehaved::DuplicateServerNameTypes
            | PeerMisbehaved::ServerNameMustContainOneHostName,
        ) => seen,
        // An extension of no bytes, which tells that it is empty and not which extension it is.
        Error::InvalidMessage(InvalidMessage::MissingData(_)) => {
            seen.filter(|defect| *defect == ServerNameDefect::Missing)
        }
        _ => None,
    }
}

fn alerted(code: u8, facts: &Facts) -> HandshakeCause {
    match (code, facts.certificate) {
        (CLOSE_NOTIFY | USER_CANCELED, CertificateProgress::Sent) => {
            HandshakeCause::PeerLeftAfterCertificate
        }
        (CLOSE_NOTIFY | USER_CANCELED, _) => HandshakeCause::PeerClosed,
        _ => HandshakeCause::RejectedByPeer,
    }
}

fn incompatible(why: &PeerIncompatible, facts: &Facts) -> HandshakeCause {
    use PeerIncompatible as Lacks;
    let offered = &facts.offered_versions;
    // A hello of TLS 1.1 or older lacks other things too, but its version is the reason.
    if !offered.is_empty() && offered.iter().all(|version| *version < TLS12) {
        return HandshakeCause::VersionMismatch;
    }
    match why {
        Lacks::Tls12NotOffered
        | Lacks::Tls12NotOfferedOrEnabled
        | Lacks::SupportedVersionsExtensionRequired
        | Lacks::ServerDoesNotSupportTls12Or13
        | Lacks::ServerTlsVersionIsDisabledByOurConfig => HandshakeCause::VersionMismatch,
        Lacks::SignatureAlgorithmsExtensionRequired
        | Lacks::NoSignatureSchemesInCommon
        | Lacks::NoCertificateRequestSignatureSchemesInCommon => HandshakeCause::NoCommonSignature,
        Lacks::NoCipherSuitesInCommon => HandshakeCause::NoCommonCipher,
        Lacks::NoKxGroupsInCommon
        | Lacks::NoEcPointFormatsInCommon
        | Lacks::NamedGroupsExtensionRequired
        | Lacks::EcPointsExtensionRequired
        | Lacks::UncompressedEcPointsRequired => HandshakeCause::NoCommonGroup,
        Lacks::KeyShareExtensionRequired
        | Lacks::NullCompressionRequired
        | Lacks::ServerSentHelloRetryRequestWithUnknownExtension => HandshakeCause::Misbehaved,
        unmapped => HandshakeCause::Internal(Error::from(unmapped.clone()).to_string()),
    }
}

fn invalid_certificate(why: &CertificateError, facts: &Facts) -> HandshakeCause {
    use HandshakeCause as Cause;
    // The cause for a client's certificate, and the same for a server's.
    let (client, server) = match why {
        CertificateError::Expired => (
            Cause::ClientCertificateExpired,
            Cause::ServerCertificateExpired,
        ),
        CertificateError::NotValidYet => (
            Cause::ClientCertificateNotYetValid,
            Cause::ServerCertificateNotYetValid,
        ),
        CertificateError::Revoked => (
            Cause::ClientCertificateRevoked,
            Cause::ServerCertificateRevoked,
        ),
        CertificateError::UnknownIssuer => (
            Cause::ClientCertificateUnknownIssuer,
            Cause::ServerCertificateUnknownIssuer,
        ),
        // A self-signed certificate by `openssl req -x509` is marked as an authority; no authority that
        // we trust has issued it.
        CertificateError::Other(inner)
            if facts.self_issued && inner.to_string() == "CaUsedAsEndEntity" =>
        {
            (
                Cause::ClientCertificateUnknownIssuer,
                Cause::ServerCertificateUnknownIssuer,
            )
        }
        CertificateError::InvalidPurpose => (
            Cause::ClientCertificateBadPurpose,
            Cause::ServerCertificateBadPurpose,
        ),
        CertificateError::Other(inner) if inner.to_string() == "RequiredEkuNotFound" => (
            Cause::ClientCertificateBadPurpose,
            Cause::ServerCertificateBadPurpose,
        ),
        CertificateError::NotValidForName | CertificateError::ApplicationVerificationFailure => (
            Cause::ClientCertificateWrongIdentity,
            Cause::ServerCertificateWrongIdentity,
        ),
        CertificateError::BadEncoding
        | CertificateError::UnhandledCriticalExtension
        | CertificateError::BadSignature
        | CertificateError::Other(_) => (
            Cause::ClientCertificateInvalid,
            Cause::ServerCertificateInvalid,
        ),
        unmapped => return Cause::Internal(Error::from(unmapped.clone()).to_string()),
    };
    match facts.direction {
        Direction::Inbound => client,
        Direction::Outbound => server,
    }
}
