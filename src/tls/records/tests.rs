//! Records built by hand: hostile, endless, random, and not TLS at all.

use super::*;
use crate::tls::hello;

#[test]
fn a_warning_does_not_hide_the_fatal_alert_before_it() {
    let mut scanner = RecordScanner::new();
    scanner.feed(&[0x15, 3, 3, 0, 2, 1, 0]);
    assert_eq!(scanner.alert().map(|alert| alert.description), Some(0));
    scanner.feed(&[0x15, 3, 3, 0, 2, 2, 40, 0x15, 3, 3, 0, 2, 1, 0]);
    assert_eq!(scanner.alert().map(|alert| alert.description), Some(40));
    assert_eq!(scanner.alerts(), 3);
    assert_eq!(scanner.looks_like_tls(), Some(true));
}

#[test]
fn an_encrypted_alert_is_not_taken_for_a_plaintext_one() {
    let mut scanner = RecordScanner::new();
    scanner.feed(&[0x15, 3, 3, 0, 3, 2, 40, 9]);
    assert_eq!(
        (scanner.alert(), scanner.alerts(), scanner.records()),
        (None, 0, 1)
    );
}

#[test]
fn an_encrypted_finished_is_not_taken_for_a_message() {
    let mut scanner = RecordScanner::new();
    scanner.feed(&[0x16, 3, 3, 0, 4, 14, 0, 0, 0, 0x14, 3, 3, 0, 1, 1]);
    scanner.feed(&[0x16, 3, 3, 0, 4, 11, 0, 0, 0]);
    assert_eq!(scanner.messages(), [14]);
}

#[test]
fn the_first_client_hello_and_the_last_server_hello_are_kept() {
    let mut scanner = RecordScanner::new();
    for byte in [1, 2] {
        scanner.feed(&[0x16, 3, 3, 0, 10, 1, 0, 0, 1, byte, 2, 0, 0, 1, byte]);
    }
    assert_eq!(scanner.client_hello(), Some(&[1, 0, 0, 1, 1][..]));
    assert_eq!(scanner.server_hello(), Some(&[2, 0, 0, 1, 2][..]));
}

#[test]
fn a_server_hello_in_pieces_behind_a_retry_and_change_cipher_spec_is_put_together() {
    let mut scanner = RecordScanner::new();
    // The type that HelloRetryRequest had before RFC 8446 does for it here.
    scanner.feed(&[0x16, 3, 3, 0, 4, 6, 0, 0, 0, 0x14, 3, 3, 0, 1, 1]);
    for piece in [2, 0, 0, 3, 7, 8, 9] {
        scanner.feed(&[0x16, 3, 3, 0, 1, piece]);
    }
    scanner.feed(&[0x16, 3, 3, 0, 4, 11, 0, 0, 0]);
    assert_eq!(scanner.server_hello(), Some(&[2, 0, 0, 3, 7, 8, 9][..]));
    assert_eq!(scanner.messages(), [6, 2]);
}

#[test]
fn what_does_not_begin_as_tls_is_told_as_early_as_it_can_be() {
    let told = |bytes: &[u8]| {
        let mut scanner = RecordScanner::new();
        bytes.iter().for_each(|byte| scanner.feed(&[*byte]));
        scanner.looks_like_tls()
    };
    assert_eq!(told(b""), None);
    assert_eq!(told(b"\x16"), None);
    assert_eq!(told(b"\x16\x03"), Some(true));
    assert_eq!(told(b"\x15\x03"), Some(true), "an alert is TLS");
    assert_eq!(told(b"\x16\x02"), Some(false));
    assert_eq!(told(b"O"), Some(false));
}

#[test]
fn plaintext_is_counted_and_its_first_bytes_kept() {
    let mut scanner = RecordScanner::new();
    let request = b"OPTIONS sip:edge.example.org SIP/2.0\r\n\r\n";
    request.chunks(3).for_each(|part| scanner.feed(part));
    assert_eq!(scanner.first_bytes(), &request[..FIRST_BYTES]);
    assert_eq!(
        (scanner.bytes(), scanner.records()),
        (request.len() as u64, 0)
    );
}

#[test]
fn an_endless_fragmented_hello_does_not_grow_memory() {
    for kind in [1, 2, 12] {
        let mut scanner = RecordScanner::new();
        scanner.feed(&[0x16, 3, 1, 0, 4, kind, 0xff, 0xff, 0xff]);
        for _ in 0..100_000 {
            scanner.feed(&[0x16, 3, 1, 0, 1, 0x41]);
        }
        let hello = scanner
            .client_hello()
            .or(scanner.server_hello())
            .unwrap_or_default();
        let kept = &scanner.kept.as_ref().unwrap().flight;
        assert!(
            hello.len() <= KEPT_HANDSHAKE_BYTES && kept.allocated() <= 2 * KEPT_HANDSHAKE_BYTES
        );
        assert_eq!(scanner.messages(), [kind]);
        assert!(!hello::client_hello(hello).complete);
    }
}

#[test]
fn a_storm_of_small_messages_does_not_grow_memory() {
    let mut scanner = RecordScanner::new();
    for kind in (0..=255).cycle().take(50_000) {
        scanner.feed(&[0x16, 3, 1, 0, 8, kind, 0, 0, 4, 1, 2, 3, 4]);
    }
    let kept = &scanner.kept.as_ref().unwrap().flight;
    assert!(kept.allocated() <= 64);
    assert_eq!(scanner.messages().len(), NOTED_MESSAGES);
}

#[test]
fn a_released_scanner_is_smaller_than_100_bytes() {
    assert!(size_of::<RecordScanner>() < 100);
    let mut scanner = RecordScanner::new();
    scanner.release();
    scanner.feed(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
    assert!(scanner.kept.is_none());
    assert_eq!(scanner.client_hello(), None);
}

#[test]
fn what_is_known_of_the_handshake_stands_still_after_release() {
    let mut scanner = RecordScanner::new();
    scanner.feed(&[0x16, 3, 3, 0, 4, 2, 0, 0, 0]);
    scanner.release();
    scanner.feed(&[
        0x16, 3, 3, 0, 4, 11, 0, 0, 0, 0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 1, 1,
    ]);
    assert_eq!(scanner.messages(), [2]);
    assert!(!scanner.change_cipher_spec() && !scanner.application_data());
    assert_eq!((scanner.records(), scanner.bytes()), (4, 30));
}

#[test]
fn random_bytes_are_read_without_panic_and_alike_in_any_split() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..2_000 {
        let mut bytes = Vec::new();
        for _ in 0..random() % 6 {
            let length = random() as u8 % 80;
            bytes.extend([20 + random() as u8 % 5, 3, 3, 0, length]);
            bytes.extend([
                [1, 2, 12, 11][random() as usize % 4],
                0,
                0,
                random() as u8 % 90,
            ]);
            bytes.extend((4..length).map(|_| random() as u8));
        }
        let (mut whole, mut split) = (RecordScanner::new(), RecordScanner::new());
        whole.feed(&bytes);
        bytes.iter().for_each(|byte| split.feed(&[*byte]));
        assert_eq!(format!("{whole:?}"), format!("{split:?}"));
        let server = whole.server_hello().unwrap_or_default();
        hello::server_hello(server, whole.server_key_exchange());
    }
}
