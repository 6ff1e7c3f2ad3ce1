//! Why a step failed: sipward's own vocabulary, of handshakes and of sessions.

use super::remedy;
use sipward::{Alert, CloseCause, ConnectFailed, HandshakeCause};

/// Why a step failed.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The connection failed, at once or when the server had thought about our certificate.
    Connect(Box<ConnectFailed>),
    /// The connection stood, and then this.
    Close(CloseCause),
}

/// A cause with all that is said about it.
pub struct Verdict<'a> {
    /// The name, in snake_case.
    pub name: &'static str,
    /// What narrows it down.
    pub detail: Option<String>,
    /// How far it had come.
    pub phase: &'static str,
    /// Whose fault it most likely was.
    pub fault: &'static str,
    /// The alert seen.
    pub alert: Option<&'a Alert>,
    /// What to do.
    pub remedy: String,
}

impl Cause {
    /// `has_identity`: whether we had a certificate to show.
    pub fn verdict(&self, has_identity: bool) -> Verdict<'_> {
        match self {
            Self::Connect(failed) => of_connect(failed, has_identity),
            Self::Close(cause) => Verdict {
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

pub fn of_connect(failed: &ConnectFailed, has_identity: bool) -> Verdict<'_> {
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
    Verdict {
        name: failed.failure.cause.name(),
        detail: failed.failure.cause.detail(),
        phase: failed.failure.phase.name(),
        fault: failed.fault().name(),
        alert: failed.failure.evidence.alert.as_ref(),
        remedy,
    }
}

pub fn of_resolution(cause: &HandshakeCause) -> Verdict<'_> {
    Verdict {
        name: cause.name(),
        detail: cause.detail(),
        phase: "resolve",
        fault: cause.fault().name(),
        alert: None,
        remedy: remedy::of_handshake(cause).to_owned(),
    }
}
