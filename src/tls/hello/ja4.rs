//! The JA4 fingerprint of a TLS client over TCP, after FoxIO's public JA4 description.

use sha2::{Digest, Sha256};
use tls_parser::TlsExtensionType;

use super::ClientHello;

const EMPTY_HASH: &str = "000000000000";

/// The JA4 fingerprint, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`.
///
/// It identifies a kind of client software, not one client. Of a hello that is not `complete` it means
/// nothing.
pub(crate) fn ja4(hello: &ClientHello) -> String {
    let destination = if hello.extensions.contains(&TlsExtensionType::ServerName.0) {
        'd'
    } else {
        'i'
    };
    format!(
        "t{}{destination}{:02}{:02}{}_{}_{}",
        version(hello),
        hello.cipher_suites.len().min(99),
        hello.extensions.len().min(99),
        alpn(hello.first_alpn_ends),
        cipher_hash(hello),
        extension_hash(hello),
    )
}

fn version(hello: &ClientHello) -> &'static str {
    match hello.versions.iter().max() {
        Some(0x0304) => "13",
        Some(0x0303) => "12",
        Some(0x0302) => "11",
        Some(0x0301) => "10",
        Some(0x0300) => "s3",
        Some(0x0002) => "s2",
        _ => "00",
    }
}

fn alpn(ends: Option<(u8, u8)>) -> String {
    match ends {
        None => "00".to_owned(),
        Some((first, last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
            String::from_iter([char::from(first), char::from(last)])
        }
        Some((first, last)) => format!("{:x}{:x}", first >> 4, last & 0x0f),
    }
}

fn cipher_hash(hello: &ClientHello) -> String {
    if hello.cipher_suites.is_empty() {
        return EMPTY_HASH.to_owned();
    }
    let mut suites = hello.cipher_suites.clone();
    suites.sort_unstable();
    let mut list = String::with_capacity(5 * suites.len());
    push_hex_list(&mut list, &suites);
    hash(&list)
}

fn extension_hash(hello: &ClientHello) -> String {
    let named_elsewhere = [
        TlsExtensionType::ServerName.0,
        TlsExtensionType::ApplicationLayerProtocolNegotiation.0,
    ];
    let mut extensions = hello.extensions.clone();
    extensions.retain(|extension| !named_elsewhere.contains(extension));
    if extensions.is_empty() {
        return EMPTY_HASH.to_owned();
    }
    extensions.sort_unstable();
    let numbers = extensions.len() + hello.signature_schemes.len();
    let mut list = String::with_capacity(5 * numbers);
    push_hex_list(&mut list, &extensions);
    if !hello.signature_schemes.is_empty() {
        list.push('_');
        push_hex_list(&mut list, &hello.signature_schemes);
    }
    hash(&list)
}

/// Each in four digits, with commas between.
fn push_hex_list(text: &mut String, values: &[u16]) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        for byte in value.to_be_bytes() {
            push_hex(text, byte);
        }
    }
}

/// Every handshake is given a fingerprint, and most of it is these digits; `write!` would be slower.
fn push_hex(text: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 0x0f] {
        text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
    }
}

fn hash(list: &str) -> String {
    let digest = Sha256::digest(list);
    let mut hex = String::with_capacity(EMPTY_HASH.len());
    for byte in digest.iter().take(6) {
        push_hex(&mut hex, *byte);
    }
    hex
}
