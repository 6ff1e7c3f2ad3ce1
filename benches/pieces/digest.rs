//! Digest authentication (RFC 7616).

use super::Piece;
use crate::softswitch::accounts::Accounts;
use crate::softswitch::digest::hash::{Algorithm, Answer};
use crate::softswitch::digest::{Authenticator, NONCE_LIFETIME, Verdict};
use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const REALM: &str = "example.com";
const URI: &str = "sip:example.com";

pub const PIECES: &[Piece] = &[
    Piece {
        name: "digest: both challenges",
        prepare: || {
            let server = server();
            Box::new(move || drop(black_box(server.challenges(now(), false, false))))
        },
    },
    Piece {
        name: "digest: right credentials, SHA-256",
        prepare: || verify(Algorithm::Sha256, "wonderland"),
    },
    Piece {
        name: "digest: right credentials, MD5",
        prepare: || verify(Algorithm::Md5, "wonderland"),
    },
    Piece {
        name: "digest: a wrong password, SHA-256",
        prepare: || verify(Algorithm::Sha256, "guess"),
    },
];

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn server() -> Authenticator {
    let mut accounts = Accounts::new(REALM, &[]);
    accounts
        .add("alice:wonderland")
        .expect("a name and a password");
    Authenticator::new(REALM.to_owned(), accounts, [7; 32], NONCE_LIFETIME)
}

/// One pair of credentials again and again: only the first is in time, but a count that does not
/// rise is found out last.
fn verify(algorithm: Algorithm, password: &str) -> Box<dyn FnMut()> {
    let mut server = server();
    let challenge = server.challenges(now(), false, false).swap_remove(0);
    let (_, nonce) = challenge.split_once("nonce=\"").expect("a nonce");
    let (nonce, _) = nonce.split_once('"').expect("its end");
    let ha1 = algorithm.hash(&[b"alice", REALM.as_bytes(), password.as_bytes()]);
    let answer = Answer {
        method: "REGISTER",
        uri: URI,
        nonce,
        count: b"00000001",
        cnonce: "c",
    };
    let response = algorithm.response(&ha1, &answer);
    let response = str::from_utf8(response.as_bytes()).expect("hexadecimal digits");
    let credentials = format!(
        "Digest username=\"alice\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{URI}\", \
         response=\"{response}\", algorithm={}, qop=auth, nc=00000001, cnonce=\"c\"",
        algorithm.name(),
    );
    let first = server.verify("REGISTER", URI, &[&credentials], now());
    let right = matches!(first, Verdict::Authenticated { .. });
    assert_eq!(right, password == "wonderland", "{first:?}");
    Box::new(move || {
        drop(black_box(server.verify(
            "REGISTER",
            URI,
            &[&credentials],
            now(),
        )))
    })
}
