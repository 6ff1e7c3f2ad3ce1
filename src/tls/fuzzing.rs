//! The entry points of `crate::fuzzing` into private parts of this module.

use super::hello;
use super::records::{FIRST_BYTES, RecordScanner};

pub(crate) fn hello(bytes: &[u8]) {
    let client = hello::client_hello(bytes);
    let ja4 = hello::ja4(&client);
    assert!(ja4.is_ascii() && ja4.len() < 64, "{ja4}");
    for name in client.server_name.iter().chain(&client.alpn) {
        assert!(is_printable(name), "{name}");
    }
    // The second half is used as a ServerKeyExchange, so that one input reaches both readers.
    let (server, key_exchange) = bytes.split_at(bytes.len() / 2);
    for message in [bytes, server] {
        if let Some(server) = hello::server_hello(message, Some(key_exchange)) {
            hello::resumed(&server, bytes, bytes.len().is_multiple_of(2));
            hello::version_name(server.version);
            hello::cipher_suite_name(server.cipher_suite);
            server.group.map(hello::group_name);
        }
    }
}

pub(crate) fn first_bytes(bytes: &[u8]) {
    hello::classify_plaintext(bytes);
    let excerpt = hello::excerpt(bytes);
    // Each byte is written as at most four characters.
    assert!(excerpt.len() <= 4 * FIRST_BYTES, "{excerpt}");
    assert!(is_printable(&excerpt), "{excerpt}");
}

pub(crate) fn records(bytes: &[u8]) {
    let (mut whole, mut split) = (RecordScanner::new(), RecordScanner::new());
    whole.feed(bytes);
    for byte in bytes {
        split.feed(std::slice::from_ref(byte));
    }
    assert_eq!(format!("{whole:?}"), format!("{split:?}"));
    assert!(whole.first_bytes().len() <= FIRST_BYTES);
    for message in [whole.client_hello(), whole.server_hello()] {
        hello(message.unwrap_or_default());
    }
    if let Some(alert) = whole.alert() {
        hello::alert_name(alert.description);
    }
    whole.release();
    whole.feed(bytes);
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}
