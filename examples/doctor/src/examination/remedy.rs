//! What to do about a cause. sipward explains the causes of outbound connections for a client, and
//! those texts are used as they are. It explains the others for a server, so they have texts here.

use sipward::{CloseCause, HandshakeCause};

pub fn of_handshake(cause: &HandshakeCause) -> &'static str {
    use HandshakeCause as Cause;
    match cause {
        Cause::TimeoutSilent => {
            "It accepts TCP and does not say a word to TLS: the port is plain SIP over TCP (5060 is \
             its usual port), or the server hangs."
        }
        Cause::TimeoutStalled => {
            "TLS began and got stuck: large packets lost on the way (MTU), a SIP ALG in a router, or \
             an overloaded server."
        }
        Cause::Plaintext(_) => {
            "The port does not speak TLS: configure the TLS transport on it, or give the port that \
             has it (5061 is usual)."
        }
        Cause::PeerClosed | Cause::PeerReset => {
            "The server hung up without a reason: it bans this address, is full, or its TLS has no \
             usable certificate; its log knows."
        }
        Cause::VersionMismatch => {
            "No TLS version in common: TLS 1.2 is the least phones of today speak; enable 1.2 and 1.3."
        }
        Cause::NoCommonCipher | Cause::NoCommonGroup | Cause::NoCommonSignature => {
            "No algorithms in common: allow ECDHE with AES-GCM or ChaCha20, and X25519 or P-256."
        }
        Cause::UnknownServerName => {
            "The server has no certificate for this name: add the domain to it."
        }
        Cause::RejectedByPeer | Cause::PeerLeftAfterCertificate => {
            "The server refused the handshake with the alert shown; its log knows more."
        }
        Cause::ServerCertificateUnknownIssuer => {
            "Nobody trusted issued it. Send the intermediate certificates too, or give the private \
             authority's certificate: here with --ca, on the phones as a trusted authority."
        }
        Cause::ServerCertificateWrongIdentity => {
            "It names other domains than the one in the URI. Have the domain itself put into the \
             subjectAltName; for SIP a wildcard does not count, nor does the host SRV leads to."
        }
        Cause::Malformed | Cause::Misbehaved | Cause::Crypto => {
            "What came is not proper TLS: something on the way changes it (a SIP ALG), or the \
             server's TLS is broken."
        }
        Cause::Io(_) => "The network failed: see to this machine's own firewall and routes.",
        _ => cause.explain(),
    }
}

pub fn of_close(cause: &CloseCause) -> &'static str {
    match cause {
        CloseCause::FirstMessageTimeout => {
            "TLS works, SIP does not answer: behind the port is no SIP server, or it drops OPTIONS \
             from strangers."
        }
        CloseCause::PongMissed => {
            "No answer to CRLF keep-alives (RFC 5626): let phones keep the connection open by \
             OPTIONS or REGISTER instead."
        }
        CloseCause::PeerClosed => {
            "The server took the connection and closed it when it was spoken to: it serves only \
             whom it knows, or its log says more."
        }
        CloseCause::Framing(_) => "What answers behind TLS does not speak SIP.",
        _ => cause.explain(),
    }
}
