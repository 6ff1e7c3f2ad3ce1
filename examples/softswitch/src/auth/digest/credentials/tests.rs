use super::*;

const PLAIN: &str = "username=\"alice\", realm=\"example.com\", nonce=\"00ff\", \
    uri=\"sip:example.com\", response=\"0123\", algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001";

/// Plain credentials with single changes.
fn texts() -> impl Iterator<Item = String> {
    let changes = [
        ("", ""),
        ("alice", ""),
        ("alice", "al\\\"ice"),
        ("alice", "al ice, or so"),
        ("alice", "\u{e9}"),
        ("\"alice\"", "alice"),
        ("\"alice\"", "alice bob"),
        ("\"alice\"", "\"alice\" bob"),
        ("\"alice\"", "\"alice"),
        ("username=", "username ="),
        ("username=", "username= "),
        ("username=", "username*="),
        ("username", "Username"),
        ("username=", "userhash=true, username="),
        ("username=", "opaque=\"o\", username="),
        ("username=", "other=\"o\", username="),
        ("username=", "username=bob, username="),
        ("username=\"alice\", ", ""),
        ("username=", ",username="),
        ("username=", " \r\n\tusername="),
        ("=\"example.com\"", "=\"\""),
        ("realm", ""),
        ("MD5", "SHA-256"),
        ("MD5", "sha-256"),
        ("MD5", "MD5-sess"),
        ("MD5", "AKAv1-MD5"),
        ("MD5", "\"MD5\""),
        (" algorithm=MD5,", ""),
        ("qop=auth", "qop=\"auth\""),
        ("qop=auth", "qop=auth-int"),
        ("qop=auth, ", ""),
        ("cnonce=\"c\", ", ""),
        ("\"c\"", "\"\""),
        ("nc=00000001", "nc=0000000aF"),
        ("nc=00000001", "nc=+1"),
        ("nc=00000001", "nc=x"),
        ("nc=00000001", "nc="),
        ("nc=00000001", "nc=1ffffffff"),
        ("nc=00000001", "nc=00000001,"),
        ("nc=00000001", "nc=00000001 "),
        ("nc=00000001", "nc=00000001 trailing"),
        ("nc=00000001", "nc=x, nc=00000001"),
        (", ", ","),
        (", ", " ,\r\n "),
        (", ", ";"),
        (", ", ",,"),
        ("=", "=="),
    ];
    changes.into_iter().flat_map(move |(from, to)| {
        let once = PLAIN.replace(from, to);
        changes
            .into_iter()
            .map(move |(from, to)| once.replace(from, to))
    })
}

#[test]
fn plain_credentials_are_what_the_library_says_they_are() {
    let mut plain = 0;
    for text in texts() {
        let text = text.trim_end();
        if let Some(credentials) = Credentials::parse_plain(text) {
            assert_eq!(Ok(credentials), Credentials::parse_other(text), "{text}");
            plain += 1;
        }
    }
    assert!(plain > 100, "{plain}");
}

#[test]
fn what_phones_write_is_plain() {
    assert!(Credentials::parse_plain(PLAIN).is_some());
}
