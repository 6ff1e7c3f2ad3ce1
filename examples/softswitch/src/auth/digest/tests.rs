use std::time::UNIX_EPOCH;

use super::*;

const REALM: &str = "example.com";
const URI: &str = "sip:example.com";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn authenticator() -> DigestAuthenticator {
    let mut accounts = Accounts::new(REALM, &[]);
    accounts.add("alice:wonderland").unwrap();
    DigestAuthenticator::new(REALM.to_owned(), accounts, [7; 32], NONCE_LIFETIME)
}

/// A client that answers challenges; tests change its fields.
struct Client {
    username: &'static str,
    password: &'static str,
    algorithm: Algorithm,
    uri: &'static str,
    nonce: String,
    nc: &'static str,
}

impl Client {
    fn challenged_by(server: &DigestAuthenticator) -> Self {
        Self {
            username: "alice",
            password: "wonderland",
            algorithm: Algorithm::Sha256,
            uri: URI,
            nonce: nonce_in(&server.challenges(now(), false, false)[0]),
            nc: "00000001",
        }
    }

    fn credentials(&self) -> String {
        let ha1 = self.algorithm.hash(&[
            self.username.as_bytes(),
            REALM.as_bytes(),
            self.password.as_bytes(),
        ]);
        let answer = DigestInput {
            method: "REGISTER",
            uri: self.uri,
            nonce: &self.nonce,
            count: self.nc.as_bytes(),
            cnonce: "c",
        };
        let response = self.algorithm.response(&ha1, &answer);
        format!(
            "Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{}\", uri=\"{}\", response=\"{}\", \
             algorithm={}, qop=auth, nc={}, cnonce=\"c\"",
            self.username,
            self.nonce,
            self.uri,
            str::from_utf8(response.as_bytes()).unwrap(),
            self.algorithm.name(),
            self.nc,
        )
    }
}

fn nonce_in(challenge: &str) -> String {
    let (_, rest) = challenge.split_once("nonce=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

fn verify(server: &mut DigestAuthenticator, credentials: &str) -> DigestResult {
    server.verify("REGISTER", &[credentials.as_bytes()], now())
}

fn authenticated() -> DigestResult {
    let user = "alice".to_owned();
    DigestResult::Authenticated { user }
}

fn stale() -> DigestResult {
    let user = "alice".to_owned();
    DigestResult::Stale { user }
}

#[test]
fn challenges_offer_sha_256_before_md5() {
    let challenges = authenticator().challenges(now(), false, false);
    let nonce = nonce_in(&challenges[0]);
    let expected = ["SHA-256", "MD5"].map(|algorithm| {
        format!(
            "Digest realm=\"example.com\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\""
        )
    });
    assert_eq!(challenges, expected);
}

#[test]
fn a_stale_challenge_says_so_in_each_value() {
    let challenges = authenticator().challenges(now(), true, false);
    assert!(
        challenges
            .iter()
            .all(|value| value.contains(", stale=true,"))
    );
}

#[test]
fn open_accounts_are_not_challenged() {
    let open =
        DigestAuthenticator::new(REALM.to_owned(), Accounts::open(), [7; 32], NONCE_LIFETIME);
    assert!(open.challenges(now(), false, false).is_empty());
}

#[test]
fn either_algorithm_authenticates() {
    let mut server = authenticator();
    for algorithm in Algorithm::PREFERENCE {
        let client = Client {
            algorithm,
            ..Client::challenged_by(&server)
        };
        assert_eq!(verify(&mut server, &client.credentials()), authenticated());
    }
}

#[test]
fn a_missing_algorithm_means_md5() {
    let mut server = authenticator();
    let client = Client {
        algorithm: Algorithm::Md5,
        ..Client::challenged_by(&server)
    };
    let credentials = client.credentials().replace(" algorithm=MD5,", "");
    assert_eq!(verify(&mut server, &credentials), authenticated());
}

#[test]
fn a_username_may_carry_the_domain() {
    let mut server = authenticator();
    let client = Client {
        username: "alice@example.com",
        ..Client::challenged_by(&server)
    };
    assert_eq!(verify(&mut server, &client.credentials()), authenticated());
}

#[test]
fn spelling_that_means_the_same_authenticates() {
    let mut server = authenticator();
    for (from, to) in [
        ("Digest ", "dIGEST  "),
        ("username=\"alice\"", "username=alice"),
        ("qop=auth", "qop=\"auth\""),
        (", ", ","),
        (", ", ",\r\n "),
        ("cnonce=\"c\"", "cnonce=\"c\", opaque=\"x\""),
    ] {
        let credentials = Client::challenged_by(&server).credentials();
        let respelled = credentials.replace(from, to);
        assert_ne!(respelled, credentials);
        assert_eq!(verify(&mut server, &respelled), authenticated(), "{to}");
    }
}

#[test]
fn a_count_in_upper_case_digits_authenticates() {
    let mut server = authenticator();
    for nc in ["0000000A", "0000000b"] {
        let client = Client {
            nc,
            ..Client::challenged_by(&server)
        };
        assert_eq!(verify(&mut server, &client.credentials()), authenticated());
    }
}

#[test]
fn each_mistake_is_refused_by_its_name() {
    let mut server = authenticator();
    let good = Client::challenged_by(&server).credentials();
    let client = || Client::challenged_by(&authenticator());
    let foreign_nonce = "0".repeat(client().nonce.len());
    let cases = [
        (
            Client {
                username: "mallory",
                ..client()
            }
            .credentials(),
            "unknown_user",
        ),
        (
            Client {
                password: "guess",
                ..client()
            }
            .credentials(),
            "wrong_password",
        ),
        (
            Client {
                nonce: foreign_nonce,
                ..client()
            }
            .credentials(),
            "bad_nonce",
        ),
        (
            good.replace("SHA-256", "SHA-512-256"),
            "algorithm_not_offered",
        ),
        (good.replace("SHA-256", "MD5-sess"), "algorithm_not_offered"),
        (good.replace("SHA-256", "MD5"), "wrong_password"),
        (good.replace(", qop=auth", ""), "malformed"),
        (good.replace("qop=auth", "qop=auth-int"), "malformed"),
        (good.replace(", cnonce=\"c\"", ""), "malformed"),
        (good.replace(", nc=00000001", ""), "malformed"),
        (good.replace("nc=00000001", "nc=x"), "malformed"),
        (good.replace("username=", "username*="), "malformed"),
        (format!("{good}, userhash=true"), "malformed"),
        (format!("{good}, \u{e9}"), "malformed"),
        (
            good.replace("algorithm=SHA-256", "algorithm=\"AKA\u{e9}-MD5\""),
            "algorithm_not_offered",
        ),
        (format!("{good} trailing"), "malformed"),
    ];
    for (credentials, expected) in cases {
        match verify(&mut server, &credentials) {
            DigestResult::Refused { why, .. } => assert_eq!(why.name(), expected, "{credentials}"),
            other => panic!("{other:?} for {credentials}"),
        }
    }
    assert_eq!(verify(&mut server, &good), authenticated());
}

#[test]
fn the_uri_in_the_credentials_need_not_be_the_request_uri() {
    let mut server = authenticator();
    for uri in [
        "sip:example.com:5061;transport=tls",
        "sip:127.0.0.1:5060",
        "",
    ] {
        let client = Client {
            uri,
            ..Client::challenged_by(&server)
        };
        assert_eq!(
            verify(&mut server, &client.credentials()),
            authenticated(),
            "{uri}"
        );
    }
}

#[test]
fn a_name_without_a_response_is_no_answer_yet() {
    let mut server = authenticator();
    let first = "Digest username=\"alice\", realm=\"example.com\", nonce=\"\", \
        uri=\"sip:example.com\", response=\"\"";
    assert_eq!(verify(&mut server, first), DigestResult::Missing);
    let guess = first.replace("response=\"\"", "response=\"0\"");
    assert_eq!(
        verify(&mut server, &guess),
        refused("alice", DigestFailure::Malformed)
    );
}

#[test]
fn a_response_made_for_another_method_is_refused() {
    let mut server = authenticator();
    let credentials = Client::challenged_by(&server).credentials();
    let result = server.verify("INVITE", &[credentials.as_bytes()], now());
    assert_eq!(result, refused("alice", DigestFailure::WrongPassword));
}

#[test]
fn an_algorithm_some_account_cannot_answer_is_not_offered_to_any() {
    let mut accounts = Accounts::new(REALM, &[]);
    accounts.add("alice:wonderland").unwrap();
    let md5_only = format!("bob:{}", "0".repeat(32));
    assert_eq!(accounts.add_lines(&md5_only).unwrap(), 1);
    let mut server = DigestAuthenticator::new(REALM.to_owned(), accounts, [7; 32], NONCE_LIFETIME);
    assert_eq!(server.challenges(now(), false, false).len(), 1);
    let credentials = Client::challenged_by(&server).credentials();
    assert_eq!(
        verify(&mut server, &credentials),
        refused("alice", DigestFailure::AlgorithmNotOffered)
    );
}

#[test]
fn an_expired_nonce_is_stale_with_the_right_password_and_refused_with_a_wrong_one() {
    let mut server = authenticator();
    let good = Client::challenged_by(&server);
    let bad = Client {
        password: "guess",
        ..Client::challenged_by(&server)
    };
    let later = now() + NONCE_LIFETIME;
    let result = server.verify("REGISTER", &[good.credentials().as_bytes()], later);
    assert_eq!(result, stale());
    let result = server.verify("REGISTER", &[bad.credentials().as_bytes()], later);
    assert_eq!(result, refused("alice", DigestFailure::WrongPassword));
}

#[test]
fn a_repeated_or_lower_count_is_stale_and_a_higher_one_is_good() {
    let mut server = authenticator();
    let mut client = Client::challenged_by(&server);
    client.nc = "00000002";
    assert_eq!(verify(&mut server, &client.credentials()), authenticated());
    assert_eq!(verify(&mut server, &client.credentials()), stale());
    client.nc = "00000001";
    assert_eq!(verify(&mut server, &client.credentials()), stale());
    client.nc = "00000003";
    assert_eq!(verify(&mut server, &client.credentials()), authenticated());
}

#[test]
fn a_wrong_password_does_not_use_up_a_count() {
    let mut server = authenticator();
    let mut client = Client::challenged_by(&server);
    client.nc = "000000ff";
    let stolen = client
        .credentials()
        .replace("username=\"alice\"", "username=\"x\"");
    assert!(matches!(
        verify(&mut server, &stolen),
        DigestResult::Refused { .. }
    ));
    client.nc = "00000001";
    assert_eq!(verify(&mut server, &client.credentials()), authenticated());
}

#[test]
fn credentials_for_another_realm_or_scheme_are_ignored() {
    let mut server = authenticator();
    let good = Client::challenged_by(&server).credentials();
    let elsewhere = good.replace("realm=\"example.com\"", "realm=\"example.org\"");
    assert_eq!(verify(&mut server, &elsewhere), DigestResult::Missing);
    assert_eq!(verify(&mut server, "Bearer token"), DigestResult::Missing);
    for empty in ["", "Digest", "Digest ,", "Digestive token"] {
        assert_eq!(verify(&mut server, empty), DigestResult::Missing, "{empty}");
    }
    assert_eq!(server.verify("REGISTER", &[], now()), DigestResult::Missing);
    let all = [elsewhere.as_bytes(), b"Bearer token", good.as_bytes()];
    assert_eq!(server.verify("REGISTER", &all, now()), authenticated());
}

#[test]
fn among_several_credentials_a_good_one_decides_then_a_stale_one() {
    let mut server = authenticator();
    let good = Client::challenged_by(&server).credentials();
    let bad = good.replace("username=\"alice\"", "username=\"bob\"");
    let both = [bad.as_bytes(), good.as_bytes()];
    assert_eq!(server.verify("REGISTER", &both, now()), authenticated());
    assert_eq!(server.verify("REGISTER", &both, now()), stale());
}

#[test]
fn a_request_is_one_guess_and_not_as_many_as_it_has_headers() {
    let mut server = authenticator();
    let client = Client::challenged_by(&server);
    let right = client.credentials();
    let wrong = right.replace("response=\"", "response=\"0");
    let verify = |server: &mut DigestAuthenticator, guesses: usize| {
        let mut all = vec![wrong.as_bytes(); guesses];
        all.push(right.as_bytes());
        all.push(b"Digest realm=\"other.org\"");
        server.verify("REGISTER", &all, now())
    };
    assert_eq!(
        verify(&mut server, 4),
        refused("", DigestFailure::Malformed)
    );
    assert_eq!(verify(&mut server, 3), authenticated());
}
