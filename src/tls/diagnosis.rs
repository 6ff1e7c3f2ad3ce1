//! Why it failed: from what TLS says and what the tap saw to one cause.
//!
//! TLS alone is often wrong about it: an OpenSSL client that rejects our certificate under TLS 1.3
//! looks like a decryption failure, and a client too old for us like one without signatures.

use super::hello::{self, ClientHello, ServerHello};
use super::records::RecordScanner;
use super::tap::Wire;
use crate::cause::{CloseCause, HandshakeCause, Phase, Plaintext};
use crate::evidence::{Alert, Evidence, Sent, Tls};
use crate::identity::Certificate;
use crate::lane::HandshakeFailure;
use crate::transport::Transport;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

const TLS12: u16 = 0x0303;
const CERTIFICATE_MESSAGE: u8 = 11;

/// Everything that was seen of one handshake.
pub(super) struct Witness {
    bytes_in: u64,
    bytes_out: u64,
    plaintext: Option<(Plaintext, String)>,
    client: Option<ClientHello>,
    server: Option<ServerHello>,
    resumed: bool,
    certificate_sent: bool,
    alert: Option<Alert>,
    presented: Option<Arc<Certificate>>,
}

impl Witness {
    pub(super) fn new<T: Transport>(wire: &Wire<T>, presented: Option<Arc<Certificate>>) -> Self {
        let (read, written) = (&wire.read, &wire.written);
        let client = read.client_hello().map(hello::client_hello);
        let server = written
            .server_hello()
            .and_then(|message| hello::server_hello(message, written.server_key_exchange()));
        let resumed = server.as_ref().and_then(|server| {
            hello::resumed(server, written.messages(), written.change_cipher_spec())
        });
        let resumed = resumed.unwrap_or(false);
        let in_clear = written.messages().contains(&CERTIFICATE_MESSAGE);
        let encrypted = server.is_some() && written.application_data() && !resumed;
        let plaintext = (read.looks_like_tls() == Some(false)).then(|| {
            let first = read.first_bytes();
            (hello::classify_plaintext(first), hello::excerpt(first))
        });
        Self {
            bytes_in: wire.bytes_in(),
            bytes_out: wire.bytes_out(),
            plaintext,
            client,
            server,
            resumed,
            certificate_sent: in_clear || encrypted,
            alert: last_alert(read, written),
            presented,
        }
    }

    /// The failure an error of the handshake amounts to.
    pub(super) fn failure(self, error: &io::Error) -> HandshakeFailure {
        let cause = self.cause(error);
        self.failed(cause)
    }

    /// The deadline passed.
    pub(super) fn timeout(&self) -> HandshakeCause {
        match &self.plaintext {
            // One byte of something else and then silence is plaintext still.
            Some((plaintext, _)) => HandshakeCause::Plaintext(plaintext.clone()),
            None if self.bytes_in == 0 => HandshakeCause::TimeoutSilent,
            None => HandshakeCause::TimeoutStalled,
        }
    }

    pub(super) fn failed(self, cause: HandshakeCause) -> HandshakeFailure {
        let phase = match &cause {
            cause if is_about_the_client_certificate(cause) => Phase::ClientAuth,
            _ if self.client.as_ref().is_some_and(|hello| hello.complete) => Phase::Negotiation,
            _ => Phase::Hello,
        };
        HandshakeFailure {
            cause,
            phase,
            evidence: self.evidence(),
        }
    }

    /// What was agreed, when the handshake succeeded. `ours` are the protocols we accept.
    pub(super) fn agreed(self, ours: &[Vec<u8>]) -> Tls {
        let ja4 = self.ja4();
        let client = self.client.unwrap_or_default();
        let server = self.server;
        let named = |name: fn(u16) -> Cow<'static, str>, number: Option<u16>| number.map(name);
        let alpn = ours
            .iter()
            .filter_map(|id| std::str::from_utf8(id).ok())
            .find(|id| client.alpn.iter().any(|offered| offered == id));
        Tls {
            version: named(hello::version_name, server.as_ref().map(|s| s.version))
                .unwrap_or_default(),
            cipher_suite: named(
                hello::cipher_suite_name,
                server.as_ref().map(|s| s.cipher_suite),
            )
            .unwrap_or_default(),
            group: named(hello::group_name, server.as_ref().and_then(|s| s.group)),
            alpn: alpn.map(str::to_owned),
            sni: client.server_name,
            resumed: self.resumed,
            offered_versions: versions(&client.versions),
            ja4,
            client_certificate: self.presented,
        }
    }

    fn evidence(self) -> Evidence {
        let ja4 = self.ja4();
        let client = self.client.unwrap_or_default();
        let server = self.server;
        Evidence {
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            first_bytes: self.plaintext.map(|(_, excerpt)| excerpt),
            sni: client.server_name,
            offered_versions: versions(&client.versions),
            offered_alpn: client.alpn,
            ja4,
            alert: self.alert,
            client_certificate: self.presented,
            version: server.as_ref().map(|s| hello::version_name(s.version)),
            cipher_suite: server
                .as_ref()
                .map(|s| hello::cipher_suite_name(s.cipher_suite)),
            group: server.and_then(|s| s.group).map(hello::group_name),
        }
    }

    fn ja4(&self) -> Option<String> {
        let client = self.client.as_ref().filter(|hello| hello.complete)?;
        Some(hello::ja4(client))
    }

    fn cause(&self, error: &io::Error) -> HandshakeCause {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>());
        match tls {
            Some(tls) => self.tls_cause(tls),
            None => self.io_cause(error.kind()),
        }
    }

    fn io_cause(&self, kind: io::ErrorKind) -> HandshakeCause {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        if !matches!(
            kind,
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
        ) {
            return match kind {
                io::ErrorKind::Other => HandshakeCause::Internal(kind.to_string()),
                kind => HandshakeCause::Io(kind),
            };
        }
        if self.bytes_in == 0 {
            return HandshakeCause::Probe;
        }
        if let Some((plaintext, _)) = &self.plaintext {
            return HandshakeCause::Plaintext(plaintext.clone());
        }
        if self.alert_of(Sent::ByPeer) {
            return HandshakeCause::RejectedByPeer;
        }
        match (self.certificate_sent && self.bytes_out > 0, kind) {
            (true, _) => HandshakeCause::PeerLeftAfterCertificate,
            (false, UnexpectedEof) => HandshakeCause::PeerClosed,
            (false, _) => HandshakeCause::PeerReset,
        }
    }

    fn tls_cause(&self, error: &Error) -> HandshakeCause {
        match error {
            Error::AlertReceived(
                AlertDescription::CloseNotify | AlertDescription::UserCanceled,
            ) => HandshakeCause::PeerClosed,
            Error::AlertReceived(_) => HandshakeCause::RejectedByPeer,
            // An alert in clear where an encrypted one is due: OpenSSL under TLS 1.3.
            _ if self.alert_of(Sent::ByPeer) => HandshakeCause::RejectedByPeer,
            Error::InvalidMessage(_) | Error::PeerSentOversizedRecord => match &self.plaintext {
                Some((plaintext, _)) => HandshakeCause::Plaintext(plaintext.clone()),
                None => HandshakeCause::Malformed,
            },
            Error::UnsupportedNameType => HandshakeCause::Malformed,
            Error::DecryptError => HandshakeCause::Crypto,
            Error::PeerIncompatible(why) => self.incompatible(why),
            Error::NoApplicationProtocol => HandshakeCause::AlpnMismatch,
            Error::NoCertificatesPresented => HandshakeCause::ClientCertificateMissing,
            Error::InvalidCertificate(why) => client_certificate(why),
            Error::PeerMisbehaved(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::InvalidSct(_) => HandshakeCause::Misbehaved,
            Error::General(what) if what == "no server certificate chain resolved" => {
                HandshakeCause::UnknownServerName
            }
            unmapped => HandshakeCause::Internal(unmapped.to_string()),
        }
    }

    fn incompatible(&self, why: &PeerIncompatible) -> HandshakeCause {
        use PeerIncompatible as Lacks;
        let too_old = self
            .client
            .as_ref()
            .is_some_and(|hello| hello.versions.iter().all(|version| *version < TLS12));
        match why {
            Lacks::Tls12NotOffered
            | Lacks::Tls12NotOfferedOrEnabled
            | Lacks::SupportedVersionsExtensionRequired
            | Lacks::ServerDoesNotSupportTls12Or13
            | Lacks::ServerTlsVersionIsDisabledByOurConfig => HandshakeCause::VersionMismatch,
            // A hello of TLS 1.1 or older has no signature algorithms to offer.
            Lacks::SignatureAlgorithmsExtensionRequired if too_old => {
                HandshakeCause::VersionMismatch
            }
            Lacks::SignatureAlgorithmsExtensionRequired
            | Lacks::NoSignatureSchemesInCommon
            | Lacks::NoCertificateRequestSignatureSchemesInCommon => {
                HandshakeCause::NoCommonSignature
            }
            Lacks::NoCipherSuitesInCommon => HandshakeCause::NoCommonCipher,
            Lacks::NoKxGroupsInCommon
            | Lacks::NoEcPointFormatsInCommon
            | Lacks::NamedGroupsExtensionRequired
            | Lacks::EcPointsExtensionRequired
            | Lacks::UncompressedEcPointsRequired => HandshakeCause::NoCommonGroup,
            _ => HandshakeCause::Misbehaved,
        }
    }

    fn alert_of(&self, side: Sent) -> bool {
        self.alert.as_ref().is_some_and(|alert| alert.sent == side)
    }
}

/// What an error on an established stream means.
pub(super) fn close_cause<T: Transport>(
    error: &io::Error,
    wire: &Wire<T>,
) -> (CloseCause, Option<Alert>) {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let in_clear = last_alert(&wire.read, &wire.written);
    match tls {
        Some(Error::AlertReceived(alert)) => {
            let alert = named_alert(Sent::ByPeer, alert.get_u8());
            (CloseCause::RejectedByPeer, Some(alert))
        }
        Some(_) => match in_clear.filter(|alert| alert.sent == Sent::ByPeer) {
            Some(alert) => (CloseCause::RejectedByPeer, Some(alert)),
            None => (CloseCause::Misbehaved, None),
        },
        None if error.kind() == io::ErrorKind::UnexpectedEof => (CloseCause::Truncated, in_clear),
        None => (CloseCause::Reset, in_clear),
    }
}

fn client_certificate(why: &CertificateError) -> HandshakeCause {
    match why {
        CertificateError::Expired => HandshakeCause::ClientCertificateExpired,
        CertificateError::NotValidYet => HandshakeCause::ClientCertificateNotYetValid,
        CertificateError::Revoked => HandshakeCause::ClientCertificateRevoked,
        CertificateError::UnknownIssuer => HandshakeCause::ClientCertificateUnknownIssuer,
        CertificateError::InvalidPurpose => HandshakeCause::ClientCertificateBadPurpose,
        CertificateError::NotValidForName | CertificateError::ApplicationVerificationFailure => {
            HandshakeCause::ClientCertificateWrongIdentity
        }
        CertificateError::Other(inner) if inner.to_string() == "RequiredEkuNotFound" => {
            HandshakeCause::ClientCertificateBadPurpose
        }
        _ => HandshakeCause::ClientCertificateInvalid,
    }
}

fn is_about_the_client_certificate(cause: &HandshakeCause) -> bool {
    cause.name().starts_with("client_certificate_")
}

/// The peer's alert, or else ours: the peer's is its verdict, ours only tells it our own.
fn last_alert(read: &RecordScanner, written: &RecordScanner) -> Option<Alert> {
    let of = |sent, scanner: &RecordScanner| {
        scanner
            .alert()
            .filter(|alert| alert.is_fatal())
            .map(|alert| named_alert(sent, alert.description))
    };
    of(Sent::ByPeer, read).or_else(|| of(Sent::ByUs, written))
}

fn named_alert(sent: Sent, code: u8) -> Alert {
    Alert {
        sent,
        code,
        name: hello::alert_name(code),
    }
}

fn versions(numbers: &[u16]) -> Vec<Cow<'static, str>> {
    numbers.iter().map(|v| hello::version_name(*v)).collect()
}
