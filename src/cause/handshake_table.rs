//! Every cause of a failed handshake: one row each.

use super::handshake::{AlertSent, Cancelled, HandshakeRow, Plaintext};
use super::{Fault, Phase, ServerNameDefect};
use log::Level;
use std::io;

// Alert descriptions (RFC 8446 §6, RFC 7301 §3.2).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const INTERNAL_ERROR: u8 = 80;
const UNRECOGNIZED_NAME: u8 = 112;
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Every phase of an inbound handshake.
const INBOUND: &[Phase] = &[Phase::Hello, Phase::Negotiation, Phase::ClientAuth];

causes! {
    /// Why a connection never became `Ready`. A closed set: each value has a stable `name()`, says
    /// whose fault it was, at which level it is logged, and what to do about it.
    ///
    /// ```
    /// use sipward::HandshakeCause;
    ///
    /// let cause = HandshakeCause::TimeoutSilent;
    /// assert_eq!(cause.name(), "timeout_silent");
    /// assert_eq!(cause.hint(), "a scanner, or a client waiting for us to speak first");
    /// println!("{}", cause.explain());
    /// assert!(HandshakeCause::NAMES.contains(&"timeout_silent"));
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum HandshakeCause: HandshakeRow {
        /// Nothing was sent, then FIN or RST: a health check or a port scan.
        Probe = "probe" {
            phases: &[Phase::Hello],
            fault: Fault::Peer, level: Level::Debug, alert: AlertSent::Nothing,
            hint: "a health check or a port scan",
            explanation: "The connection was closed before a byte was sent. Load balancers, monitoring and \
                port scanners do this; it harms nothing. If a phone shows up like this, it gave up while \
                connecting: look at its own log.",
        }
        /// What came was not TLS.
        Plaintext(instead: Plaintext = Plaintext::Other) = "plaintext" {
            phases: &[Phase::Hello],
            fault: Fault::Peer, level: Level::Info, alert: AlertSent::ByLibrary,
            hint: instead.hint(),
            explanation: instead.explanation(),
        }
        /// The deadline passed and the peer had sent nothing.
        TimeoutSilent = "timeout_silent" {
            phases: &[Phase::Hello],
            fault: Fault::Peer, level: Level::Info, alert: AlertSent::Nothing,
            hint: "a scanner, or a client waiting for us to speak first",
            explanation: "TCP was connected and then nothing came until the deadline. Scanners do this, and so \
                do firewalls that answer for a peer that is gone, and clients of protocols in which the server \
                speaks first. If a phone does, look whether a firewall or SIP ALG on its way holds its \
                ClientHello back.",
        }
        /// The deadline passed in the middle of the handshake.
        TimeoutStalled = "timeout_stalled" {
            phases: INBOUND,
            fault: Fault::PeerOrPath, level: Level::Info, alert: AlertSent::Nothing,
            hint: "path MTU, a SIP ALG, or a very slow client?",
            explanation: "The handshake began and stopped half-way until the deadline. Large packets that \
                disappear (path MTU, VPN, PPPoE), a SIP ALG or firewall that interferes, and overloaded \
                devices look like this. Switch the ALG off, clamp the TCP segment size on the router, and \
                shorten the certificate chain.",
        }
        /// The peer sent FIN in the middle of the handshake.
        PeerClosed = "peer_closed" {
            phases: INBOUND,
            fault: Fault::Peer, level: Level::Info, alert: AlertSent::ByLibrary,
            hint: "the peer gave up: its timeout, or a restart",
            explanation: "The peer ended the connection in the middle of the handshake, without an alert. It \
                restarted, its own timeout was shorter, or it is a scanner that had seen enough. Look at the \
                peer's log at the same second.",
        }
        /// The peer sent RST in the middle of the handshake.
        PeerReset = "peer_reset" {
            phases: INBOUND,
            fault: Fault::Peer, level: Level::Info, alert: AlertSent::ByLibrary,
            hint: "a firewall, a crash, or a scanner",
            explanation: "The connection was reset (TCP RST) in the middle of the handshake. A firewall that \
                inspects TLS, a peer that crashed or restarted, and scanners do this. Compare a packet capture \
                on both sides: if the peer never sent the RST, something between did.",
        }
        /// The peer left after it had seen our certificate, without an alert: how many phones reject one.
        PeerLeftAfterCertificate = "peer_left_after_certificate" {
            phases: &[Phase::Negotiation],
            fault: Fault::ProbablyUs, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "it does not trust our certificate?",
            explanation: "The peer saw our certificate and left without a word, which is how many phones \
                reject one. Give it the authority our certificate comes from, send the intermediate \
                certificates too, and make sure that the certificate names the host the phone is set to and \
                that the phone's clock is right.",
        }
        /// A TLS record or message that cannot be read.
        Malformed = "malformed" {
            phases: INBOUND,
            fault: Fault::Peer, level: Level::Info, alert: AlertSent::ByLibrary,
            hint: "not a TLS client, or something changed the bytes",
            explanation: "What came looks like TLS and cannot be read as it. Fuzzers and scanners send this; \
                from a phone it means a device on the way that changes the bytes, or broken firmware. Try \
                without the SIP ALG, then update the firmware.",
        }
        /// No TLS version in common.
        VersionMismatch = "version_mismatch" {
            phases: &[Phase::Hello, Phase::Negotiation],
            fault: Fault::Both, level: Level::Info, alert: AlertSent::InClear(PROTOCOL_VERSION),
            hint: "TLS 1.0 or 1.1 only? update its firmware",
            explanation: "The two sides share no TLS version. Most often the peer is old equipment that ends \
                at TLS 1.0 or 1.1, which nobody should speak any more (RFC 8996). Update its firmware or raise \
                its TLS setting to 1.2; if our own policy is set to one version, allow both.",
        }
        /// No cipher suite in common.
        NoCommonCipher = "no_common_cipher" {
            phases: &[Phase::Negotiation],
            fault: Fault::Both, level: Level::Info, alert: AlertSent::InClear(HANDSHAKE_FAILURE),
            hint: "old firmware, or a cipher list set too narrowly",
            explanation: "The two sides share no cipher suite. The peer offers only suites without forward \
                secrecy (RSA key exchange, CBC), or only ones for the kind of key our certificate does not \
                have. Update it or widen its cipher list to ECDHE with AES-GCM or ChaCha20.",
        }
        /// No key exchange group in common.
        NoCommonGroup = "no_common_group" {
            phases: &[Phase::Negotiation],
            fault: Fault::Both, level: Level::Info, alert: AlertSent::InClear(HANDSHAKE_FAILURE),
            hint: "its curves are too few: allow X25519 or P-256",
            explanation: "The two sides share no key exchange group. We take X25519, P-256 and P-384; the peer \
                offers only others, or none. Widen its list of curves, or update its firmware.",
        }
        /// No signature scheme in common with our key: it takes only RSA, say.
        NoCommonSignature = "no_common_signature" {
            phases: &[Phase::Negotiation],
            fault: Fault::Both, level: Level::Info, alert: AlertSent::InClear(HANDSHAKE_FAILURE),
            hint: "it takes only RSA? our key is of another kind",
            explanation: "The peer accepts no signature our key can make: it takes RSA alone and our key is \
                ECDSA, or it is too old for SHA-256. Update it, or serve an RSA certificate to such equipment, \
                by its server name or on a listener of its own.",
        }
        /// No application protocol in common.
        AlpnMismatch = "alpn_mismatch" {
            phases: &[Phase::Negotiation],
            fault: Fault::Both, level: Level::Info, alert: AlertSent::InClear(NO_APPLICATION_PROTOCOL),
            hint: "its ALPN is not one we accept: an HTTPS client?",
            explanation: "The peer insists on an application protocol (ALPN) that is not among those of our \
                policy. Usually it is an HTTPS client or a scanner and not SIP at all. If it is a SIP peer, \
                add its protocol to the policy or switch ALPN off on either side.",
        }
        /// We hold no certificate for the server name it asked for.
        UnknownServerName = "unknown_server_name" {
            phases: &[Phase::Negotiation],
            fault: Fault::Both, level: Level::Info, alert: AlertSent::InClear(UNRECOGNIZED_NAME),
            hint: "no certificate for the name it asked for",
            explanation: "The peer asked for a server name we hold no certificate for, or for none, and the \
                policy is strict about it. Correct the host in the peer's settings, add an identity for that \
                name, or let the policy answer unknown names with its first certificate.",
        }
        /// The server name in its hello is not one host name (RFC 6066 §3).
        InvalidServerName(defect: ServerNameDefect = ServerNameDefect::Port) = "invalid_server_name" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Info, alert: defect.alert(),
            hint: defect.hint(),
            explanation: defect.explanation(),
        }
        /// The peer sent a fatal alert: it does not trust our certificate, most often.
        RejectedByPeer = "rejected_by_peer" {
            phases: INBOUND,
            fault: Fault::ProbablyUs, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "it does not trust our certificate?",
            explanation: "The peer broke the handshake off with a TLS alert; the alert says why. unknown_ca, \
                bad_certificate and certificate_unknown mean that it does not trust our certificate: give it \
                the authority, send the intermediates, check the name and the date. After handshake_failure or \
                protocol_version compare what both sides allow.",
        }
        /// We demand a client certificate and it sent none.
        ClientCertificateMissing = "client_certificate_missing" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Info, alert: AlertSent::ByLibrary,
            hint: "it was given no certificate of its own",
            explanation: "We demand a client certificate and the peer sent none. It has none installed, its \
                setting for one is off, or it has none from an authority we named. Install a certificate and \
                key on it, or make client authentication optional in the policy.",
        }
        /// Its certificate has expired.
        ClientCertificateExpired = "client_certificate_expired" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "renew its certificate; is our clock right?",
            explanation: "The peer's client certificate has expired. Renew it on the peer, and check that \
                renewals reach it by themselves. If many peers fail at once, our own clock may be wrong.",
        }
        /// Its certificate is not valid yet, or its clock or ours is wrong.
        ClientCertificateNotYetValid = "client_certificate_not_yet_valid" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "a clock is wrong, its issuer's or ours?",
            explanation: "The peer's client certificate is not valid yet. It was issued by a machine whose \
                clock is ahead, or our clock is behind. Set the clocks by NTP.",
        }
        /// Its certificate was issued by an authority we do not trust.
        ClientCertificateUnknownIssuer = "client_certificate_unknown_issuer" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "self-signed, or of an authority we do not trust",
            explanation: "The peer's client certificate is self-signed, or comes from an authority that is not \
                among our trust anchors, or its intermediate certificates are missing. Add the authority to \
                the policy's trust anchors, or have the peer send its whole chain.",
        }
        /// Its certificate was revoked.
        ClientCertificateRevoked = "client_certificate_revoked" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "revoked: give the peer a new certificate",
            explanation: "The peer's client certificate has been revoked by its authority. Somebody wanted it \
                not to be used any more: find out why before a new one is issued.",
        }
        /// Its certificate may not be used to authenticate a client.
        ClientCertificateBadPurpose = "client_certificate_bad_purpose" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "its certificate is not for clients",
            explanation: "The peer's certificate may not be used to authenticate a client: its extended key \
                usage lacks clientAuth. Often it is a web server's certificate used for a trunk. Have one \
                issued with clientAuth as well.",
        }
        /// Its certificate does not name any of the identities we expect.
        ClientCertificateWrongIdentity = "client_certificate_wrong_identity" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "its certificate names somebody else",
            explanation: "The peer's client certificate is valid and speaks for another SIP domain than the \
                one expected (RFC 5922). Have the certificate issued for the peer's domain, or correct what is \
                expected of it.",
        }
        /// Its certificate is broken in some other way.
        ClientCertificateInvalid = "client_certificate_invalid" {
            phases: &[Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "broken, or an authority's own certificate",
            explanation: "The peer's client certificate cannot be accepted for some other reason: a signature \
                that does not verify, an authority's own certificate used as a client's, a form that cannot be \
                read. Issue an end-entity certificate to the peer.",
        }
        /// The peer broke the protocol.
        Misbehaved = "misbehaved" {
            phases: INBOUND,
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "a broken TLS stack, or an attack",
            explanation: "The peer broke the rules of TLS: a message out of place, a value that is not \
                allowed. Scanners and attacks do this, and old firmware does. If it is a known device, update \
                it; if not, consider banning the source.",
        }
        /// Decryption or a signature failed.
        Crypto = "crypto" {
            phases: &[Phase::Negotiation, Phase::ClientAuth],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "bytes changed on the way, or a broken TLS stack",
            explanation: "A record or signature did not verify: the bytes are not what the sender made. A \
                middlebox that changes traffic, a defective device, or somebody who tries. If it repeats from \
                one network, look at what stands between; from one model, update it.",
        }
        /// We called it off.
        Cancelled(by: Cancelled = Cancelled::Operator) = "cancelled" {
            phases: INBOUND,
            fault: Fault::Us, level: Level::Debug, alert: AlertSent::Nothing,
            hint: by.hint(),
            explanation: by.explanation(),
        }
        /// The network failed.
        Io(_: io::ErrorKind = io::ErrorKind::TimedOut) = "io" {
            phases: INBOUND,
            fault: Fault::Network, level: Level::Info, alert: AlertSent::Nothing,
            hint: "the network failed on the way",
            explanation: "The network failed during the handshake: the operating system's error is given with \
                it. Routes that vanish and hosts that disappear look like this. Nothing is wrong with TLS; \
                look at the path between.",
        }
        /// A defect of ours: a panic, or an error that has no cause of its own yet.
        Internal(_: String = String::new()) = "internal" {
            phases: INBOUND,
            fault: Fault::Us, level: Level::Error, alert: AlertSent::InClear(INTERNAL_ERROR),
            hint: "a defect of ours: please report it",
            explanation: "Something went wrong on our side that should not be able to: a panic, or an error \
                nobody has given a cause. The connection was closed and accounted for, others are not touched. \
                Please report it with the log line.",
        }
        /// Outbound: the name does not exist.
        DnsNotFound = "dns_not_found" {
            phases: &[Phase::Resolve],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "a typing mistake, or a record is missing",
            explanation: "The name does not exist in DNS, or has no address. Check the spelling, and that the \
                resolver this machine uses sees the same zone as you do (internal names, split DNS).",
        }
        /// Outbound: the name server did not answer.
        DnsTimeout = "dns_timeout" {
            phases: &[Phase::Resolve],
            fault: Fault::Network, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "the name server does not answer",
            explanation: "The name server did not answer in time. It is down or overloaded, or a firewall \
                drops DNS. Ask it by hand from the same machine (dig).",
        }
        /// Outbound: the name server answered with an error.
        DnsFailed = "dns_failed" {
            phases: &[Phase::Resolve],
            fault: Fault::Network, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "the name server answered with an error",
            explanation: "The name server answered with an error, SERVFAIL or REFUSED say. The zone is broken, \
                DNSSEC fails, or this machine may not ask that server. Ask another resolver and compare.",
        }
        /// Outbound: nothing listens there.
        ConnectRefused = "connect_refused" {
            phases: &[Phase::Connect],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "nothing listens there: wrong port, or down?",
            explanation: "The other machine is there and nothing listens on that port. The SIP server is down, \
                its TLS is switched off, or the port is wrong (TLS is usually 5061, not 5060). Look there what \
                listens.",
        }
        /// Outbound: no answer to our SYN.
        ConnectTimeout = "connect_timeout" {
            phases: &[Phase::Connect],
            fault: Fault::Network, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "a firewall drops it, or the host is down",
            explanation: "Our connection request was not answered at all. A firewall drops it, the host is \
                down, or the address is old. Try the same address and port from another network.",
        }
        /// Outbound: no route there.
        ConnectUnreachable = "connect_unreachable" {
            phases: &[Phase::Connect],
            fault: Fault::Network, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "no route there: VPN down, or no IPv6?",
            explanation: "There is no route to the address. A VPN or link is down, or the name has an IPv6 \
                address and this machine no IPv6. Look at the routes, and try the other address family.",
        }
        /// Outbound: its certificate has expired.
        ServerCertificateExpired = "server_certificate_expired" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "renew the server's certificate; is our clock right?",
            explanation: "The server's certificate has expired. Its operator has to renew it and make the \
                server load the new one, which often takes a restart. If every server looks expired, our own \
                clock is wrong.",
        }
        /// Outbound: its certificate is not valid yet.
        ServerCertificateNotYetValid = "server_certificate_not_yet_valid" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "a clock is wrong, its issuer's or ours?",
            explanation: "The server's certificate is not valid yet. Either it was issued by a machine whose \
                clock is ahead, or our clock is behind. Set the clocks by NTP.",
        }
        /// Outbound: its certificate was issued by an authority we do not trust.
        ServerCertificateUnknownIssuer = "server_certificate_unknown_issuer" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "self-signed, a private authority, or no intermediates?",
            explanation: "The server's certificate does not lead to an authority we trust. It is self-signed, \
                its authority is a private one, or the server does not send its intermediate certificates. Add \
                the authority to our trust anchors, or have the server send its whole chain.",
        }
        /// Outbound: its certificate was revoked.
        ServerCertificateRevoked = "server_certificate_revoked" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "the server's certificate was revoked",
            explanation: "The server's certificate has been revoked by its authority. Do not go on: ask its \
                operator what happened and for a new one.",
        }
        /// Outbound: its certificate may not be used to authenticate a server.
        ServerCertificateBadPurpose = "server_certificate_bad_purpose" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "its certificate is not for servers",
            explanation: "The server's certificate may not be used to authenticate a server: its extended key \
                usage lacks serverAuth. Its operator has to have one issued with serverAuth.",
        }
        /// Outbound: its certificate does not name the domain we dialled (RFC 5922 §7).
        ServerCertificateWrongIdentity = "server_certificate_wrong_identity" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "its certificate names another host or domain",
            explanation: "The server's certificate does not name the SIP domain we connected for (RFC 5922). \
                The domain is reached by an address or host name that is not in the certificate, or only a \
                wildcard covers it, which SIP does not accept. Connect by a name in the certificate, or have \
                the domain added to it.",
        }
        /// Outbound: its certificate is broken in some other way.
        ServerCertificateInvalid = "server_certificate_invalid" {
            phases: &[Phase::Negotiation],
            fault: Fault::Peer, level: Level::Warn, alert: AlertSent::ByLibrary,
            hint: "broken, or an authority's own certificate",
            explanation: "The server's certificate cannot be accepted for some other reason: a signature that \
                does not verify, an authority's own certificate used as a server's, a form that cannot be \
                read. Its operator has to issue an end-entity certificate.",
        }
    }
}
