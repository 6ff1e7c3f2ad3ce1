//! Why a handshake of ours failed: what the witness says, and what only the client's side can tell.

use super::Shown;
use crate::cause::{HandshakeCause, Phase};
use crate::evidence::{Alert, Evidence, Sent, Tls};
use crate::lane::HandshakeFailure;
use crate::tls::diagnosis::Outcome;
use crate::tls::tap::Wire;
use crate::tls::witness::{Asked, Witness};
use crate::transport::Transport;
use rustls::AlertDescription;
use std::io;
use std::sync::Arc;

const CERTIFICATE: u8 = 11;

/// The failure a handshake that ended like this amounts to.
pub(super) fn failure<T: Transport>(
    outcome: Outcome<'_>,
    wire: &mut Wire<T>,
    shown: &Shown,
) -> HandshakeFailure {
    let seen = witness(wire, shown).failure(outcome, wire);
    let cause = cause(seen.cause, &seen.evidence, wire, shown);
    // The ServerHello was there, and in the flight behind it the wish for our certificate.
    let judges_us = shown.asked_for_certificate()
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

/// The same for an error after the handshake. Under TLS 1.3 a server judges our certificate when the
/// handshake is over for us; until something was `heard` that is what it was about.
pub(super) fn late_failure<T: Transport>(
    error: &io::Error,
    heard: bool,
    wire: &mut Wire<T>,
    shown: &Shown,
) -> HandshakeFailure {
    let mut failure = failure(Outcome::Failed(error), wire, shown);
    let judged_late = failure.evidence.version.as_deref() != Some("TLSv1.2");
    failure.phase = match shown.asked_for_certificate() && judged_late && !heard {
        true => Phase::ClientAuth,
        false => Phase::Established,
    };
    failure.evidence.waiting_for = None;
    failure
}

/// What was agreed, when the handshake succeeded.
pub(super) fn agreed<T: Transport>(wire: &Wire<T>, shown: &Shown) -> Tls {
    Tls {
        ja4: None,
        client_certificate: None,
        ..witness(wire, shown).agreed(&[])
    }
}

fn witness<T: Transport>(wire: &Wire<T>, shown: &Shown) -> Witness {
    let asked = Asked {
        client: shown.asked_for_certificate(),
        presented: shown.chain().into_iter().next().map(Arc::new),
        identities: None,
    };
    Witness::new(wire, asked)
}

/// What a witness says of the peer's certificate and of the hello is here the server's and ours.
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
    shown: &Shown,
) -> HandshakeCause {
    match cause {
        HandshakeCause::RejectedByPeer => rejected(evidence.alert.as_ref()),
        // In TLS 1.2 our certificate leaves in clear, if we have one.
        HandshakeCause::PeerClosed | HandshakeCause::PeerReset
            if shown.asked_for_certificate() && wire.written.messages().contains(&CERTIFICATE) =>
        {
            HandshakeCause::PeerLeftAfterCertificate
        }
        cause => cause,
    }
}

/// The alerts that can mean one thing only are named for it (RFC 8446 §6.2).
fn rejected(alert: Option<&Alert>) -> HandshakeCause {
    let theirs = alert.filter(|alert| alert.sent == Sent::ByPeer);
    match theirs.map(|alert| AlertDescription::from(alert.code)) {
        Some(AlertDescription::ProtocolVersion) => HandshakeCause::VersionMismatch,
        Some(AlertDescription::InsufficientSecurity) => HandshakeCause::NoCommonCipher,
        Some(AlertDescription::UnrecognisedName) => HandshakeCause::UnknownServerName,
        Some(AlertDescription::NoApplicationProtocol) => HandshakeCause::AlpnMismatch,
        _ => HandshakeCause::RejectedByPeer,
    }
}
