//! Certificates, keys and revocation lists are read however a text editor has saved them; what cannot be
//! used is an error that says what it is.

use async_std::task::block_on;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerName};
use rustls_pki_types::pem::{PemObject, SectionKind};
use sipward::{
    Certificate, ClientAuth, Connector, Event, EventKind, FoundInstead, PolicyError, TlsPolicy,
    TrustAnchors,
};
use sipward_tests::hello::server::Server;
use sipward_tests::peer::{Authority, in_time, tcp};
use std::sync::Arc;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// The same text as different editors and copies leave it.
fn as_saved(pem: &str) -> Vec<(&'static str, Vec<u8>)> {
    let marked = [BOM, pem.as_bytes()].concat();
    let lines = |begin: &str, end: &str| {
        let lines = pem.lines().map(|line| format!("{begin}{line}{end}"));
        lines.collect::<String>().into_bytes()
    };
    let comment = String::from_utf8(lines("# ", "\n")).unwrap();
    let around = format!("Bag Attributes\r\n    friendlyName: pbx\n{comment}{pem}\n-- \nthe end");
    vec![
        ("as it is", pem.into()),
        ("a byte order mark", marked.clone()),
        ("lines that end in CRLF", lines("", "\r\n")),
        ("lines that end in CR", lines("", "\r")),
        ("blanks and tabs at the ends of lines", lines("", " \t \n")),
        ("lines that are indented", lines("\t  ", "\n")),
        ("blank lines", lines("\n \n", "\r\n\r\n")),
        (
            "text before and after, and a section in a comment",
            around.into(),
        ),
        ("no end of the last line", pem.trim_end().into()),
        ("one line", lines("", " ")),
        (
            "a no-break space and a zero width space",
            lines("\u{a0}", "\u{200b}\n"),
        ),
        ("two files in one", [&marked[..], &marked].concat()),
    ]
}

fn policy(chain: &[u8], key: &[u8]) -> Result<TlsPolicy, PolicyError> {
    TlsPolicy::from_pem(chain, key)
}

fn validated(chain: &[u8], key: &[u8]) -> Result<(), PolicyError> {
    policy(chain, key)?.validate()
}

#[test]
fn certificates_and_keys_are_read_as_they_were_saved() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    for (how, chain) in as_saved(&chain) {
        validated(&chain, key.as_bytes()).unwrap_or_else(|error| panic!("{how}: {error}"));
    }
    for (how, key) in as_saved(&key) {
        validated(chain.as_bytes(), &key).unwrap_or_else(|error| panic!("{how}: {error}"));
    }
    let both = [&chain[..], &key].concat();
    validated(both.as_bytes(), both.as_bytes()).unwrap();
}

#[test]
fn authorities_and_revocation_lists_are_read_as_they_were_saved() {
    let authority = Authority::new();
    let pem = authority.certificate.pem();
    for (how, pem) in as_saved(&pem) {
        let anchors = TrustAnchors::from_pem(&pem).unwrap();
        let first = anchors.der().next().unwrap().to_vec();
        assert_eq!(first, authority.certificate.der().to_vec(), "{how}");
        Connector::new(anchors).unwrap_or_else(|error| panic!("{how}: {error}"));
    }
    for (how, list) in as_saved(&authority.revoke(&[7])) {
        let anchors = TrustAnchors::from_pem(pem.as_bytes()).unwrap();
        let anchors = anchors.with_revocation_list(&list).unwrap();
        let policy = authority
            .policy()
            .with_client_auth(ClientAuth::Required(anchors));
        policy
            .validate()
            .unwrap_or_else(|error| panic!("{how}: {error}"));
    }
}

#[test]
fn the_older_labels_of_certificates_are_read() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    for label in ["X509 CERTIFICATE", "X.509 CERTIFICATE"] {
        let chain = chain.replace("CERTIFICATE", label);
        validated(chain.as_bytes(), key.as_bytes()).unwrap();
    }
}

fn utf16(text: &str, mark: &[u8], encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(encode);
    mark.iter().copied().chain(units).collect()
}

fn der(pem: &str) -> Vec<u8> {
    <(SectionKind, Vec<u8>)>::from_pem_slice(pem.as_bytes())
        .unwrap()
        .1
}

/// A file with this section and nothing in it that counts.
fn section(label: &str) -> Vec<u8> {
    format!("-----BEGIN {label}-----\nZ2FyYmFnZQ==\n-----END {label}-----\n").into_bytes()
}

/// What is no certificate, and what no key, wherever it is given.
fn in_no_place() -> Vec<(Vec<u8>, FoundInstead, &'static str)> {
    use FoundInstead as Found;
    let (chain, _) = Authority::new().issue(&["localhost"]);
    let other = |label: &str, words: &'static str| {
        (section(label), Found::Section(label.to_owned()), words)
    };
    vec![
        (Vec::new(), Found::Nothing, "-----BEGIN"),
        (b"garbage".to_vec(), Found::Nothing, "-----BEGIN"),
        (
            utf16(&chain, &[0xff, 0xfe], u16::to_le_bytes),
            Found::Utf16,
            "UTF-16",
        ),
        (
            utf16(&chain, &[0xfe, 0xff], u16::to_be_bytes),
            Found::Utf16,
            "save it as UTF-8",
        ),
        (utf16(&chain, &[], u16::to_le_bytes), Found::Utf16, "UTF-16"),
        (utf16(&chain, &[], u16::to_be_bytes), Found::Utf16, "UTF-16"),
        (
            vec![0x30, 0x82, 0, 5, 2, 1, 3, 0x30, 0],
            Found::Pkcs12,
            "openssl pkcs12",
        ),
        (
            vec![0x30, 4, 6, 2, 0x2a, 3],
            Found::Pkcs7,
            "openssl pkcs7 -inform der",
        ),
        other("CERTIFICATE REQUEST", "the authority's answer"),
        other("PKCS7", "openssl pkcs7"),
        other("TRUSTED CERTIFICATE", "openssl x509"),
        other("OPENSSH PRIVATE KEY", "ssh-keygen"),
        other("PUBLIC KEY", "in another file"),
        other("DSA PRIVATE KEY", "DSA PRIVATE KEY"),
        (
            section("ENCRYPTED PRIVATE KEY"),
            Found::EncryptedKey,
            "openssl pkey",
        ),
        (
            chain
                .replace("CERTIFICATE-----\n", "CERTIFICATE----\n")
                .into(),
            Found::Damaged { line: 1 },
            "line 1",
        ),
    ]
}

#[test]
fn what_is_in_no_place_right_is_called_what_it_is() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    for (given, found, words) in in_no_place() {
        let error = policy(&given, key.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(matches!(error, PolicyError::NoCertificate(seen) if seen == found));
        let error = policy(chain.as_bytes(), &given).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(matches!(error, PolicyError::NoKey(seen) if seen == found));
        let error = TrustAnchors::from_pem(&given).unwrap_err();
        assert!(matches!(error, PolicyError::NoCertificate(seen) if seen == found));
    }
}

#[test]
fn files_in_each_others_place_are_called_so() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    let error = policy(key.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("each other's place"), "{error}");
    assert!(matches!(
        error,
        PolicyError::NoCertificate(FoundInstead::PrivateKey)
    ));
    let error = policy(chain.as_bytes(), chain.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("each other's place"), "{error}");
    assert!(matches!(
        error,
        PolicyError::NoKey(FoundInstead::Certificate)
    ));
}

#[test]
fn binary_files_are_told_the_command_that_converts_them() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["localhost"]);
    let error = policy(&der(&chain), key.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("openssl x509 -inform der"),
        "{error}"
    );
    assert!(matches!(
        error,
        PolicyError::NoCertificate(FoundInstead::Der)
    ));
    let error = policy(chain.as_bytes(), &der(&key)).unwrap_err();
    assert!(
        error.to_string().contains("openssl pkey -inform der"),
        "{error}"
    );
    assert!(matches!(error, PolicyError::NoKey(FoundInstead::Der)));
    let anchors = TrustAnchors::from_pem(authority.certificate.pem().as_bytes()).unwrap();
    let list = der(&authority.revoke(&[7]));
    let error = anchors.with_revocation_list(&list).unwrap_err();
    assert!(
        error.to_string().contains("openssl crl -inform der"),
        "{error}"
    );
}

#[test]
fn a_key_encrypted_in_the_old_way_is_called_encrypted() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    let header = "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n";
    let key = key.replacen("PRIVATE KEY-----\n", header, 1);
    let key = key.replace("PRIVATE KEY", "RSA PRIVATE KEY");
    let error = policy(chain.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(matches!(
        error,
        PolicyError::NoKey(FoundInstead::EncryptedKey)
    ));
}

#[test]
fn a_damaged_section_is_named_by_its_line() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    let damaged = [
        chain.replace("-----END CERTIFICATE-----", ""),
        chain.replace("-----END CERTIFICATE-----", "-----END CERTIFICATE"),
        chain.replacen("MII", "M?I", 1),
        chain.replace("END CERTIFICATE", "END PRIVATE KEY"),
    ];
    for damaged in damaged {
        let text = format!("{chain}\r\n\r\n{damaged}");
        let line = chain.lines().count() + 3;
        let error = policy(text.as_bytes(), key.as_bytes()).unwrap_err();
        let PolicyError::NoCertificate(found) = error else {
            panic!("{error}")
        };
        assert_eq!(found, FoundInstead::Damaged { line });
    }
}

#[test]
fn a_key_of_no_certificate_is_called_so() {
    let authority = Authority::new();
    let (first, _) = authority.issue(&["localhost"]);
    let (second, _) = authority.issue(&["localhost"]);
    let (_, key) = authority.issue(&["localhost"]);
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let chain = [first, second].concat();
    for key in [key, p384.serialize_pem(), ed25519.serialize_pem()] {
        let error = validated(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(error, PolicyError::KeyMismatch), "{error}");
    }
}

#[test]
fn a_certificate_of_version_1_is_told_to_be_issued_with_an_extension() {
    let (chain, key) = Authority::new().issue(&["localhost"]);
    // The version stands in byte 12, which begins a group of base64: `Ag` is 2, version 3, and `AA` is 0.
    let body = chain.find("MII").unwrap();
    let mut old = chain.clone();
    assert_eq!(&chain[body + 16..body + 18], "Ag");
    old.replace_range(body + 16..body + 18, "AA");
    let error = validated(old.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("X.509 version 1"), "{error}");
}

/// An authority with one below it that has issued a certificate for localhost: root, intermediate, leaf,
/// and the leaf's key.
fn three_levels() -> ([String; 3], String) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        (params, KeyPair::generate().unwrap())
    };
    let (root, root_key) = authority("root");
    let (below, below_key) = authority("below the root");
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let leaf_key = KeyPair::generate().unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let root = Issuer::new(root, root_key);
    let below_pem = below.signed_by(&below_key, &root).unwrap().pem();
    let below = Issuer::new(below, below_key);
    let leaf_pem = leaf.signed_by(&leaf_key, &below).unwrap().pem();
    ([root_pem, below_pem, leaf_pem], leaf_key.serialize_pem())
}

/// The certificates that a client is sent that trusts this root.
fn sent(server: &Server, root: &str) -> Vec<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(&rustls::Certificate(der(root))).unwrap();
    let config = ClientConfig::builder()
        .with_safe_defaults()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = tcp(server.address());
    while client.is_handshaking() {
        client.complete_io(&mut socket).unwrap();
    }
    let sent = client.peer_certificates().unwrap().iter();
    sent.map(|certificate| certificate.0.clone()).collect()
}

#[test]
fn a_chain_in_any_order_is_sent_leaf_first_and_then_each_issuer() {
    let ([root, below, leaf], key) = three_levels();
    let (unrelated, _) = Authority::new().issue(&["unrelated"]);
    let orders: [(&[&str], &[&str]); 6] = [
        (&[&leaf, &below], &[&leaf, &below]),
        (&[&below, &leaf], &[&leaf, &below]),
        (&[&root, &below, &leaf], &[&leaf, &below, &root]),
        (&[&leaf, &root, &below], &[&leaf, &below, &root]),
        (&[&below, &leaf, &leaf, &below], &[&leaf, &below]),
        (&[&unrelated, &below, &leaf], &[&leaf, &below, &unrelated]),
    ];
    block_on(async {
        for (given, expected) in orders {
            let policy = policy(given.concat().as_bytes(), key.as_bytes()).unwrap();
            let server = Server::start(policy).await;
            let expected: Vec<_> = expected.iter().map(|pem| der(pem)).collect();
            assert!(sent(&server, &root) == expected);
            let Event::Ready(ready) = in_time(server.events.next_of(EventKind::Ready)).await else {
                unreachable!()
            };
            let leaf = Certificate::from_der(&expected[0]).unwrap();
            assert_eq!(ready.tls.certificate_not_after, Some(leaf.not_after));
        }
    });
}
