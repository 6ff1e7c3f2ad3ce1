//! Finds why an outbound handshake failed, from the observation and from facts that only a client has.

use super::ServerAuthentication;
use crate::cause::{HandshakeCause, Phase};
use crate::connection::{Alert, AlertDirection, Evidence, HandshakeFailure, Tls};
use crate::tls::diagnosis::HandshakeEnd;
use crate::tls::observation::{Observation, PeerAuthentication};
use crate::tls::tap::Wire;
use crate::transport::Transport;
use rustls::AlertDescription;
use std::io;
use std::sync::Arc;

const CERTIFICATE: u8 = 11;

/// The failure of a handshake that ended like this.
pub(super) fn failure<T: Transport>(
    outcome: HandshakeEnd<'_>,
    wire: &mut Wire<T>,
    server: &ServerAuthentication,
) -> HandshakeFailure {
    let seen = observation(wire, server).failure(outcome, wire);
    let cause = cause(seen.cause, &seen.evidence, wire, server);
    // The server has sent its ServerHello and, in the same flight, a request for our certificate.
    let judges_us = server.asked_for_certificate()
        && seen.evidence.version.is_some()
        && !cause.name().starts_with("server_certificate_");
    let phase = match judges_us {
        true => Phase::ClientAuth,
        false => seen.phase,
    };
    HandshakeFailure {
        cause,
        phase,
        evidence: of_a_server(seen.evidence),
    }
}

/// The failure that an error after the handshake means. Under TLS 1.3 a server checks our certificate
/// after the handshake is done for us; until the server has sent something (`server_has_sent`), the error is
/// about that certificate.
pub(super) fn late_failure<T: Transport>(
    error: &io::Error,
    server_has_sent: bool,
    wire: &mut Wire<T>,
    server: &ServerAuthentication,
) -> HandshakeFailure {
    let mut failure = failure(HandshakeEnd::Failed(error), wire, server);
    let judged_late = failure.evidence.version.as_deref() != Some("TLSv1.2");
    failure.phase = match server.asked_for_certificate() && judged_late && !server_has_sent {
        true => Phase::ClientAuth,
        false => Phase::Established,
    };
    failure.evidence.waiting_for = None;
    failure
}

/// What a successful handshake agreed on.
pub(super) fn agreed<T: Transport>(wire: &Wire<T>, server: &ServerAuthentication) -> Tls {
    Tls {
        ja4: None,
        client_certificate: None,
        ..observation(wire, server).agreed(&[])
    }
}

fn observation<T: Transport>(wire: &Wire<T>, server: &ServerAuthentication) -> Observation {
    let authentication = PeerAuthentication {
        client: server.asked_for_certificate(),
        presented: server.chain().into_iter().next().map(Arc::new),
        identities: None,
    };
    Observation::new(wire, authentication)
}

/// Adapts an observation to the client's side: the peer's certificate is the server's, and the hello is
/// ours.
fn of_a_server(evidence: Evidence) -> Evidence {
    Evidence {
        ja4: None,
        client_certificate: None,
        ..evidence
    }
}

fn cause<T: Transport>(
    cause: HandshakeCause,
    evidence: &Evidence,
    wire: &Wire<T>,
    server: &ServerAuthentication,
) -> HandshakeCause {
    match cause {
        HandshakeCause::RejectedByPeer => rejected(evidence.alert.as_ref()),
        // In TLS 1.2 our certificate, if we have one, is sent in clear.
        HandshakeCause::PeerClosed | HandshakeCause::PeerReset
            if server.asked_for_certificate() && wire.written.messages().contains(&CERTIFICATE) =>
        {
            HandshakeCause::PeerLeftAfterCertificate
        }
        cause => cause,
    }
}

/// The cause for an alert of the server. Alerts that can have only one reason have a cause of their own
/// (RFC 8446 §6.2).
fn rejected(alert: Option<&Alert>) -> HandshakeCause {
    let theirs = alert.filter(|alert| alert.direction == AlertDirection::Received);
    match theirs.map(|alert| AlertDescription::from(alert.code)) {
        Some(AlertDescription::ProtocolVersion) => HandshakeCause::VersionMismatch,
        Some(AlertDescription::InsufficientSecurity) => HandshakeCause::NoCommonCipher,
        Some(AlertDescription::UnrecognisedName) => HandshakeCause::UnknownServerName,
        Some(AlertDescription::NoApplicationProtocol) => HandshakeCause::AlpnMismatch,
        _ => HandshakeCause::RejectedByPeer,
    }
}
