//! Names the protocol of a peer that does not speak TLS, from its first bytes.

use super::wire;
use crate::cause::Plaintext;

const LONGEST_METHOD: usize = 16;
const LONGEST_EXCERPT: usize = 32;
/// RFC 9110 section 9.3, PATCH (RFC 5789), and the preface of HTTP/2 (RFC 9113 section 3.4).
const HTTP_METHODS: [&[u8]; 10] = [
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI",
];

/// RFC 5626 section 3.5.1.
const KEEP_ALIVE: &[u8] = b"\r\n\r\n";

/// Names the protocol of a connection by its first bytes; 32 are enough.
///
/// SIP's empty lines before a message (RFC 3261 section 7.5) are passed over.
pub(crate) fn classify_plaintext(first: &[u8]) -> Plaintext {
    let empty_lines = first
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let line = &first[empty_lines..];
    if line.is_empty() && first.starts_with(KEEP_ALIVE) {
        return Plaintext::SipKeepAlive;
    }
    if starts_with_ignore_case(line, b"SIP/2.0") {
        return Plaintext::Sip {
            method: "SIP/2.0".to_owned(),
        };
    }
    if line.starts_with(b"HTTP/") {
        return Plaintext::Http;
    }
    let Some((method, target)) = method_and_target(line) else {
        return Plaintext::Other;
    };
    if starts_with_ignore_case(target, b"sip:") || starts_with_ignore_case(target, b"sips:") {
        return Plaintext::Sip {
            method: wire::printable(method),
        };
    }
    if HTTP_METHODS.contains(&method) {
        return Plaintext::Http;
    }
    Plaintext::Other
}

/// The version a ClientHello in the format of SSL 2.0 offers (RFC 5246 appendix E.2); `None` when it
/// is none. SSL 2.0 itself is 0x0002.
pub(crate) fn sslv2_hello(first: &[u8]) -> Option<u16> {
    const CLIENT_HELLO: u8 = 1;
    let [length, _, CLIENT_HELLO, major, minor, ciphers @ ..] = first else {
        return None;
    };
    let version = u16::from_be_bytes([*major, *minor]);
    // Each cipher has three bytes.
    let of_threes = ciphers
        .first_chunk()
        .is_none_or(|length| u16::from_be_bytes(*length) % 3 == 0);
    let known = version == 0x0002 || *major == 3;
    (length & 0x80 != 0 && known && of_threes).then_some(version)
}

/// The first bytes in printable ASCII, at most 32 of them; the rest is left out.
pub(crate) fn excerpt(first: &[u8]) -> String {
    wire::printable(&first[..first.len().min(LONGEST_EXCERPT)])
}

fn method_and_target(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = line
        .iter()
        .take(LONGEST_METHOD + 1)
        .position(|byte| *byte == b' ')?;
    let (method, target) = line.split_at(length);
    let is_method = !method.is_empty() && method.iter().all(|byte| is_token(*byte));
    is_method.then(|| (method, target.strip_prefix(b" ").unwrap_or(target)))
}

/// RFC 3261 section 25.1.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

fn starts_with_ignore_case(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
