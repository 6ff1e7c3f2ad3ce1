//! Why a step failed, by sipward's causes of failed handshakes and of closed sessions.

use super::remedy;
use sipward::{Alert, CloseCause, ConnectFailed, HandshakeCause};

/// Why a step failed.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The handshake failed, or it failed afterwards when the server refused the client
    /// certificate.
    Connect(Box<ConnectFailed>),
    /// The connection was established and then failed.
    Close(CloseCause),
}

/// A cause with everything that is reported about it.
pub struct Explanation<'a> {
    /// The cause's name, in snake_case.
    pub name: &'static str,
    /// What the cause says beyond its name.
    pub detail: Option<String>,
    /// The phase in which it failed.
    pub phase: &'static str,
    /// Whose fault it most likely is.
    pub fault: &'static str,
    /// The alert that was sent or received.
    pub alert: Option<&'a Alert>,
    /// What to do about it.
    pub remedy: String,
}

impl Cause {
    /// Explains it. `has_identity`: whether a client certificate was given.
    pub fn explanation(&self, has_identity: bool) -> Explanation<'_> {
        match self {
            Self::Connect(failed) => of_connect(failed, has_identity),
            Self::Close(cause) => Explanation {
                name: cause.name(),
                detail: cause.detail(),
                phase: "established",
                fault: cause.fault().name(),
                alert: None,
                remedy: remedy::of_close(cause).to_owned(),
            },
        }
    }
}

pub fn of_connect(failed: &ConnectFailed, has_identity: bool) -> Explanation<'_> {
    let mut remedy = remedy::of_handshake(&failed.failure.cause).to_owned();
    let rejected = failed.failure.cause == HandshakeCause::RejectedByPeer;
    if rejected && failed.asked_for_certificate {
        remedy = match has_identity {
            false => "The server demands a client certificate and none was given: use --cert and \
                      --key with one of an authority it trusts."
                .to_owned(),
            true => "The server does not take the certificate of --cert; the alert says why. Give \
                     one of an authority it trusts, in its time, made for client authentication."
                .to_owned(),
        };
    }
    Explanation {
        name: failed.failure.cause.name(),
        detail: failed.failure.cause.detail(),
        phase: failed.failure.phase.name(),
        fault: failed.fault().name(),
        alert: failed.failure.evidence.alert.as_ref(),
        remedy,
    }
}

pub fn of_resolution(cause: &HandshakeCause) -> Explanation<'_> {
    Explanation {
        name: cause.name(),
        detail: cause.detail(),
        phase: "resolve",
        fault: cause.fault().name(),
        alert: None,
        remedy: remedy::of_handshake(cause).to_owned(),
    }
}
