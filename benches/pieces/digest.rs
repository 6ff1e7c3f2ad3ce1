//! Digest authentication (RFC 7616).

use super::Piece;
use softswitch::auth::accounts::Accounts;
use softswitch::auth::digest::hash::{Algorithm, DigestInput, Hash};
use softswitch::auth::digest::{DigestAuthenticator, DigestResult, NONCE_LIFETIME};
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

/// One pair of credentials again and again: only the first is in time, but a count that does not
/// rise is found out last.
fn verify(algorithm: Algorithm, password: &str) -> Box<dyn FnMut()> {
    let mut server = server();
    let credentials = Answers::of_alice(&server, algorithm, password).credentials(1);
    let mut verify = move || server.verify("REGISTER", &[credentials.as_bytes()], now());
    let first = verify();
    let right = matches!(first, DigestResult::Authenticated { .. });
    assert_eq!(right, password == "wonderland", "{first:?}");
    Box::new(move || drop(black_box(verify())))
}

/// When everything happens.
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// It knows alice, whose password is wonderland.
pub fn server() -> DigestAuthenticator {
    let mut accounts = Accounts::new(REALM, &[]);
    accounts
        .add("alice:wonderland")
        .expect("a name and a password");
    DigestAuthenticator::new(REALM.to_owned(), accounts, [7; 32], NONCE_LIFETIME)
}

/// What alice's phone makes of one challenge.
pub struct Answers {
    algorithm: Algorithm,
    ha1: Hash,
    nonce: String,
}

impl Answers {
    pub fn of_alice(server: &DigestAuthenticator, algorithm: Algorithm, password: &str) -> Self {
        let challenge = server.challenges(now(), false, false).swap_remove(0);
        let (_, nonce) = challenge.split_once("nonce=\"").expect("a nonce");
        let (nonce, _) = nonce.split_once('"').expect("its end");
        Self {
            algorithm,
            ha1: algorithm.hash(&[b"alice", REALM.as_bytes(), password.as_bytes()]),
            nonce: nonce.to_owned(),
        }
    }

    /// Credentials for a REGISTER.
    pub fn credentials(&self, count: u32) -> String {
        let Self {
            algorithm,
            ha1,
            nonce,
        } = self;
        let count = format!("{count:08x}");
        let answer = DigestInput {
            method: "REGISTER",
            uri: URI,
            nonce,
            count: count.as_bytes(),
            cnonce: "c",
        };
        let response = algorithm.response(ha1, &answer);
        let response = str::from_utf8(response.as_bytes()).expect("hexadecimal digits");
        format!(
            "Digest username=\"alice\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{URI}\", \
             response=\"{response}\", algorithm={}, qop=auth, nc={count}, cnonce=\"c\"",
            algorithm.name(),
        )
    }
}
