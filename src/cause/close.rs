//! Why an established session closed: one row for each cause.

use super::{Cancelled, Fault};
use crate::sip::BrokenStream;
use log::Level;
use std::fmt;

/// What is known of one cause.
pub(super) struct CloseRow {
    pub(super) fault: Fault,
    pub(super) level: Level,
    /// Whether the peer is sent what is queued and a close_notify.
    pub(super) peer_is_told: bool,
    pub(super) hint: &'static str,
    pub(super) explanation: &'static str,
}

causes! {
    /// Why a `Ready` connection closed. A closed set with stable names.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum CloseCause: CloseRow {
        /// The peer ended its side as TLS demands, with close_notify (RFC 8446 §6.1).
        PeerClosed = "peer_closed" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "the peer closed the session properly",
            explanation: "The peer closed the session properly, with close_notify. It unregistered, restarted \
                in good order, or had no more use for it. Nothing is to be done.",
        }
        /// FIN without close_notify: the stream may have been cut.
        Truncated = "truncated" {
            fault: Fault::Peer, level: Level::Info, peer_is_told: true,
            hint: "the peer closed without close_notify, as many do",
            explanation: "The peer ended the TCP connection without TLS's close_notify. Many phones and SIP \
                stacks always do, on restart or after unregistering. Nothing is to be done unless calls are \
                cut: then look for a device between that ends connections.",
        }
        /// RST, or the network gave the connection up.
        Reset = "reset" {
            fault: Fault::PeerOrPath, level: Level::Info, peer_is_told: false,
            hint: "a restart, a NAT that forgot, or the network",
            explanation: "The connection was reset or given up by the network. The peer crashed or lost power, \
                a NAT or firewall forgot the connection, or Wi-Fi was left. Let phones send keep-alives more \
                often than the NAT forgets (every 30 s or less).",
        }
        /// No SIP message came within the deadline after the handshake.
        FirstMessageTimeout = "first_message_timeout" {
            fault: Fault::Peer, level: Level::Info, peer_is_told: true,
            hint: "connected and said nothing: a monitor or scanner?",
            explanation: "TLS was established and no SIP message came within the deadline. Monitoring that \
                only tests the certificate and scanners do this; a phone does when its account is switched \
                off. Have the monitor send OPTIONS, or close sooner.",
        }
        /// The application did not hear who the peer is within the deadline.
        AuthenticationTimeout = "authentication_timeout" {
            fault: Fault::Peer, level: Level::Info, peer_is_told: true,
            hint: "nobody registered: no account, or a wrong password?",
            explanation: "SIP was spoken and the application did not hear within its deadline who the peer is. \
                A phone with a wrong password or without an account, or a scanner that sends OPTIONS. Look at \
                the SIP answers it gets.",
        }
        /// A message was begun and not finished within the deadline.
        PartialMessageTimeout = "partial_message_timeout" {
            fault: Fault::Peer, level: Level::Info, peer_is_told: true,
            hint: "a wrong Content-Length, or a peer that hangs",
            explanation: "A SIP message was begun and not finished within the deadline. Its Content-Length is \
                larger than its body, or the peer or the path hangs. Look at what the peer sends: a wrong \
                length is a defect of its software or of an ALG that rewrites bodies.",
        }
        /// Nothing came for the idle time and nothing held the session open.
        IdleTimeout = "idle_timeout" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "nothing came and no binding was left",
            explanation: "Nothing came for the idle time, and no registration or trunk held the session open. \
                Usually a phone that unregistered or disappeared without closing. Nothing is to be done; a \
                peer that wants to stay registers, or sends keep-alives.",
        }
        /// The peer took no bytes from us for the deadline.
        WriteStalled = "write_stalled" {
            fault: Fault::PeerOrPath, level: Level::Info, peer_is_told: false,
            hint: "the peer is gone or hangs: it takes no bytes",
            explanation: "The peer took no bytes from us until the deadline. It lost its network unnoticed, \
                its software hangs, or it is overloaded. If it is a busy trunk, look at its load and \
                at packet loss between.",
        }
        /// The peer had closed its half and the rest took too long.
        HalfClosedTimeout = "half_closed_timeout" {
            fault: Fault::Peer, level: Level::Info, peer_is_told: true,
            hint: "it closed its side and did not take our answers",
            explanation: "The peer closed its direction, and what we still had for it did not leave in time. \
                It stopped reading when it closed, as most do. Nothing is to be done.",
        }
        /// Our keep-alive was not answered (RFC 5626 §4.4.1).
        PongMissed = "pong_missed" {
            fault: Fault::PeerOrPath, level: Level::Info, peer_is_told: true,
            hint: "our keep-alive was not answered: the path is dead?",
            explanation: "Our keep-alive was not answered in time (RFC 5626). The peer is gone or a NAT has \
                forgotten the connection. The peer should connect and register again.",
        }
        /// What came cannot be framed as SIP; the stream is out of step for good.
        Framing(_: BrokenStream = BrokenStream::START_LINE) = "framing" {
            fault: Fault::Peer, level: Level::Info, peer_is_told: true,
            hint: "not SIP, or a wrong Content-Length",
            explanation: "What came cannot be cut into SIP messages, and after that nothing in the stream can \
                be trusted. The detail names the rule broken: Content-Length missing or wrong, a header line \
                that is none, a message above the limits, or no SIP at all. Correct the sender; suspect an ALG \
                if the same device works on another network.",
        }
        /// A newer connection took its place.
        Replaced = "replaced" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "a newer connection took its place",
            explanation: "A newer connection of the same peer took the place of this one. Usual after a phone \
                changed network. If it repeats all the time, two devices share one account or instance id.",
        }
        /// An operator or the application closed it.
        Operator = "operator" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "closed on request",
            explanation: "An operator or the application closed the session. Nothing is wrong with the peer.",
        }
        /// The supervisor is shutting down.
        Drain = "drain" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "we are shutting down",
            explanation: "We closed the session because the supervisor is shutting down. The peer will connect \
                again elsewhere or later.",
        }
        /// It was still open when the drain deadline passed.
        DrainDeadline = "drain_deadline" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "did not end in time for our shutdown",
            explanation: "The session was still open when the time for shutting down was over, and was cut. \
                Its handler was busy, or the peer did not take what was queued. Give the shutdown more time, \
                or look at what the handler waits for.",
        }
        /// The TLS policy it was accepted under has been retired.
        GenerationAged = "generation_aged" {
            fault: Fault::Nobody, level: Level::Info, peer_is_told: true,
            hint: "our old certificate's time is over",
            explanation: "The session was made under a TLS policy that has been retired, and was closed so \
                that the peer connects again under the new one. Nothing is wrong with the peer.",
        }
        /// The peer's certificate was revoked meanwhile.
        CertificateRevoked = "certificate_revoked" {
            fault: Fault::Peer, level: Level::Warn, peer_is_told: true,
            hint: "its certificate was revoked meanwhile",
            explanation: "The certificate the peer had shown was revoked while the session was open. Somebody \
                wanted it not to be used any more: find out why before a new one is issued.",
        }
        /// A fatal TLS alert came after the handshake: under TLS 1.3 a peer may reject us this late.
        RejectedByPeer = "rejected_by_peer" {
            fault: Fault::ProbablyUs, level: Level::Warn, peer_is_told: false,
            hint: "it does not trust our certificate?",
            explanation: "The peer sent a fatal TLS alert after the handshake: under TLS 1.3 a client may \
                reject our certificate this late. The alert says why; unknown_ca, bad_certificate and \
                certificate_unknown mean that it does not trust our certificate. Give it the authority, send \
                the intermediates, check the name and the date.",
        }
        /// The TLS records broke: bad MAC, bad length, a message out of place.
        Misbehaved = "misbehaved" {
            fault: Fault::Peer, level: Level::Warn, peer_is_told: false,
            hint: "bytes changed on the way, or a broken TLS stack",
            explanation: "The TLS records broke: one does not decrypt, has a wrong length, or is out of place. \
                A device between changes traffic, the peer's TLS is defective, or somebody tries. If it \
                repeats from one network, look at what stands between.",
        }
        /// A defect of ours: a panic in the session or in its handler, with the message.
        Internal(_: String = String::new()) = "internal" {
            fault: Fault::Us, level: Level::Error, peer_is_told: true,
            hint: "a defect of ours or of the application: see detail",
            explanation: "Something panicked on our side, in the session or in the application's handler. The \
                session was closed and accounted for, others are not touched. The detail has the panic's \
                words; report or repair it.",
        }
        /// The supervisor died; its wrapper closed the session.
        SupervisorGone = "supervisor_gone" {
            fault: Fault::Us, level: Level::Error, peer_is_told: true,
            hint: "our supervisor died: see the error in the log",
            explanation: "The supervisor died and its sessions were closed. The panic is in the log and in the \
                last event; please report it. Start the program again.",
        }
    }
}

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
        self.row().fault
    }

    /// The level its log line has unless an operator says otherwise.
    pub const fn level(&self) -> Level {
        self.row().level
    }

    /// A few words for the log line: the likeliest reason in a SIP deployment. At most 64 characters.
    pub const fn hint(&self) -> &'static str {
        self.row().hint
    }

    /// Two or three sentences: what happened, most likely why in a SIP deployment, what to do.
    /// `docs/closing-and-refusal.md` has the long form.
    pub const fn explain(&self) -> &'static str {
        self.row().explanation
    }

    /// Whether the peer is sent what is queued and a close_notify. A peer that reset the connection or does
    /// not read is not; after a TLS error TLS has sent a fatal alert already.
    pub(crate) const fn peer_is_told(&self) -> bool {
        self.row().peer_is_told
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
