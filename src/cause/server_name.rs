//! What is wrong with a server name that TLS does not accept.

use super::handshake::AlertSent;

/// `unrecognized_name` (RFC 6066 §3).
const UNRECOGNIZED_NAME: u8 = 112;

/// What stands in the server_name extension of a ClientHello instead of one host name (RFC 6066 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerNameDefect {
    /// A host and a port: `sip.example.com:5061`.
    Port,
    /// Brackets, as a URI has them around an IPv6 address: `[2001:db8::1]`.
    Brackets,
    /// A URI, or the part of one that has a user or parameters: `sip:example.com`.
    Uri,
    /// A wildcard, as certificates have it: `*.example.com`.
    Wildcard,
    /// A name with characters that are not ASCII and were not encoded as `xn--`.
    NotAscii,
    /// A host name of no characters.
    Empty,
    /// No host name at all.
    Missing,
    /// More than one host name.
    Several,
    /// Anything else that is not a host name: a blank, an empty label, a last label of digits only.
    Other,
}

impl ServerNameDefect {
    /// The name on the wire, in snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::Brackets => "brackets",
            Self::Uri => "uri",
            Self::Wildcard => "wildcard",
            Self::NotAscii => "not_ascii",
            Self::Empty => "empty",
            Self::Missing => "missing",
            Self::Several => "several",
            Self::Other => "other",
        }
    }

    /// What the peer is sent for it. Where the extension itself is broken, the library's alert is the one
    /// that RFC 8446 §6 demands; a name that is no host name is one we do not recognize.
    pub(super) const fn alert(self) -> AlertSent {
        match self {
            Self::Empty | Self::Missing | Self::Several => AlertSent::ByLibrary,
            Self::Port
            | Self::Brackets
            | Self::Uri
            | Self::Wildcard
            | Self::NotAscii
            | Self::Other => AlertSent::InClear(UNRECOGNIZED_NAME),
        }
    }

    /// See [`HandshakeCause::hint`](super::HandshakeCause::hint).
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Port => "its host setting has the port in it; OpenSSL sends it unchecked",
            Self::Brackets => "an address in brackets; OpenSSL and Go 1.6 send it",
            Self::Uri => "a URI in its host setting; OpenSSL sends it unchecked",
            Self::Wildcard => "a wildcard in its host setting; OpenSSL sends it unchecked",
            Self::NotAscii => "write its host setting as xn--; OpenSSL sends it unchecked",
            Self::Empty => "its host setting is empty?",
            Self::Missing => "a server_name without a host name: a scanner?",
            Self::Several => "two host names where one is allowed: a scanner?",
            Self::Other => "its host setting is no host name; OpenSSL sends it unchecked",
        }
    }

    /// See [`HandshakeCause::explain`](super::HandshakeCause::explain).
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::Port => {
                "The server name in the ClientHello has a port behind it, and TLS accepts a host name only. \
                 Clients on OpenSSL send what stands in their host setting, unchecked. Give the host without \
                 the port, and the port in a setting of its own."
            }
            Self::Brackets => {
                "The server name in the ClientHello stands in brackets, as a URI has them around an IPv6 \
                 address. Clients on OpenSSL and programs of Go 1.6 send it so. Give them a host name, \
                 or the address without brackets."
            }
            Self::Uri => {
                "The server name in the ClientHello is a URI or a part of one, and TLS accepts a host name \
                 only. Clients on OpenSSL send what stands in their host setting, unchecked. Leave out sip:, \
                 the user and the parameters there."
            }
            Self::Wildcard => {
                "The server name in the ClientHello is a wildcard, which stands in certificates and names no \
                 host. Clients on OpenSSL send what stands in their host setting, unchecked. Give the name of \
                 the host itself."
            }
            Self::NotAscii => {
                "The server name in the ClientHello has characters that are not ASCII. Clients on OpenSSL \
                 send what stands in their host setting, unchecked. Write the name there in its encoded form, \
                 which begins with xn--."
            }
            Self::Empty => {
                "The ClientHello asks for a server name of no characters. The client's host setting, or its \
                 setting for the name in TLS, is empty. Put the host name of the server there."
            }
            Self::Missing => {
                "The ClientHello has a server_name extension without a host name in it. Scanners and fuzzers \
                 send this; from a phone it is a defect. Update the phone's firmware."
            }
            Self::Several => {
                "The ClientHello asks for more than one host name, and TLS allows one. Scanners and fuzzers \
                 send this; from a phone it is a defect. Update the phone's firmware."
            }
            Self::Other => {
                "The server name in the ClientHello is not a host name. Clients on OpenSSL send what stands \
                 in their host setting, unchecked: a blank, an address that is not complete. Look at sni in \
                 the log line, and correct the setting."
            }
        }
    }
}
