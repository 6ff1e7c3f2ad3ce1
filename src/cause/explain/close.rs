//! What is told about a session that closed.

use super::{Advice, advice};
use crate::cause::CloseCause;

impl CloseCause {
    /// A few words for the log line: the likeliest reason in a SIP deployment. At most 64 characters.
    pub const fn hint(&self) -> &'static str {
        told(self).hint
    }

    /// Two or three sentences: what happened, most likely why in a SIP deployment, what to do.
    /// `docs/closing-and-refusal.md` has the long form.
    pub const fn explain(&self) -> &'static str {
        told(self).explanation
    }
}

const fn told(cause: &CloseCause) -> Advice {
    match cause {
        CloseCause::PeerClosed => advice(
            "the peer said goodbye",
            "The peer closed the session properly, with close_notify. It unregistered, restarted in \
             good order, or had no more use for it. Nothing is to be done.",
        ),
        CloseCause::Truncated => advice(
            "the peer closed without close_notify, as many do",
            "The peer ended the TCP connection without TLS's close_notify. Many phones and SIP \
             stacks always do, on restart or after unregistering. Nothing is to be done unless calls \
             are cut: then look for a device between that ends connections.",
        ),
        CloseCause::Reset => advice(
            "a restart, a NAT that forgot, or the network",
            "The connection was reset or given up by the network. The peer crashed or lost power, a \
             NAT or firewall forgot the connection, or Wi-Fi was left. Let phones send keep-alives \
             more often than the NAT forgets (every 30 s or less).",
        ),
        CloseCause::FirstMessageTimeout => advice(
            "connected and said nothing: a monitor or scanner?",
            "TLS was established and no SIP message came within the deadline. Monitoring that only \
             tests the certificate and scanners do this; a phone does when its account is switched \
             off. Have the monitor send OPTIONS, or close sooner.",
        ),
        CloseCause::AuthenticationTimeout => advice(
            "nobody registered: no account, or a wrong password?",
            "SIP was spoken and the application did not hear within its deadline who the peer is. A \
             phone with a wrong password or without an account, or a scanner that sends OPTIONS. \
             Look at the SIP answers it gets.",
        ),
        CloseCause::PartialMessageTimeout => advice(
            "a wrong Content-Length, or a peer that hangs",
            "A SIP message was begun and not finished within the deadline. Its Content-Length is \
             larger than its body, or the peer or the path hangs. Look at what the peer sends: a \
             wrong length is a defect of its software or of an ALG that rewrites bodies.",
        ),
        CloseCause::IdleTimeout => advice(
            "nothing came and no binding was left",
            "Nothing came for the idle time, and no registration or trunk held the session open. \
             Usually a phone that unregistered or disappeared without closing. Nothing is to be done; \
             a peer that wants to stay registers, or sends keep-alives.",
        ),
        CloseCause::WriteStalled => advice(
            "the peer is gone or hangs: it takes no bytes",
            "The peer took no bytes from us until the deadline. It lost its network without a \
             goodbye, its software hangs, or it is overloaded. If it is a busy trunk, look at its \
             load and at packet loss between.",
        ),
        CloseCause::HalfClosedTimeout => advice(
            "it said goodbye but did not take our answers",
            "The peer closed its direction, and what we still had for it did not leave in time. It \
             stopped reading when it said goodbye, as most do. Nothing is to be done.",
        ),
        CloseCause::PongMissed => advice(
            "our keep-alive was not answered: the path is dead?",
            "Our keep-alive was not answered in time (RFC 5626). The peer is gone or a NAT has \
             forgotten the connection. The peer should connect and register again.",
        ),
        CloseCause::Framing(_) => advice(
            "not SIP, or a wrong Content-Length",
            "What came cannot be cut into SIP messages, and after that nothing in the stream can be \
             trusted. The detail names the rule broken: Content-Length missing or wrong, a header \
             line that is none, a message above the limits, or no SIP at all. Correct the sender; \
             suspect an ALG if the same device works on another network.",
        ),
        CloseCause::OutboundOverflow => advice(
            "it reads slower than it is sent to",
            "More was waiting to be sent to the peer than its queue may hold. It is overloaded or \
             its path is too slow for its traffic. Spread the load over more connections, or raise \
             the flow budget if memory allows.",
        ),
        CloseCause::Replaced => advice(
            "a newer connection took its place",
            "A newer connection of the same peer took the place of this one. Usual after a phone \
             changed network. If it repeats all the time, two devices share one account or instance id.",
        ),
        CloseCause::Operator => advice(
            "closed on request",
            "An operator or the application closed the session. Nothing is wrong with the peer.",
        ),
        CloseCause::Drain => advice(
            "we are shutting down",
            "We closed the session because the supervisor is shutting down. The peer will connect \
             again elsewhere or later.",
        ),
        CloseCause::DrainDeadline => advice(
            "did not end in time for our shutdown",
            "The session was still open when the time for shutting down was over, and was cut. Its \
             handler was busy, or the peer did not take what was queued. Give the shutdown more \
             time, or look at what the handler waits for.",
        ),
        CloseCause::GenerationAged => advice(
            "our old certificate's time is over",
            "The session was made under a TLS policy that has been retired, and was closed so that \
             the peer connects again under the new one. Nothing is wrong with the peer.",
        ),
        CloseCause::CertificateRevoked => advice(
            "its certificate was revoked meanwhile",
            "The certificate the peer had shown was revoked while the session was open. Somebody \
             wanted it not to be used any more: find out why before a new one is issued.",
        ),
        CloseCause::RejectedByPeer => advice(
            "it does not trust our certificate?",
            "The peer sent a fatal TLS alert after the handshake: under TLS 1.3 a client may reject \
             our certificate this late. The alert says why; unknown_ca, bad_certificate and \
             certificate_unknown mean that it does not trust our certificate. Give it the authority, \
             send the intermediates, check the name and the date.",
        ),
        CloseCause::Misbehaved => advice(
            "bytes changed on the way, or a broken TLS stack",
            "The TLS records broke: one does not decrypt, has a wrong length, or is out of place. A \
             device between changes traffic, the peer's TLS is defective, or somebody tries. If it \
             repeats from one network, look at what stands between.",
        ),
        CloseCause::Internal(_) => advice(
            "a defect of ours or of the application: see detail",
            "Something panicked on our side, in the session or in the application's handler. The \
             session was closed and accounted for, others are not touched. The detail has the \
             panic's words; report or repair it.",
        ),
        CloseCause::SupervisorGone => advice(
            "our supervisor died: see the error in the log",
            "The supervisor died and its sessions were closed. The panic is in the log and in the \
             last event; please report it. Start the program again.",
        ),
    }
}
