//! What the readers take from a header value is what another parser of the same grammar takes from it
//! (ezk-sip-types), wherever both read it.

use bytes::Bytes;
use ezk_sip_types::header::HeaderParse;
use ezk_sip_types::header::typed::{
    AuthResponse, CSeq as TheirCSeq, FromTo, Username, Via as TheirVia,
};
use ezk_sip_types::uri::{SipUri as TheirUri, SipUriUserPart};
use proptest::prelude::*;
use sipward::sip::{CSeq, Credentials, Host, NameAddr, SipUri, Uri, Via};

/// Reads all of a header value with the other parser.
fn theirs<T: HeaderParse>(text: &str) -> Option<T> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let text = str::from_utf8(&bytes).ok()?;
    match T::parse(&bytes, text) {
        Ok(("", value)) => Some(value),
        _ => None,
    }
}

fn our_uri(text: &str) -> Option<SipUri<'_>> {
    match Uri::parse(text) {
        Ok(Uri::Sip(uri)) => Some(uri),
        _ => None,
    }
}

/// Scheme, user, host, port, and the parameter `transport`.
type UriParts = (bool, Option<String>, String, Option<u16>, Option<String>);

fn parts_of_ours(uri: &SipUri<'_>) -> UriParts {
    (
        uri.secure,
        uri.user().map(|user| user.into_owned()),
        uri.host.to_string().to_ascii_lowercase(),
        uri.port,
        // A parameter without a value has none for the other parser.
        uri.param("transport")
            .filter(|value| !value.is_empty())
            .map(str::to_owned),
    )
}

fn parts_of_theirs(uri: &TheirUri) -> UriParts {
    let user = match &uri.user_part {
        SipUriUserPart::Empty => None,
        SipUriUserPart::User(user) => Some(user.to_string()),
        SipUriUserPart::UserPw(both) => Some(both.user.to_string()),
    };
    let transport = uri.uri_params.get_val("transport");
    (
        uri.sips,
        user.filter(|user| !user.is_empty()),
        uri.host_port.host.to_string().to_ascii_lowercase(),
        uri.host_port.port,
        transport
            .filter(|value| !value.is_empty())
            .map(|value| value.to_string()),
    )
}

prop_compose! {
    fn uris()(
        scheme in prop::sample::select(vec!["sip:", "sips:", "SIP:"]),
        user in prop::sample::select(vec![
            "", "alice@", "+49-30.(1)@", "a%40b@", "%61lice@", "a:pw@", "1&2=3$@", "o'neill!*~@",
        ]),
        host in prop::sample::select(vec![
            "example.com", "EXAMPLE.com", "a-b.c", "10.0.0.7", "[2001:db8::1]", "pbx1",
        ]),
        port in prop::sample::select(vec!["", ":5061", ":1", ":65535"]),
        params in prop::sample::select(vec![
            "", ";lr", ";transport=tls", ";transport=TLS;ob", ";x=[::1];transport=tcp", ";a;b=1;c",
        ]),
    ) -> String {
        format!("{scheme}{user}{host}{port}{params}")
    }
}

prop_compose! {
    fn addresses()(
        display in prop::sample::select(vec![
            "", "\"\" ", "Alice ", "A. G. Bell ", "\"Bell, A\" ", "\"\u{fc}\" ",
        ]),
        uri in uris(),
        params in prop::sample::select(vec![
            "", ";tag=1", ";tag=a1.b", " ; tag = x", ";x=\"a;b\";tag=9", ";a;tag=7;b=c",
        ]),
    ) -> String {
        format!("{display}<{uri}>{params}")
    }
}

prop_compose! {
    fn vias()(
        protocol in prop::sample::select(vec!["SIP/2.0/TLS ", "SIP/2.0/UDP ", "SIP / 2.0 / TLS  "]),
        host in prop::sample::select(vec!["example.com", "10.0.0.7:5061", "[2001:db8::1]:5061", "pc33"]),
        params in prop::sample::select(vec![
            ";branch=z9hG4bK1", ";rport;branch=z9hG4bK2", ";branch=z9hG4bK3;received=10.0.0.1;rport=5",
            " ;branch=z9hG4bK4 ; ttl=1",
        ]),
    ) -> String {
        format!("{protocol}{host}{params}")
    }
}

prop_compose! {
    fn credentials()(
        username in prop::sample::select(vec!["alice", "a,b", "a=b", "al ice"]),
        realm in prop::sample::select(vec!["example.com", "x, y"]),
        more in prop::sample::select(vec![
            "", ", opaque=\"o\"", ", qop=auth, nc=00000001, cnonce=\"c\"",
            ",qop=\"auth\",cnonce=\"c,d\",nc=0000000a",
        ]),
        separator in prop::sample::select(vec![", ", ",", " ,  "]),
    ) -> String {
        [
            format!("Digest username=\"{username}\""),
            format!("realm=\"{realm}\""),
            "nonce=\"00ff\"".to_owned(),
            "uri=\"sip:example.com;x=1\"".to_owned(),
            format!("response=\"0123\"{more}"),
        ]
        .join(separator)
    }
}

/// The text with pieces of it replaced by what has a meaning in the grammar.
fn spoiled(texts: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    const PIECES: [&str; 14] = [
        "", "\"", "<", ">", ";", ",", "=", ":", "@", "%", " ", "/", "?", "a",
    ];
    let edits = prop::collection::vec(
        (any::<prop::sample::Index>(), 0..3_usize, 0..PIECES.len()),
        1..4,
    );
    (texts, edits).prop_map(|(text, edits)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, removed, piece) in edits {
            let begin = at.index(text.len().max(1)).min(text.len());
            let end = (begin + removed).min(text.len());
            text.splice(begin..end, PIECES[piece].chars());
        }
        text.into_iter().collect()
    })
}

fn agree_on_a_uri(text: &str) -> Option<()> {
    let ours = parts_of_ours(&our_uri(text)?);
    let theirs = parts_of_theirs(&text.parse().ok()?);
    assert_eq!(ours, theirs, "{text}");
    Some(())
}

fn agree_on_an_address(text: &str) -> Option<()> {
    let ours = NameAddr::parse(text.as_bytes()).ok()?;
    let theirs = theirs::<FromTo>(text)?;
    let uri = our_uri(ours.uri)?;
    assert_eq!(
        parts_of_ours(&uri),
        parts_of_theirs(&theirs.uri.uri),
        "{text}"
    );
    // What is no token is no tag for this reader.
    if let Some(tag) = ours.tag() {
        assert_eq!(Some(&*tag), theirs.tag.as_deref(), "{text}");
    }
    Some(())
}

fn agree_on_a_via(text: &str) -> Option<()> {
    let ours = Via::parse(text.as_bytes()).ok()?;
    // The other parser resolves escapes of URIs here too.
    if text.contains('%') {
        return None;
    }
    let theirs = theirs::<TheirVia>(text)?;
    assert_eq!(ours.transport, &*theirs.transport, "{text}");
    let (host, port) = Host::with_port(ours.sent_by).ok()?;
    let host = host.to_string().to_ascii_lowercase();
    let their_host = theirs.sent_by.host.to_string().to_ascii_lowercase();
    assert_eq!((host, port), (their_host, theirs.sent_by.port), "{text}");
    let branch = theirs.params.get_val("branch");
    let branch = branch.filter(|value| !value.is_empty());
    assert_eq!(
        ours.branch().as_deref(),
        branch.map(|value| &**value),
        "{text}"
    );
    Some(())
}

fn agree_on_credentials(text: &str) -> Option<()> {
    let ours = Credentials::parse(text.as_bytes()).ok()?;
    let AuthResponse::Digest(theirs) = theirs::<AuthResponse>(text)? else {
        return None;
    };
    let Username::Username(username) = &theirs.username else {
        return None;
    };
    for (name, value) in [
        ("username", username),
        ("realm", &theirs.realm),
        ("nonce", &theirs.nonce),
        ("uri", &theirs.uri),
        ("response", &theirs.response),
    ] {
        // The other parser leaves quoted-pairs as they are.
        let value = value.replace('\\', "");
        assert_eq!(ours.get(name).as_deref(), Some(&*value), "{name} of {text}");
    }
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_grammar_allows_both_read_alike(
        uri in uris(), address in addresses(), via in vias(), credentials in credentials(),
    ) {
        prop_assert!(agree_on_a_uri(&uri).is_some(), "{}", uri);
        prop_assert!(agree_on_an_address(&address).is_some(), "{}", address);
        prop_assert!(agree_on_a_via(&via).is_some(), "{}", via);
        prop_assert!(agree_on_credentials(&credentials).is_some(), "{}", credentials);
    }

    #[test]
    fn what_is_spoiled_is_never_read_in_two_ways(
        uri in spoiled(uris()), address in spoiled(addresses()), via in spoiled(vias()),
        credentials in spoiled(credentials()),
    ) {
        agree_on_a_uri(&uri);
        agree_on_an_address(&address);
        agree_on_a_via(&via);
        agree_on_credentials(&credentials);
    }

    #[test]
    fn a_cseq_is_read_alike(number in any::<u32>(), method in prop::sample::select(vec!["INVITE", "ACK", "BYE", "PRACK", "MESSAGE"]), blank in "[ \t]{1,3}") {
        let text = format!("{number}{blank}{method}");
        let ours = CSeq::parse(text.as_bytes()).unwrap();
        prop_assert_eq!((ours.number, ours.method), (number, method));
        if let Some(theirs) = theirs::<TheirCSeq>(&text) {
            prop_assert_eq!(theirs.cseq, number);
            prop_assert_eq!(theirs.method.to_string(), method);
        }
    }
}
