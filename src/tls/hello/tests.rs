//! Hellos built by hand and by rustls, cut off, mutilated and fingerprinted.

use crate::cause::Plaintext;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerName};

use super::*;

/// A ClientHello of the given parts, each extension as type and body.
fn message(legacy: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = legacy.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(list(suites));
    body.extend([1, 0]);
    let extensions: Vec<u8> = extensions
        .iter()
        .flat_map(|(kind, body)| [kind.to_be_bytes().to_vec(), prefixed(body)].concat())
        .collect();
    body.extend(prefixed(&extensions));
    handshake(1, &body)
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

fn prefixed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes(), body].concat()
}

fn list(values: &[u16]) -> Vec<u8> {
    prefixed(
        &values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect::<Vec<_>>(),
    )
}

fn sni(name: &[u8]) -> (u16, Vec<u8>) {
    (0, prefixed(&[&[0], prefixed(name).as_slice()].concat()))
}

fn alpn(name: &[u8]) -> (u16, Vec<u8>) {
    (16, prefixed(&[&[name.len() as u8], name].concat()))
}

fn of_rustls() -> Vec<u8> {
    let mut config = ClientConfig::builder()
        .with_safe_defaults()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"sip".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("edge.example.org").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut record = Vec::new();
    connection.write_tls(&mut record).unwrap();
    record.split_off(5)
}

/// The example of FoxIO's JA4 description: these lists, in this order, and its result. The
/// description does not show the GREASE values; they are put in to be ignored.
fn example_of_the_ja4_description() -> Vec<u8> {
    let suites = [
        0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
        0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let schemes = [
        0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
    ];
    let order = [
        0x0a0a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
        0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xdada,
    ];
    let extensions = order.map(|kind| match kind {
        0x0000 => sni(b"example.org"),
        0x0010 => alpn(b"h2"),
        0x000d => (kind, list(&schemes)),
        0x002b => (kind, vec![6, 0x1a, 0x1a, 3, 4, 3, 3]),
        0x000a => (kind, list(&[0xbaba, 29, 23, 24])),
        _ => (kind, Vec::new()),
    });
    message(0x0303, &suites, &extensions)
}

#[test]
fn the_published_ja4_example_gives_the_published_fingerprint() {
    let hello = client_hello(&example_of_the_ja4_description());
    assert!(hello.complete);
    assert_eq!(ja4(&hello), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

#[test]
fn a_ja4_without_signature_schemes_is_the_published_one() {
    let mut hello = client_hello(&example_of_the_ja4_description());
    hello.signature_schemes.clear();
    assert_eq!(ja4(&hello), "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

#[test]
fn a_ja4_of_a_bare_hello_is_all_zeros() {
    let hello = client_hello(&message(0x0301, &[], &[]));
    assert_eq!(ja4(&hello), "t10i000000_000000000000_000000000000");
}

#[test]
fn a_ja4_takes_odd_protocol_names_as_the_description_says() {
    let ends =
        |name: &[u8]| ja4(&client_hello(&message(0x0303, &[], &[alpn(name)])))[8..10].to_owned();
    assert_eq!(ends(b"http/1.1"), "h1");
    assert_eq!(ends(b"x"), "xx");
    assert_eq!(ends(b"\xab"), "ab");
    assert_eq!(ends(b"\x30\xab"), "3b");
    assert_eq!(ends(b"\x30\x31\xab\xcd"), "3d");
    assert_eq!(ends(b"\x30\xab\xcd\x31"), "01");
    assert_eq!(ends(b""), "00");
}

#[test]
fn grease_is_in_no_list() {
    let hello = client_hello(&example_of_the_ja4_description());
    assert_eq!(hello.versions, [0x0304, 0x0303]);
    assert_eq!(hello.groups, [29, 23, 24]);
    assert_eq!(
        (hello.cipher_suites.len(), hello.extensions.len()),
        (15, 16)
    );
    assert!(!wire::is_grease(0x0a1a) && !wire::is_grease(0x1301));
}

#[test]
fn a_hello_cut_off_anywhere_only_ever_gains() {
    for whole in [of_rustls(), example_of_the_ja4_description()] {
        let all = client_hello(&whole);
        assert!(all.complete && all.server_name.is_some() && !all.signature_schemes.is_empty());
        let mut before = 0;
        for end in 0..whole.len() {
            let cut = client_hello(&whole[..end]);
            assert!(!cut.complete);
            assert!(cut.server_name.is_none() || cut.server_name == all.server_name);
            assert!(all.extensions.starts_with(&cut.extensions));
            assert!(cut.alpn.is_empty() || cut.alpn == all.alpn);
            let lists = [
                (&cut.versions, &all.versions),
                (&cut.cipher_suites, &all.cipher_suites),
                (&cut.groups, &all.groups),
                (&cut.signature_schemes, &all.signature_schemes),
            ];
            assert!(lists.iter().all(|(cut, all)| cut.is_empty() || cut == all));
            let known = lists.iter().map(|(cut, _)| cut.len()).sum::<usize>()
                + usize::from(cut.server_name.is_some())
                + cut.extensions.len()
                + cut.alpn.len();
            assert!(known >= before);
            before = known;
        }
    }
}

#[test]
fn the_versions_of_an_old_client_are_known_only_when_no_extension_can_follow() {
    let whole = message(0x0302, &[0x002f], &[sni(b"old.example")]);
    assert_eq!(client_hello(&whole).versions, [0x0302]);
    assert_eq!(client_hello(&whole[..whole.len() - 1]).versions, []);
    assert_eq!(
        client_hello(&whole[..whole.len() - 1]).legacy_version,
        0x0302
    );
}

#[test]
fn a_hello_without_extensions_is_complete() {
    let mut body = vec![3, 1];
    body.extend([0; 32]);
    body.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let hello = client_hello(&handshake(1, &body));
    assert_eq!((hello.complete, hello.versions), (true, vec![0x0301]));
}

#[test]
fn a_hello_shorter_than_its_header_says_is_not_complete() {
    let mut whole = message(0x0303, &[0x002f], &[sni(b"a.example")]);
    whole[3] += 1;
    let hello = client_hello(&whole);
    assert_eq!(
        (hello.complete, hello.server_name.as_deref()),
        (false, Some("a.example"))
    );
}

#[test]
fn names_from_the_wire_are_lower_case_and_escaped() {
    let hello = client_hello(&message(
        0x0303,
        &[],
        &[sni(b"Edge\n.\xc3\xa9X"), alpn(b"a\"\x00")],
    ));
    assert_eq!(hello.server_name.as_deref(), Some("edge\\n.\\xc3\\xa9x"));
    assert_eq!(hello.alpn, ["a\\\"\\x00"]);
}

#[test]
fn a_malformed_extension_does_not_hide_the_ones_behind_it() {
    let hello = client_hello(&message(
        0x0303,
        &[],
        &[(10, vec![0, 9, 1]), (5, vec![]), sni(b"a.example")],
    ));
    assert_eq!(hello.server_name.as_deref(), Some("a.example"));
    assert_eq!(hello.extensions, [10, 5, 0]);
    assert!(hello.groups.is_empty());
}

#[test]
fn only_a_ticket_that_is_presented_counts() {
    let with =
        |ticket: Vec<u8>| client_hello(&message(0x0303, &[], &[(35, ticket)])).has_session_ticket;
    assert!(with(vec![1]));
    assert!(!with(vec![]));
}

#[test]
fn a_cut_off_server_hello_is_not_believed() {
    let mut body = vec![3, 3];
    body.extend([0; 32]);
    body.extend([0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    let whole = handshake(2, &body);
    assert_eq!(
        server_hello(&whole, None).map(|hello| hello.version),
        Some(0x0304)
    );
    assert!((0..whole.len()).all(|end| server_hello(&whole[..end], None).is_none()));
}

#[test]
fn a_tls_12_session_resumed_when_the_server_skipped_to_change_cipher_spec() {
    let mut body = vec![3, 3];
    body.extend([0; 32]);
    body.extend([0, 0xc0, 0x2f, 0]);
    let hello = server_hello(&handshake(2, &body), None).unwrap();
    assert_eq!(resumed(&hello, &[2], false), None);
    assert_eq!(resumed(&hello, &[2, 4], true), Some(true));
    assert_eq!(resumed(&hello, &[2, 11], false), Some(false));
    // A full handshake of a PSK suite has no Certificate.
    assert_eq!(resumed(&hello, &[2, 12, 14], true), Some(false));
}

#[test]
fn the_curve_of_a_key_exchange_is_read_only_behind_an_ecdhe_suite() {
    let key_exchange = [12, 0, 0, 40, 3, 0, 24];
    assert_eq!(named_curve(0xc02f, &key_exchange), Some(24));
    // TLS_DHE_RSA_WITH_AES_128_CBC_SHA and TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA.
    assert_eq!(named_curve(0x0033, &key_exchange), None);
    assert_eq!(named_curve(0xc035, &key_exchange), None);
    assert_eq!(named_curve(0xc02f, &key_exchange[..6]), None);
}

#[test]
fn random_bytes_and_mutilated_hellos_do_not_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for kind in [1, 2] {
        let hello = example_of_the_ja4_description();
        for _ in 0..10_000 {
            let mut bytes = hello.clone();
            bytes[0] = kind;
            for _ in 0..=random() % 8 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            bytes.truncate(random() % (2 * bytes.len()));
            ja4(&client_hello(&bytes));
            server_hello(&bytes, Some(&bytes));
            let junk: Vec<u8> = (0..random() % 64).map(|_| random() as u8).collect();
            client_hello(&handshake(kind, &junk));
            server_hello(
                &handshake(kind, &[&[3, 3], junk.as_slice()].concat()),
                Some(&junk),
            );
            classify_plaintext(&junk);
            excerpt(&junk);
            read_client_extension(&mut ClientHello::default(), &junk);
            let body = prefixed(&junk);
            for extension in [
                0_u8, 1, 5, 10, 11, 13, 15, 16, 18, 35, 41, 42, 43, 45, 48, 51,
            ] {
                read_client_extension(
                    &mut ClientHello::default(),
                    &[&[0, extension], body.as_slice()].concat(),
                );
            }
        }
    }
}

#[test]
fn plaintext_is_named_by_its_first_32_bytes() {
    let sip = |method: &str| Plaintext::Sip {
        method: method.to_owned(),
    };
    let cases: [(&[u8], Plaintext); 18] = [
        (b"OPTIONS sip:edge.example.org SIP", sip("OPTIONS")),
        (b"\r\n\r\nREGISTER SIPS:edge.example.", sip("REGISTER")),
        (b"X-Made.Up!Method sip:a", sip("X-Made.Up!Method")),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS", sip("SIP/2.0")),
        (b"OPTIONS / HTTP/1.1\r\nHost: a.exam", Plaintext::Http),
        (b"OPTIONS * HTTP/1.1\r\nHost: a.exam", Plaintext::Http),
        (b"GET / HTTP/1.1\r\n", Plaintext::Http),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Plaintext::Http),
        (b"HTTP/1.1 400 Bad Request\r\n", Plaintext::Http),
        (b"REGISTER edge.example.org SIP/2.", Plaintext::Other),
        (b"AMethodOfSeventee sip:a", Plaintext::Other),
        (b"BAD\x00 sip:a", Plaintext::Other),
        (b" sip:a", Plaintext::Other),
        (b"OPTIONS", Plaintext::Other),
        (b"INVITE si", Plaintext::Other),
        (b"\r\n\r\n", Plaintext::SipKeepAlive),
        (b"\r\n", Plaintext::Other),
        (b"", Plaintext::Other),
    ];
    for (first, expected) in cases {
        assert_eq!(classify_plaintext(first), expected, "{}", excerpt(first));
    }
}

#[test]
fn a_hello_of_ssl_2_is_told_by_its_shape() {
    let told = |bytes: &[u8]| sslv2_hello(bytes);
    assert_eq!(told(&[0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16]), Some(0x0002));
    assert_eq!(told(&[0x80, 46, 1, 3, 1, 0, 21, 0, 0, 0, 16]), Some(0x0301));
    assert_eq!(told(&[0x80, 46, 1, 0, 2]), Some(0x0002), "cut off");
    assert_eq!(told(&[0x80, 46, 1, 0, 2, 0, 20]), None, "ciphers of threes");
    assert_eq!(told(&[0x80, 46, 4, 0, 2, 0, 21]), None, "a server's");
    assert_eq!(told(&[0x00, 46, 1, 0, 2, 0, 21]), None);
    assert_eq!(told(&[0x80, 46, 1, 9, 2, 0, 21]), None);
    assert_eq!(told(b"\x16\x03\x01\x02\x00"), None);
    assert_eq!(told(b""), None);
}

#[test]
fn an_excerpt_is_printable_and_bounded() {
    assert_eq!(excerpt(b"A\r\n\x80\\"), "A\\r\\n\\x80\\\\");
    assert_eq!(excerpt(&[b'a'; 100]).len(), 32);
}

#[test]
fn numbers_have_their_registered_names() {
    assert_eq!(version_name(0x0304), "TLSv1.3");
    assert_eq!(version_name(0x7f1c), "0x7f1c");
    assert_eq!(cipher_suite_name(0x1301), "TLS_AES_128_GCM_SHA256");
    assert_eq!(
        cipher_suite_name(0x00ff),
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
    );
    assert_eq!(cipher_suite_name(0x1399), "0x1399");
    assert_eq!(
        [1, 22, 29].map(group_name),
        ["sect163k1", "secp256k1", "x25519"]
    );
    assert_eq!(group_name(0), "0x0000");
    assert_eq!(alert_name(48), "unknown_ca");
    assert_eq!(alert_name(116), "certificate_required");
    assert_eq!(alert_name(120), "no_application_protocol");
    assert_eq!(alert_name(200), "alert_200");
}
