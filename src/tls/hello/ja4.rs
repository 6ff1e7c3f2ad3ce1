//! The JA4 fingerprint of a TLS client over TCP, after FoxIO's public JA4 description.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use tls_parser::TlsExtensionType;

use super::ClientHello;

const EMPTY_HASH: &str = "000000000000";

/// The JA4 fingerprint, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`.
///
/// It tells kinds of clients apart, not clients. Of a hello that is not `complete` it means
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
    hash(&hex_list(&suites))
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
    let mut list = hex_list(&extensions);
    if !hello.signature_schemes.is_empty() {
        list.push('_');
        list.push_str(&hex_list(&hello.signature_schemes));
    }
    hash(&list)
}

fn hex_list(values: &[u16]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:04x}")).collect();
    values.join(",")
}

fn hash(list: &str) -> String {
    let digest = Sha256::digest(list);
    digest.iter().take(6).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
