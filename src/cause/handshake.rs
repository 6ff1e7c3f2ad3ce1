//! Why a handshake failed.

use super::{Fault, Phase};
use log::Level;
use std::fmt;
use std::io;

/// What came instead of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plaintext {
    /// A SIP message in clear, with its method (`SIP/2.0` for a response): the peer's transport is
    /// set to TCP, or its TLS is switched off.
    Sip {
        /// The request method, at most 16 bytes.
        method: String,
    },
    /// The keep-alive of a SIP connection in clear, `CRLF CRLF` (RFC 5626 §3.5.1): as `Sip`.
    SipKeepAlive,
    /// An HTTP request: a browser, a scanner, a health check of the wrong kind.
    Http,
    /// Anything else that is not a TLS record.
    Other,
}

/// Who called a handshake off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cancelled {
    /// The supervisor is shutting down.
    Drain,
    /// An operator or the application closed it by a control message.
    Operator,
    /// The supervisor died.
    SupervisorGone,
    /// All handshakes were taken and its source had most: the oldest silent one made way for another
    /// source.
    Evicted,
}

/// Why a connection never became `Ready`. A closed set: each value has a stable `name()`, says
/// whose fault it was, at which level it is logged, and what to do about it.
///
/// ```
/// use sipward::HandshakeCause;
///
/// let cause = HandshakeCause::TimeoutSilent;
/// assert_eq!(cause.name(), "timeout_silent");
/// assert_eq!(cause.hint(), "a scanner, or a client waiting for us to speak first");
/// println!("{}", cause.explain());
/// assert!(HandshakeCause::NAMES.contains(&"timeout_silent"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeCause {
    /// Nothing was sent, then FIN or RST: a health check or a port scan.
    Probe,
    /// What came was not TLS.
    Plaintext(Plaintext),
    /// The deadline passed and the peer had sent nothing.
    TimeoutSilent,
    /// The deadline passed in the middle of the handshake.
    TimeoutStalled,
    /// The peer sent FIN in the middle of the handshake.
    PeerClosed,
    /// The peer sent RST in the middle of the handshake.
    PeerReset,
    /// The peer left after it had seen our certificate, without an alert: how many phones reject one.
    PeerLeftAfterCertificate,
    /// A TLS record or message that cannot be read.
    Malformed,
    /// No TLS version in common.
    VersionMismatch,
    /// No cipher suite in common.
    NoCommonCipher,
    /// No key exchange group in common.
    NoCommonGroup,
    /// No signature scheme in common with our key: it takes only RSA, say.
    NoCommonSignature,
    /// No application protocol in common.
    AlpnMismatch,
    /// We hold no certificate for the server name it asked for.
    UnknownServerName,
    /// The peer sent a fatal alert: it does not trust our certificate, most often.
    RejectedByPeer,
    /// We demand a client certificate and it sent none.
    ClientCertificateMissing,
    /// Its certificate has expired.
    ClientCertificateExpired,
    /// Its certificate is not valid yet, or its clock or ours is wrong.
    ClientCertificateNotYetValid,
    /// Its certificate was issued by an authority we do not trust.
    ClientCertificateUnknownIssuer,
    /// Its certificate was revoked.
    ClientCertificateRevoked,
    /// Its certificate may not be used to authenticate a client.
    ClientCertificateBadPurpose,
    /// Its certificate does not name any of the identities we expect.
    ClientCertificateWrongIdentity,
    /// Its certificate is broken in some other way.
    ClientCertificateInvalid,
    /// The peer broke the protocol.
    Misbehaved,
    /// Decryption or a signature failed.
    Crypto,
    /// We called it off.
    Cancelled(Cancelled),
    /// The network failed.
    Io(io::ErrorKind),
    /// A defect of ours: a panic, or an error that has no cause of its own yet.
    Internal(String),
    /// Outbound: the name does not exist.
    DnsNotFound,
    /// Outbound: the name server did not answer.
    DnsTimeout,
    /// Outbound: the name server answered with an error.
    DnsFailed,
    /// Outbound: nothing listens there.
    ConnectRefused,
    /// Outbound: no answer to our SYN.
    ConnectTimeout,
    /// Outbound: no route there.
    ConnectUnreachable,
    /// Outbound: its certificate has expired.
    ServerCertificateExpired,
    /// Outbound: its certificate is not valid yet.
    ServerCertificateNotYetValid,
    /// Outbound: its certificate was issued by an authority we do not trust.
    ServerCertificateUnknownIssuer,
    /// Outbound: its certificate was revoked.
    ServerCertificateRevoked,
    /// Outbound: its certificate may not be used to authenticate a server.
    ServerCertificateBadPurpose,
    /// Outbound: its certificate does not name the domain we dialled (RFC 5922 §7).
    ServerCertificateWrongIdentity,
    /// Outbound: its certificate is broken in some other way.
    ServerCertificateInvalid,
}

closed_set!(HandshakeCause {
    Probe = "probe",
    Plaintext(Plaintext::Other) = "plaintext",
    TimeoutSilent = "timeout_silent",
    TimeoutStalled = "timeout_stalled",
    PeerClosed = "peer_closed",
    PeerReset = "peer_reset",
    PeerLeftAfterCertificate = "peer_left_after_certificate",
    Malformed = "malformed",
    VersionMismatch = "version_mismatch",
    NoCommonCipher = "no_common_cipher",
    NoCommonGroup = "no_common_group",
    NoCommonSignature = "no_common_signature",
    AlpnMismatch = "alpn_mismatch",
    UnknownServerName = "unknown_server_name",
    RejectedByPeer = "rejected_by_peer",
    ClientCertificateMissing = "client_certificate_missing",
    ClientCertificateExpired = "client_certificate_expired",
    ClientCertificateNotYetValid = "client_certificate_not_yet_valid",
    ClientCertificateUnknownIssuer = "client_certificate_unknown_issuer",
    ClientCertificateRevoked = "client_certificate_revoked",
    ClientCertificateBadPurpose = "client_certificate_bad_purpose",
    ClientCertificateWrongIdentity = "client_certificate_wrong_identity",
    ClientCertificateInvalid = "client_certificate_invalid",
    Misbehaved = "misbehaved",
    Crypto = "crypto",
    Cancelled(Cancelled::Operator) = "cancelled",
    Io(io::ErrorKind::TimedOut) = "io",
    Internal(String::new()) = "internal",
    DnsNotFound = "dns_not_found",
    DnsTimeout = "dns_timeout",
    DnsFailed = "dns_failed",
    ConnectRefused = "connect_refused",
    ConnectTimeout = "connect_timeout",
    ConnectUnreachable = "connect_unreachable",
    ServerCertificateExpired = "server_certificate_expired",
    ServerCertificateNotYetValid = "server_certificate_not_yet_valid",
    ServerCertificateUnknownIssuer = "server_certificate_unknown_issuer",
    ServerCertificateRevoked = "server_certificate_revoked",
    ServerCertificateBadPurpose = "server_certificate_bad_purpose",
    ServerCertificateWrongIdentity = "server_certificate_wrong_identity",
    ServerCertificateInvalid = "server_certificate_invalid",
});

impl HandshakeCause {
    /// The phases it can be met in, earliest first. Inbound, "any" is hello, negotiation and client_auth.
    pub const fn phases(&self) -> &'static [Phase] {
        match self {
            Self::Probe | Self::Plaintext(_) | Self::TimeoutSilent => &[Phase::Hello],
            // The hello of SSL 2 is too old to be read as one.
            Self::VersionMismatch => &[Phase::Hello, Phase::Negotiation],
            Self::PeerLeftAfterCertificate
            | Self::NoCommonCipher
            | Self::NoCommonGroup
            | Self::NoCommonSignature
            | Self::AlpnMismatch
            | Self::UnknownServerName
            | Self::ServerCertificateExpired
            | Self::ServerCertificateNotYetValid
            | Self::ServerCertificateUnknownIssuer
            | Self::ServerCertificateRevoked
            | Self::ServerCertificateBadPurpose
            | Self::ServerCertificateWrongIdentity
            | Self::ServerCertificateInvalid => &[Phase::Negotiation],
            Self::Crypto => &[Phase::Negotiation, Phase::ClientAuth],
            Self::ClientCertificateMissing
            | Self::ClientCertificateExpired
            | Self::ClientCertificateNotYetValid
            | Self::ClientCertificateUnknownIssuer
            | Self::ClientCertificateRevoked
            | Self::ClientCertificateBadPurpose
            | Self::ClientCertificateWrongIdentity
            | Self::ClientCertificateInvalid => &[Phase::ClientAuth],
            Self::DnsNotFound | Self::DnsTimeout | Self::DnsFailed => &[Phase::Resolve],
            Self::ConnectRefused | Self::ConnectTimeout | Self::ConnectUnreachable => {
                &[Phase::Connect]
            }
            Self::TimeoutStalled
            | Self::PeerClosed
            | Self::PeerReset
            | Self::Malformed
            | Self::RejectedByPeer
            | Self::Misbehaved
            | Self::Cancelled(_)
            | Self::Io(_)
            | Self::Internal(_) => &[Phase::Hello, Phase::Negotiation, Phase::ClientAuth],
        }
    }

    /// What narrows the name down: `sip` or `http` for plaintext, `drain` or `operator` for a
    /// cancellation, the error kind of the network, the text of a defect.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Plaintext(Plaintext::Sip { method }) => Some(format!("sip {method}")),
            Self::Plaintext(Plaintext::SipKeepAlive) => Some("sip keep-alive".into()),
            Self::Plaintext(Plaintext::Http) => Some("http".into()),
            Self::Plaintext(Plaintext::Other) => Some("other".into()),
            Self::Cancelled(by) => Some(by.name().into()),
            Self::Io(kind) => Some(kind.to_string()),
            Self::Internal(what) => Some(what.clone()),
            _ => None,
        }
    }

    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::TimeoutStalled => Fault::PeerOrPath,
            Self::PeerLeftAfterCertificate | Self::RejectedByPeer => Fault::ProbablyUs,
            Self::VersionMismatch
            | Self::NoCommonCipher
            | Self::NoCommonGroup
            | Self::NoCommonSignature
            | Self::AlpnMismatch
            | Self::UnknownServerName => Fault::Both,
            Self::Cancelled(_) | Self::Internal(_) => Fault::Us,
            Self::Io(_) | Self::ConnectTimeout | Self::ConnectUnreachable => Fault::Network,
            Self::DnsTimeout | Self::DnsFailed => Fault::Network,
            _ => Fault::Peer,
        }
    }

    /// Whether the peer is sent an alert for it. A peer that was only waited for is sent nothing, and a
    /// peer that is gone would not receive it.
    pub(crate) const fn peer_is_told(&self) -> bool {
        !matches!(
            self,
            Self::Probe
                | Self::TimeoutSilent
                | Self::TimeoutStalled
                | Self::Cancelled(_)
                | Self::Io(_)
        )
    }

    /// The level its log line has unless an operator says otherwise.
    pub const fn level(&self) -> Level {
        match self {
            Self::Probe | Self::Cancelled(_) => Level::Debug,
            Self::Internal(_) => Level::Error,
            Self::PeerLeftAfterCertificate | Self::RejectedByPeer => Level::Warn,
            Self::ClientCertificateExpired
            | Self::ClientCertificateNotYetValid
            | Self::ClientCertificateUnknownIssuer
            | Self::ClientCertificateRevoked
            | Self::ClientCertificateBadPurpose
            | Self::ClientCertificateWrongIdentity
            | Self::ClientCertificateInvalid
            | Self::Misbehaved
            | Self::Crypto => Level::Warn,
            Self::DnsNotFound
            | Self::DnsTimeout
            | Self::DnsFailed
            | Self::ConnectRefused
            | Self::ConnectTimeout
            | Self::ConnectUnreachable
            | Self::ServerCertificateExpired
            | Self::ServerCertificateNotYetValid
            | Self::ServerCertificateUnknownIssuer
            | Self::ServerCertificateRevoked
            | Self::ServerCertificateBadPurpose
            | Self::ServerCertificateWrongIdentity
            | Self::ServerCertificateInvalid => Level::Warn,
            _ => Level::Info,
        }
    }
}

impl Cancelled {
    /// The name on the wire, in snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Operator => "operator",
            Self::SupervisorGone => "supervisor_gone",
            Self::Evicted => "evicted",
        }
    }
}

impl fmt::Display for HandshakeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{} ({detail})", self.name()),
            None => f.write_str(self.name()),
        }
    }
}
