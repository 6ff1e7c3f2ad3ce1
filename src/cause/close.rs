//! Why an established session closed.

use super::{Cancelled, Fault};
use crate::sip::BrokenStream;
use log::Level;
use std::fmt;

/// Why a `Ready` connection closed. A closed set with stable names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCause {
    /// The peer said goodbye as TLS demands: close_notify (RFC 8446 §6.1).
    PeerClosed,
    /// FIN without close_notify: the stream may have been cut.
    Truncated,
    /// RST, or the network gave the connection up.
    Reset,
    /// No SIP message came within the deadline after the handshake.
    FirstMessageTimeout,
    /// The application did not hear who the peer is within the deadline.
    AuthenticationTimeout,
    /// A message was begun and not finished within the deadline.
    PartialMessageTimeout,
    /// Nothing came for the idle time and nothing held the session open.
    IdleTimeout,
    /// The peer took no bytes from us for the deadline.
    WriteStalled,
    /// The peer had closed its half and the rest took too long.
    HalfClosedTimeout,
    /// Our keep-alive was not answered (RFC 5626 §4.4.1).
    PongMissed,
    /// What came cannot be framed as SIP; the stream is out of step for good.
    Framing(BrokenStream),
    /// More was waiting to be sent than the flow's byte budget allows.
    OutboundOverflow,
    /// A newer connection took its place.
    Replaced,
    /// An operator or the application closed it.
    Operator,
    /// The supervisor is shutting down.
    Drain,
    /// It was still open when the drain deadline passed.
    DrainDeadline,
    /// The TLS policy it was accepted under has been retired.
    GenerationAged,
    /// The peer's certificate was revoked meanwhile.
    CertificateRevoked,
    /// A fatal TLS alert came after the handshake: under TLS 1.3 a peer may reject us this late.
    RejectedByPeer,
    /// The TLS records broke: bad MAC, bad length, a message out of place.
    Misbehaved,
    /// A defect of ours: a panic in the session or in its handler, with the message.
    Internal(String),
    /// The supervisor died; its wrapper closed the session.
    SupervisorGone,
}

closed_set!(CloseCause {
    PeerClosed = "peer_closed",
    Truncated = "truncated",
    Reset = "reset",
    FirstMessageTimeout = "first_message_timeout",
    AuthenticationTimeout = "authentication_timeout",
    PartialMessageTimeout = "partial_message_timeout",
    IdleTimeout = "idle_timeout",
    WriteStalled = "write_stalled",
    HalfClosedTimeout = "half_closed_timeout",
    PongMissed = "pong_missed",
    Framing(BrokenStream::START_LINE) = "framing",
    OutboundOverflow = "outbound_overflow",
    Replaced = "replaced",
    Operator = "operator",
    Drain = "drain",
    DrainDeadline = "drain_deadline",
    GenerationAged = "generation_aged",
    CertificateRevoked = "certificate_revoked",
    RejectedByPeer = "rejected_by_peer",
    Misbehaved = "misbehaved",
    Internal(String::new()) = "internal",
    SupervisorGone = "supervisor_gone",
});

impl CloseCause {
    /// What narrows the name down: the framing violation, the text of a panic.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Framing(broken) => Some(broken.violation.name().into()),
            Self::Internal(what) => Some(what.clone()),
            _ => None,
        }
    }

    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::PeerClosed
            | Self::IdleTimeout
            | Self::Replaced
            | Self::Operator
            | Self::Drain
            | Self::DrainDeadline
            | Self::GenerationAged => Fault::Nobody,
            Self::Reset | Self::PongMissed | Self::WriteStalled => Fault::PeerOrPath,
            Self::OutboundOverflow => Fault::Both,
            Self::RejectedByPeer => Fault::ProbablyUs,
            Self::Internal(_) | Self::SupervisorGone => Fault::Us,
            _ => Fault::Peer,
        }
    }

    /// The level its log line has unless an operator says otherwise.
    pub const fn level(&self) -> Level {
        match self {
            Self::Internal(_) | Self::SupervisorGone => Level::Error,
            Self::RejectedByPeer
            | Self::Misbehaved
            | Self::OutboundOverflow
            | Self::CertificateRevoked => Level::Warn,
            _ => Level::Info,
        }
    }

    /// Whether the peer is sent what is queued and a close_notify. A peer that reset the connection or does
    /// not read is not; after a TLS error TLS has sent a fatal alert already.
    pub(crate) const fn peer_is_told(&self) -> bool {
        !matches!(
            self,
            Self::Reset | Self::WriteStalled | Self::Misbehaved | Self::RejectedByPeer
        )
    }

    /// The same reason, said of a session that was still open when its grace had passed.
    pub(crate) fn past_grace(self) -> Self {
        match self {
            Self::Drain => Self::DrainDeadline,
            cause => cause,
        }
    }

    /// The same reason, said of a handshake that was still going on when it was given.
    pub(crate) const fn as_cancelled(&self) -> Cancelled {
        match self {
            Self::Drain | Self::DrainDeadline => Cancelled::Drain,
            Self::SupervisorGone => Cancelled::SupervisorGone,
            _ => Cancelled::Operator,
        }
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{} ({detail})", self.name()),
            None => f.write_str(self.name()),
        }
    }
}
