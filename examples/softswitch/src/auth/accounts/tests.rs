use super::*;

const REALM: &str = "example.com";

fn none_yet() -> Accounts {
    Accounts::new(REALM, &[REALM.to_owned(), "example.org".to_owned()])
}

fn from_lines(text: &str) -> Result<Accounts, (usize, AccountError)> {
    let mut accounts = none_yet();
    accounts.add_lines(text)?;
    Ok(accounts)
}

fn ha1_text(accounts: &Accounts, username: &str, algorithm: Algorithm) -> Option<String> {
    let (_, hash) = accounts.ha1(username, algorithm)?;
    Some(String::from_utf8(hash.as_bytes().to_vec()).unwrap())
}

fn hashed(algorithm: Algorithm, username: &str, password: &str) -> String {
    let hash = algorithm.hash(&[username.as_bytes(), REALM.as_bytes(), password.as_bytes()]);
    String::from_utf8(hash.as_bytes().to_vec()).unwrap()
}

#[test]
fn a_password_is_kept_as_hashes_of_both_algorithms_with_and_without_domain() {
    let mut accounts = none_yet();
    accounts.add("alice:pa:ss").unwrap();
    for algorithm in Algorithm::PREFERENCE {
        for username in ["alice", "alice@example.com", "alice@example.org"] {
            let expected = hashed(algorithm, username, "pa:ss");
            assert_eq!(ha1_text(&accounts, username, algorithm), Some(expected));
        }
        assert_eq!(ha1_text(&accounts, "alice@elsewhere", algorithm), None);
        assert_eq!(ha1_text(&accounts, "bob", algorithm), None);
    }
    let (name, _) = accounts
        .ha1("alice@example.org", Algorithm::Sha256)
        .unwrap();
    assert_eq!(name, "alice");
}

#[test]
fn a_file_may_have_comments_blank_lines_and_windows_line_ends() {
    let mut accounts = none_yet();
    let text = "# phones\r\n\r\n  alice:one \r\nbob:two";
    assert_eq!(accounts.add_lines(text).unwrap(), 2);
    let expected = hashed(Algorithm::Md5, "alice", "one");
    assert_eq!(ha1_text(&accounts, "alice", Algorithm::Md5), Some(expected));
}

#[test]
fn a_file_is_read_however_an_editor_saved_it() {
    let texts = [
        "\u{feff}alice:one\nbob:two\n",
        "\u{feff}# phones\nalice:one\n\u{feff}bob:two",
        "alice:one\r\nbob:two\r\n",
        "alice:one\rbob:two\r",
        "\r\n\t alice:one \t\r\n\r\n\u{a0}bob:two\u{a0}\r\n",
    ];
    for text in texts {
        let mut accounts = none_yet();
        assert_eq!(accounts.add_lines(text), Ok(2), "{text:?}");
        for (name, password) in [("alice", "one"), ("bob", "two")] {
            let expected = hashed(Algorithm::Sha256, name, password);
            let ha1 = ha1_text(&accounts, name, Algorithm::Sha256);
            assert_eq!(ha1, Some(expected), "{text:?}");
        }
    }
}

#[test]
fn an_error_has_the_number_of_its_line_whatever_the_line_ends_are() {
    for text in ["a:b\n\nc", "a:b\r\n\r\nc", "a:b\r\rc"] {
        let error = from_lines(text).err();
        assert_eq!(error, Some((3, AccountError::NoColon)), "{text:?}");
    }
}

/// The error of a file with these bytes.
fn of_file(name: &str, bytes: &[u8]) -> String {
    let name = format!("softswitch-users-{name}-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).unwrap();
    let loaded = none_yet().load(&path);
    std::fs::remove_file(&path).unwrap();
    loaded.unwrap_err().to_string()
}

#[test]
fn a_file_in_another_encoding_is_told_to_be_saved_as_utf_8() {
    let units = || "alice:one\r\n".encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    let marked = [&[0xff, 0xfe], &little[..]].concat();
    for (name, bytes) in [("le", little), ("be", big), ("marked", marked)] {
        let error = of_file(name, &bytes);
        assert!(error.contains("UTF-16"), "{error}");
    }
    let error = of_file("latin1", b"# phones\r\nalice:gr\xfcn\r\n");
    assert!(
        error.contains("line 2: a character is not UTF-8"),
        "{error}"
    );
    assert!(!error.contains("gr"), "the password is not shown: {error}");
}

#[test]
fn a_file_may_give_hashes_and_the_weakest_account_sets_what_is_offered() {
    let md5 = hashed(Algorithm::Md5, "alice", "one").to_uppercase();
    let accounts = from_lines(&format!("alice:{md5}\nbob:two")).unwrap();
    let offered: Vec<_> = accounts.algorithms().collect();
    assert_eq!(offered, [Algorithm::Md5]);
    assert_eq!(
        ha1_text(&accounts, "alice", Algorithm::Md5),
        Some(md5.to_lowercase())
    );
    assert_eq!(ha1_text(&accounts, "alice", Algorithm::Sha256), None);
}

#[test]
fn accounts_that_no_single_challenge_suits_are_an_error() {
    let md5 = hashed(Algorithm::Md5, "alice", "one");
    let sha256 = hashed(Algorithm::Sha256, "bob", "two");
    let error = from_lines(&format!("alice:{md5}\nbob:{sha256}")).unwrap_err();
    assert!(matches!(error, (2, AccountError::NoCommonAlgorithm(name)) if name == "bob"));
}

#[test]
fn a_bad_line_is_named_by_number_and_its_secret_is_not_shown() {
    for (text, line) in [
        ("alice:one\nhunter2", 2),
        ("hunter2 x:one", 1),
        (":hunter2", 1),
        ("\n\nalice@example.com:hunter2", 3),
        ("alice:hunter2\nalice:hunter2", 2),
        ("alice:", 1),
    ] {
        let (number, error) = from_lines(text).unwrap_err();
        assert_eq!(number, line, "{text}");
        let error = FileError::in_line(Path::new("users"), number, error);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.starts_with(&format!("users, line {line}: ")),
            "{shown}"
        );
    }
}

#[test]
fn loading_a_file_gives_the_number_of_its_accounts() {
    let path = std::env::temp_dir().join(format!("softswitch-users-{}", std::process::id()));
    std::fs::write(&path, "alice:one\nbob:two\n").unwrap();
    let mut accounts = none_yet();
    accounts.add("carol:three").unwrap();
    let loaded = accounts.load(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(loaded.unwrap(), 2);
    assert!(accounts.contains("bob") && accounts.contains("carol"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = none_yet()
        .load(Path::new("/nonexistent/users"))
        .unwrap_err();
    assert!(error.to_string().contains("/nonexistent/users"));
}

#[test]
fn open_accounts_contain_everybody_and_offer_no_algorithm() {
    let open = Accounts::open();
    assert!(open.is_open());
    assert!(open.contains("anybody"));
    assert_eq!(open.algorithms().count(), 0);
}

#[test]
fn the_demo_users_have_different_long_passwords() {
    let (accounts, [alice, bob]) = Accounts::demo(REALM, &[]).unwrap();
    assert!(!accounts.is_open());
    assert!(accounts.contains(alice.name) && accounts.contains(bob.name));
    assert!(!accounts.contains("carol"));
    assert_ne!(alice.password, bob.password);
    assert_eq!(alice.password.len(), 16);
    let expected = hashed(Algorithm::Sha256, "alice", &alice.password);
    assert_eq!(
        ha1_text(&accounts, "alice", Algorithm::Sha256),
        Some(expected)
    );
}

#[test]
fn debug_output_shows_no_secret() {
    let mut accounts = none_yet();
    accounts.add("alice:hunter2").unwrap();
    let user = DemoUser {
        name: "alice",
        password: "hunter2".to_owned(),
    };
    let shown = format!("{accounts:?} {user:?}");
    assert!(!shown.contains("hunter2"));
    assert!(!shown.contains(&hashed(Algorithm::Md5, "alice", "hunter2")));
}

#[test]
fn the_offer_narrows_the_challenges_down_and_refuses_who_cannot_answer() {
    let offered = |offered| {
        let mut accounts = none_yet().with_algorithms(offered);
        accounts.add("carol:secret").unwrap();
        accounts.algorithms().collect::<Vec<_>>()
    };
    assert_eq!(offered(DigestAlgorithms::Md5), [Algorithm::Md5]);
    assert_eq!(offered(DigestAlgorithms::Sha256), [Algorithm::Sha256]);
    assert_eq!(offered(DigestAlgorithms::Both), Algorithm::PREFERENCE);

    let mut accounts = none_yet().with_algorithms(DigestAlgorithms::Md5);
    let error = accounts.add_lines(&format!("dave:{}", "0".repeat(64)));
    assert!(matches!(
        error,
        Err((1, AccountError::NoCommonAlgorithm(name))) if name == "dave"
    ));
}
