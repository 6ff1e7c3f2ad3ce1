//! The evidence of a failed handshake, and what a successful one agreed on.

use super::Certificate;
use crate::cause::{Fault, HandshakeCause, Phase};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

/// Which side sent an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertDirection {
    /// The peer sent it.
    Received,
    /// We sent it.
    Sent,
}

named! {
    /// `in` (the peer sent it) or `out` (we did).
    AlertDirection {
        Received = "in",
        Sent = "out",
    }
}

/// A TLS alert (RFC 8446 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alert {
    /// Which side sent it.
    pub direction: AlertDirection,
    /// The description's number.
    pub code: u8,
    /// The description's name in snake_case, `unknown_ca` say; `alert_NN` for one not registered.
    pub name: Cow<'static, str>,
}

/// The message that a handshake waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedMessage {
    /// The first byte of a ClientHello.
    ClientHello,
    /// The rest of a ClientHello that has begun.
    RestOfClientHello,
    /// The ClientHello that answers a HelloRetryRequest.
    SecondClientHello,
    /// The client's certificate, which we had asked for.
    ClientCertificate,
    /// The client's half of the key exchange (TLS 1.2).
    ClientKeyExchange,
    /// The client's proof that the certificate is its own (TLS 1.2).
    ClientCertificateVerify,
    /// The client's Finished, its last message.
    ClientFinished,
    /// No message: the peer must first read what we have for it, because its receive window is full.
    PeerToRead,
    /// Outbound: the first byte of a ServerHello.
    ServerHello,
    /// Outbound: the rest of a ServerHello that has begun.
    RestOfServerHello,
    /// Outbound: what follows the ServerHello, the certificate above all.
    RestOfServerFlight,
    /// Outbound: the server's Finished (TLS 1.2).
    ServerFinished,
}

named! {
    /// The name on the wire, in snake_case.
    ExpectedMessage {
        ClientHello = "client_hello",
        RestOfClientHello = "rest_of_client_hello",
        SecondClientHello = "second_client_hello",
        ClientCertificate = "client_certificate",
        ClientKeyExchange = "client_key_exchange",
        ClientCertificateVerify = "client_certificate_verify",
        ClientFinished = "client_finished",
        PeerToRead = "peer_to_read",
        ServerHello = "server_hello",
        RestOfServerHello = "rest_of_server_hello",
        RestOfServerFlight = "rest_of_server_flight",
        ServerFinished = "server_finished",
    }
}

/// Why a handshake failed, in which phase, and with which evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeFailure {
    /// Why.
    pub cause: HandshakeCause,
    /// The phase in which it failed.
    pub phase: Phase,
    /// What was seen on the wire.
    pub evidence: Evidence,
}

impl HandshakeFailure {
    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        self.cause.fault()
    }
}

/// What was observed of a handshake that failed. What could not be observed is empty or `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evidence {
    /// The first bytes, escaped and printable, at most 32 of them, when they were not TLS.
    pub first_bytes: Option<String>,
    /// The server name the peer asked for (RFC 6066 §3).
    pub sni: Option<String>,
    /// The TLS versions the peer offered, newest first, for example `TLSv1.3`.
    pub offered_versions: Vec<Cow<'static, str>>,
    /// The application protocols the peer offered (RFC 7301).
    pub offered_alpn: Vec<String>,
    /// The JA4 fingerprint of the peer, when its whole ClientHello was read.
    pub ja4: Option<String>,
    /// The last fatal alert, of either side.
    pub alert: Option<Alert>,
    /// The certificate the peer presented, when we asked for one.
    pub client_certificate: Option<Arc<Certificate>>,
    /// The version our ServerHello chose.
    pub version: Option<Cow<'static, str>>,
    /// The cipher suite our ServerHello chose.
    pub cipher_suite: Option<Cow<'static, str>>,
    /// The key exchange group our ServerHello chose.
    pub group: Option<Cow<'static, str>>,
    /// The message the handshake waited for, when it ended because that message did not come: the
    /// deadline passed, the peer closed the connection, or we cancelled the handshake.
    pub waiting_for: Option<ExpectedMessage>,
    /// Bytes of ours that the peer had not acknowledged when the deadline passed (TCP; Linux only).
    /// More than 0 means that they, or the acknowledgements, get lost on the way, as in an MTU black
    /// hole. 0 means that the peer has received all of them and does not answer.
    pub unacknowledged: Option<u64>,
    /// The end of the validity of the certificate that we had sent, if we had sent one.
    pub certificate_not_after: Option<SystemTime>,
}

/// What the two sides of an established session agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The version, `TLSv1.3` or `TLSv1.2`.
    pub version: Cow<'static, str>,
    /// The cipher suite by its IANA name.
    pub cipher_suite: Cow<'static, str>,
    /// The key exchange group by its IANA name; `None` in a resumed TLS 1.2 handshake.
    pub group: Option<Cow<'static, str>>,
    /// The application protocol, when one was agreed.
    pub alpn: Option<String>,
    /// The server name the peer asked for.
    pub sni: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The versions the peer offered, newest first.
    pub offered_versions: Vec<Cow<'static, str>>,
    /// Its JA4 fingerprint.
    pub ja4: Option<String>,
    /// The certificate the peer authenticated itself with.
    pub client_certificate: Option<Arc<Certificate>>,
    /// The end of the validity of the certificate we sent; a resumed session needs none.
    pub certificate_not_after: Option<SystemTime>,
}
