//! Everything that was observed of one handshake, and the failure or agreement derived from it.

use super::alert::PlainAlertRecord;
use super::diagnosis::{self, CertificateProgress, Facts, HandshakeEnd, PlainAlert};
use super::expected_message::{Progress, expected_message};
use super::generation::Identities;
use super::hello::{self, ClientHello, ServerHello};
use super::records::RecordScanner;
use super::tap::Wire;
use crate::cause::HandshakeCause;
use crate::connection::{
    Alert, AlertDirection, Certificate, Direction, Evidence, HandshakeFailure, Tls,
};
use crate::transport::Transport;
use rustls::{AlertDescription, Error};
use std::borrow::Cow;
use std::sync::Arc;

const CERTIFICATE: u8 = 11;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// The certificates that each side was asked for.
#[derive(Clone)]
pub(super) struct PeerAuthentication {
    /// Whether the client is asked for a certificate.
    pub(super) client: bool,
    /// The certificate the peer presented.
    pub(super) presented: Option<Arc<Certificate>>,
    /// The identities that we present as a server.
    pub(super) identities: Option<Arc<Identities>>,
}

pub(super) struct Observation {
    facts: Facts,
    bytes_out: u64,
    first_bytes: Option<String>,
    sslv2: Option<u16>,
    client: Option<ClientHello>,
    server: Option<ServerHello>,
    resumed: bool,
    alert: Option<Alert>,
    authentication: PeerAuthentication,
    unacknowledged: Option<u64>,
}

impl Observation {
    pub(super) fn new<T: Transport>(wire: &Wire<T>, authentication: PeerAuthentication) -> Self {
        let (read, written) = (&wire.read, &wire.written);
        let direction = wire.direction();
        let (of_client, of_server) = match direction {
            Direction::Inbound => (read, written),
            Direction::Outbound => (written, read),
        };
        let client = of_client.client_hello().map(hello::client_hello);
        let server = of_server
            .server_hello()
            .and_then(|message| hello::server_hello(message, of_server.server_key_exchange()));
        let resumed = server.as_ref().and_then(|server| {
            hello::resumed(server, of_server.messages(), of_server.change_cipher_spec())
        });
        let resumed = resumed.unwrap_or(false);
        let not_tls = read.looks_like_tls() == Some(false);
        let first = read.first_bytes();
        let sslv2 = hello::sslv2_hello(first).filter(|_| direction == Direction::Inbound);
        let plaintext = (not_tls && sslv2.is_none()).then(|| hello::classify_plaintext(first));
        let mut offered = client.as_ref().map(|hello| hello.versions.clone());
        if let Some(version) = sslv2 {
            offered = Some(vec![version]);
        }
        let progress = Progress {
            direction,
            version: server.as_ref().map(|hello| hello.version),
            resumed,
            authentication: authentication.client,
            presented: authentication.presented.is_some(),
            unsent: wire.has_unsent(),
        };
        Self {
            facts: Facts {
                direction,
                bytes_in: wire.bytes_in(),
                plaintext,
                sslv2: sslv2.is_some(),
                hello_complete: match direction {
                    Direction::Inbound => client.as_ref().is_some_and(|hello| hello.complete),
                    Direction::Outbound => server.is_some(),
                },
                offered_versions: offered.unwrap_or_default(),
                server_name_defect: client.as_ref().and_then(|hello| hello.server_name_defect),
                certificate: certificate_progress(wire, server.as_ref(), resumed),
                alert: read.alert().map(|alert| PlainAlert {
                    fatal: alert.is_fatal(),
                    code: alert.description,
                }),
                self_issued: authentication
                    .presented
                    .as_ref()
                    .is_some_and(|certificate| certificate.subject == certificate.issuer),
                expected_message: expected_message(read, written, progress),
            },
            bytes_out: wire.bytes_out(),
            first_bytes: not_tls.then(|| hello::excerpt(first)),
            sslv2,
            client,
            server,
            resumed,
            alert: last_alert(read, written),
            authentication,
            unacknowledged: None,
        }
    }

    /// The failure that this outcome means. Leaves the alert for the peer in the tap.
    pub(super) fn failure<T: Transport>(
        mut self,
        outcome: HandshakeEnd<'_>,
        wire: &mut Wire<T>,
    ) -> HandshakeFailure {
        let cause = diagnosis::cause(outcome, &self.facts);
        if let HandshakeEnd::Failed(error) = outcome
            && let Some(tls) = diagnosis::tls_error(error)
        {
            self.note_unseen_alert(tls);
            self.replace_alert(&cause, wire);
        }
        if matches!(outcome, HandshakeEnd::Deadline) && self.bytes_out > 0 {
            self.unacknowledged = wire.unacknowledged();
        }
        self.failed(cause, outcome)
    }

    /// What a successful handshake agreed on. `ours` are the application protocols we accept.
    pub(super) fn agreed(self, ours: &[Vec<u8>]) -> Tls {
        let ja4 = self.ja4();
        let client = self.client.unwrap_or_default();
        let server = self.server;
        let named = |name: fn(u16) -> Cow<'static, str>, number: Option<u16>| number.map(name);
        let alpn = ours
            .iter()
            .filter_map(|id| std::str::from_utf8(id).ok())
            .find(|id| client.alpn.iter().any(|offered| offered == id));
        let served = self
            .authentication
            .identities
            .as_ref()
            .filter(|_| !self.resumed);
        Tls {
            certificate_not_after: served
                .and_then(|ours| ours.until(client.server_name.as_deref())),
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
            client_certificate: self.authentication.presented,
        }
    }

    /// Replaces the alert that TLS has queued, while the peer can still read one in clear.
    fn replace_alert<T: Transport>(&mut self, cause: &HandshakeCause, wire: &mut Wire<T>) {
        if self.facts.direction == Direction::Outbound {
            return;
        }
        let Some(mut record) = PlainAlertRecord::about(cause, self.client.as_ref()) else {
            return;
        };
        if let Some(version) = self.sslv2 {
            record = record.in_version(version);
        }
        if wire.replace_unsent(&record.record()) {
            self.alert = Some(named_alert(AlertDirection::Sent, record.code));
        }
    }

    /// Notes an alert that passed encrypted, which only TLS's error shows.
    fn note_unseen_alert(&mut self, error: &Error) {
        let unseen = match error {
            Error::AlertReceived(alert) => (AlertDirection::Received, *alert),
            Error::NoCertificatesPresented => {
                (AlertDirection::Sent, AlertDescription::CertificateRequired)
            }
            Error::InvalidCertificate(why) => (AlertDirection::Sent, why.clone().into()),
            _ => return,
        };
        let (sent, alert) = unseen;
        self.alert = Some(named_alert(sent, alert.get_u8()));
    }

    fn failed(self, cause: HandshakeCause, outcome: HandshakeEnd<'_>) -> HandshakeFailure {
        let phase = diagnosis::phase(&cause, &self.facts);
        // Only these outcomes mean that a message is missing; in others it came and was wrong.
        let missing = match outcome {
            HandshakeEnd::Failed(error) => diagnosis::tls_error(error).is_none(),
            HandshakeEnd::Deadline | HandshakeEnd::Cancelled(_) => true,
        };
        let missing = missing && !matches!(cause, HandshakeCause::Plaintext(_));
        let ja4 = self.ja4();
        let client = self.client.unwrap_or_default();
        let server = self.server;
        let sent = server.is_some() && self.bytes_out > 0 && !self.resumed;
        let served = self.authentication.identities.as_ref().filter(|_| sent);
        let evidence = Evidence {
            certificate_not_after: served
                .and_then(|ours| ours.until(client.server_name.as_deref())),
            first_bytes: self.first_bytes,
            sni: client.server_name,
            offered_versions: versions(&self.facts.offered_versions),
            offered_alpn: client.alpn,
            ja4,
            alert: self.alert,
            client_certificate: self.authentication.presented,
            version: server.as_ref().map(|s| hello::version_name(s.version)),
            cipher_suite: server
                .as_ref()
                .map(|s| hello::cipher_suite_name(s.cipher_suite)),
            group: server.and_then(|s| s.group).map(hello::group_name),
            waiting_for: missing.then_some(self.facts.expected_message),
            unacknowledged: self.unacknowledged,
        };
        HandshakeFailure {
            cause,
            phase,
            evidence,
        }
    }

    fn ja4(&self) -> Option<String> {
        let client = self.client.as_ref().filter(|hello| hello.complete)?;
        Some(hello::ja4(client))
    }
}

/// Whether the client has received and accepted our certificate.
fn certificate_progress<T: Transport>(
    wire: &Wire<T>,
    server: Option<&ServerHello>,
    resumed: bool,
) -> CertificateProgress {
    let (read, written) = (&wire.read, &wire.written);
    let in_clear = written.messages().contains(&CERTIFICATE);
    let encrypted = server.is_some() && written.application_data() && !resumed;
    let ours = wire.direction() == Direction::Inbound;
    if !ours || !(in_clear || encrypted) || !wire.hello_left() || wire.has_unsent() {
        return CertificateProgress::Unsent;
    }
    // A client that goes on has accepted our certificate. A ChangeCipherSpec is no sign of that,
    // because a TLS 1.3 client sends it before.
    let went_on = read.application_data() || read.has_begun(CLIENT_KEY_EXCHANGE);
    if went_on {
        CertificateProgress::Accepted
    } else {
        CertificateProgress::Sent
    }
}

/// The peer's alert, otherwise ours. The peer's comes first, because ours says only what we know
/// already.
pub(super) fn last_alert(read: &RecordScanner, written: &RecordScanner) -> Option<Alert> {
    let of = |sent, scanner: &RecordScanner| {
        scanner
            .alert()
            .filter(|alert| alert.is_fatal())
            .map(|alert| named_alert(sent, alert.description))
    };
    of(AlertDirection::Received, read).or_else(|| of(AlertDirection::Sent, written))
}

pub(super) fn named_alert(sent: AlertDirection, code: u8) -> Alert {
    Alert {
        direction: sent,
        code,
        name: hello::alert_name(code),
    }
}

fn versions(numbers: &[u16]) -> Vec<Cow<'static, str>> {
    numbers.iter().map(|v| hello::version_name(*v)).collect()
}
