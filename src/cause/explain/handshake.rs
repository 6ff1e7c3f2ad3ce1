//! What is told about a handshake that failed.

use super::{Advice, advice, client, outbound, server};
use crate::cause::{Cancelled, HandshakeCause, Plaintext};

impl HandshakeCause {
    /// A few words for the log line: the likeliest reason in a SIP deployment. At most 64 characters.
    pub const fn hint(&self) -> &'static str {
        told(self).hint
    }

    /// Two or three sentences: what happened, most likely why in a SIP deployment, what to do.
    /// `docs/handshake-failures.md` has the long form.
    pub const fn explain(&self) -> &'static str {
        told(self).explanation
    }
}

const fn told(cause: &HandshakeCause) -> Advice {
    match cause {
        HandshakeCause::Probe => advice(
            "a health check or a port scan",
            "The connection was closed before a byte was sent. Load balancers, monitoring and port \
             scanners do this; it harms nothing. If a phone shows up like this, it gave up while \
             connecting: look at its own log.",
        ),
        HandshakeCause::Plaintext(what) => plaintext(what),
        HandshakeCause::TimeoutSilent => advice(
            "a scanner, or a client waiting for us to speak first",
            "TCP was connected and then nothing came until the deadline. Scanners do this, and so do \
             firewalls that answer for a peer that is gone, and clients of protocols in which the \
             server speaks first. If a phone does, look whether a firewall or SIP ALG on its way \
             holds its ClientHello back.",
        ),
        HandshakeCause::TimeoutStalled => advice(
            "path MTU, a SIP ALG, or a very slow client?",
            "The handshake began and stopped half-way until the deadline. Large packets that \
             disappear (path MTU, VPN, PPPoE), a SIP ALG or firewall that interferes, and overloaded \
             devices look like this. Switch the ALG off, clamp the TCP segment size on the router, \
             and shorten the certificate chain.",
        ),
        HandshakeCause::PeerClosed => advice(
            "the peer gave up: its timeout, or a restart",
            "The peer ended the connection in the middle of the handshake, without an alert. It \
             restarted, its own timeout was shorter, or it is a scanner that had seen enough. Look \
             at the peer's log at the same second.",
        ),
        HandshakeCause::PeerReset => advice(
            "a firewall, a crash, or a scanner",
            "The connection was reset (TCP RST) in the middle of the handshake. A firewall that \
             inspects TLS, a peer that crashed or restarted, and scanners do this. Compare a packet \
             capture on both sides: if the peer never sent the RST, something between did.",
        ),
        HandshakeCause::PeerLeftAfterCertificate => advice(
            "it does not trust our certificate?",
            "The peer saw our certificate and left without a word, which is how many phones reject \
             one. Give it the authority our certificate comes from, send the intermediate \
             certificates too, and make sure that the certificate names the host the phone is set \
             to and that the phone's clock is right.",
        ),
        HandshakeCause::Malformed => advice(
            "not a TLS client, or something changed the bytes",
            "What came looks like TLS and cannot be read as it. Fuzzers and scanners send this; from \
             a phone it means a device on the way that changes the bytes, or broken firmware. Try \
             without the SIP ALG, then update the firmware.",
        ),
        HandshakeCause::VersionMismatch => advice(
            "TLS 1.0 or 1.1 only? update its firmware",
            "The two sides share no TLS version. Most often the peer is old equipment that ends at \
             TLS 1.0 or 1.1, which nobody should speak any more (RFC 8996). Update its firmware or \
             raise its TLS setting to 1.2; if our own policy is set to one version, allow both.",
        ),
        HandshakeCause::NoCommonCipher => advice(
            "old firmware, or a cipher list set too narrowly",
            "The two sides share no cipher suite. The peer offers only suites without forward \
             secrecy (RSA key exchange, CBC), or only ones for the kind of key our certificate does \
             not have. Update it or widen its cipher list to ECDHE with AES-GCM or ChaCha20.",
        ),
        HandshakeCause::NoCommonGroup => advice(
            "its curves are too few: allow X25519 or P-256",
            "The two sides share no key exchange group. We take X25519, P-256 and P-384; the peer \
             offers only others, or none. Widen its list of curves, or update its firmware.",
        ),
        HandshakeCause::NoCommonSignature => advice(
            "it takes only RSA? our key is of another kind",
            "The peer accepts no signature our key can make: it takes RSA alone and our key is \
             ECDSA, or it is too old for SHA-256. Update it, or serve an RSA certificate to such \
             equipment, by its server name or on a listener of its own.",
        ),
        HandshakeCause::AlpnMismatch => advice(
            "its ALPN is not one we accept: an HTTPS client?",
            "The peer insists on an application protocol (ALPN) that is not among those of our \
             policy. Usually it is an HTTPS client or a scanner and not SIP at all. If it is a SIP \
             peer, add its protocol to the policy or switch ALPN off on either side.",
        ),
        HandshakeCause::UnknownServerName => advice(
            "no certificate for the name it asked for",
            "The peer asked for a server name we hold no certificate for, or for none, and the \
             policy is strict about it. Correct the host in the peer's settings, add an identity for \
             that name, or let the policy answer unknown names with its first certificate.",
        ),
        HandshakeCause::RejectedByPeer => advice(
            "it does not trust our certificate?",
            "The peer broke the handshake off with a TLS alert; the alert says why. unknown_ca, \
             bad_certificate and certificate_unknown mean that it does not trust our certificate: \
             give it the authority, send the intermediates, check the name and the date. After \
             handshake_failure or protocol_version compare what both sides allow.",
        ),
        HandshakeCause::Misbehaved => advice(
            "a broken TLS stack, or an attack",
            "The peer broke the rules of TLS: a message out of place, a value that is not allowed. \
             Scanners and attacks do this, and old firmware does. If it is a known device, update it; \
             if not, consider banning the source.",
        ),
        HandshakeCause::Crypto => advice(
            "bytes changed on the way, or a broken TLS stack",
            "A record or signature did not verify: the bytes are not what the sender made. A \
             middlebox that changes traffic, a defective device, or somebody who tries. If it \
             repeats from one network, look at what stands between; from one model, update it.",
        ),
        HandshakeCause::Cancelled(by) => cancelled(*by),
        HandshakeCause::Io(_) => advice(
            "the network failed on the way",
            "The network failed during the handshake: the operating system's error is given with it. \
             Routes that vanish and hosts that disappear look like this. Nothing is wrong with TLS; \
             look at the path between.",
        ),
        HandshakeCause::Internal(_) => advice(
            "a defect of ours: please report it",
            "Something went wrong on our side that should not be able to: a panic, or an error \
             nobody has given a cause. The connection was closed and accounted for, others are not \
             touched. Please report it with the log line.",
        ),
        HandshakeCause::ClientCertificateMissing => client::MISSING,
        HandshakeCause::ClientCertificateExpired => client::EXPIRED,
        HandshakeCause::ClientCertificateNotYetValid => client::NOT_YET_VALID,
        HandshakeCause::ClientCertificateUnknownIssuer => client::UNKNOWN_ISSUER,
        HandshakeCause::ClientCertificateRevoked => client::REVOKED,
        HandshakeCause::ClientCertificateBadPurpose => client::BAD_PURPOSE,
        HandshakeCause::ClientCertificateWrongIdentity => client::WRONG_IDENTITY,
        HandshakeCause::ClientCertificateInvalid => client::INVALID,
        HandshakeCause::DnsNotFound => outbound::DNS_NOT_FOUND,
        HandshakeCause::DnsTimeout => outbound::DNS_TIMEOUT,
        HandshakeCause::DnsFailed => outbound::DNS_FAILED,
        HandshakeCause::ConnectRefused => outbound::CONNECT_REFUSED,
        HandshakeCause::ConnectTimeout => outbound::CONNECT_TIMEOUT,
        HandshakeCause::ConnectUnreachable => outbound::CONNECT_UNREACHABLE,
        HandshakeCause::ServerCertificateExpired => server::EXPIRED,
        HandshakeCause::ServerCertificateNotYetValid => server::NOT_YET_VALID,
        HandshakeCause::ServerCertificateUnknownIssuer => server::UNKNOWN_ISSUER,
        HandshakeCause::ServerCertificateRevoked => server::REVOKED,
        HandshakeCause::ServerCertificateBadPurpose => server::BAD_PURPOSE,
        HandshakeCause::ServerCertificateWrongIdentity => server::WRONG_IDENTITY,
        HandshakeCause::ServerCertificateInvalid => server::INVALID,
    }
}

const fn plaintext(what: &Plaintext) -> Advice {
    match what {
        Plaintext::Sip { .. } => advice(
            "phone set to TCP instead of TLS?",
            "A SIP message came in clear on the TLS port, and was not answered. The peer's transport \
             is set to TCP, or it was given port 5061 without TLS. Set its transport to TLS (or the \
             proxy address to ...;transport=tls).",
        ),
        Plaintext::SipKeepAlive => advice(
            "phone set to TCP instead of TLS? (a keep-alive)",
            "A SIP keep-alive (CRLF) came in clear on the TLS port. The peer keeps a connection open \
             that it believes to be plain TCP. Set its transport to TLS.",
        ),
        Plaintext::Http => advice(
            "a browser, a scanner or an HTTP health check",
            "An HTTP request came in clear on the SIP port. A browser, a web scanner, or a health \
             check of a load balancer set to HTTP. Set the check to TCP or TLS; else ignore it.",
        ),
        Plaintext::Other => advice(
            "not TLS: a scanner, or a client of something else",
            "What came is not TLS, nor SIP or HTTP in clear. Scanners trying other protocols do \
             this, and load balancers that put a PROXY protocol header before the TLS bytes without \
             being listed as such. Look at the first bytes in the log line.",
        ),
    }
}

const fn cancelled(by: Cancelled) -> Advice {
    match by {
        Cancelled::Drain => advice(
            "we are shutting down",
            "We called the handshake off because the supervisor is shutting down. Nothing is wrong \
             with the peer; it will connect again elsewhere or later.",
        ),
        Cancelled::Operator => advice(
            "closed on request",
            "We called the handshake off because an operator or the application asked for it. \
             Nothing is wrong with the peer; it may connect again.",
        ),
        Cancelled::Evicted => advice(
            "silent while others waited: one source took its all",
            "All handshakes were taken, this one had said nothing yet, and its source had most of \
             them: it made way for another source. A scanner, an attack by silence, or a network that \
             holds ClientHellos back. Look who the source is; if it is a load balancer of yours, \
             exempt it.",
        ),
        Cancelled::SupervisorGone => advice(
            "our supervisor died: see the error in the log",
            "We called the handshake off because the supervisor died. The panic is in the log and in \
             the last event; please report it. Start the program again.",
        ),
    }
}
