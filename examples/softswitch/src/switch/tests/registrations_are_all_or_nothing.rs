//! The registrar's rules (RFC 3261 10.3): each REGISTER is applied as a whole, or refused with
//! nothing changed.

use std::time::Duration;

use super::fixture::{BOB, BOB_DESK, Fixture, value, values};
use crate::switch::event::{SwitchEvent, Unregistration};

/// Sends a REGISTER of bob and returns the response.
fn register(fixture: &mut Fixture, call_id: &str, cseq: u32, more: &str) -> String {
    let branch = fixture.branch();
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\n\
         Via: SIP/2.0/TLS 10.0.0.2;branch={branch}\n\
         From: <sip:bob@example.com>;tag=r\n\
         To: <sip:bob@example.com>\n\
         Call-ID: {call_id}\n\
         CSeq: {cseq} REGISTER\n\
         {more}"
    );
    fixture.send(BOB, text.trim());
    fixture.expect(BOB, "SIP/2.0 ")
}

fn status(answer: &str) -> &str {
    &answer[8..11]
}

/// The bindings of bob, as a query lists them.
fn listed(fixture: &mut Fixture) -> Vec<String> {
    let answer = register(fixture, "query", 1, "");
    assert_eq!(status(&answer), "200");
    values(&answer, "Contact")
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[test]
fn all_bindings_are_listed_with_the_seconds_they_have_left() {
    let mut fixture = Fixture::without_authentication();
    assert!(listed(&mut fixture).is_empty());
    register(
        &mut fixture,
        "a",
        1,
        "Contact: <sip:bob@10.0.0.2>;q=0.5;expires=120",
    );
    fixture.advance(Duration::from_millis(20_500));
    register(
        &mut fixture,
        "b",
        1,
        "Expires: 600\nContact: <sip:bob@10.0.0.3>, \"Bob, at \\\"home\\\"\" <sips:bob@10.0.0.4:5061?x=y>;expires=60",
    );
    assert_eq!(
        listed(&mut fixture),
        [
            "<sip:bob@10.0.0.2>;expires=100;q=0.5",
            "<sip:bob@10.0.0.3>;expires=600",
            "<sips:bob@10.0.0.4:5061?x=y>;expires=60",
        ]
    );
    fixture.assert_nothing_left();
}

#[test]
fn lifetimes_are_kept_within_the_limits() {
    for (more, expires) in [
        ("Contact: <sip:bob@10.0.0.2>", 3600),
        ("Expires: 100\nContact: <sip:bob@10.0.0.2>", 100),
        ("Expires: 100\nContact: <sip:bob@10.0.0.2>;expires=200", 200),
        ("Expires: soon\nContact: <sip:bob@10.0.0.2>", 3600),
        ("Contact: <sip:bob@10.0.0.2>;expires=99999", 7200),
        ("Contact: sip:bob@10.0.0.2;expires=90", 90),
    ] {
        let mut fixture = Fixture::without_authentication();
        let answer = register(&mut fixture, "a", 1, more);
        let contact = format!("<sip:bob@10.0.0.2>;expires={expires}");
        assert_eq!(value(&answer, "Contact"), contact, "{more}");
        fixture.assert_nothing_left();
    }
}

#[test]
fn refused_requests_change_nothing() {
    for (cseq, more, refused) in [
        (2, "Contact: <sip:bob@10.0.0.9>;expires=59", "423"),
        (
            2,
            "Contact: <sip:bob@10.0.0.9>, <sip:bob@10.0.0.8>;expires=1",
            "423",
        ),
        (2, "Contact: *\nExpires: 3600", "400"),
        (2, "Contact: *", "400"),
        (2, "Contact: *, <sip:bob@10.0.0.9>\nExpires: 0", "400"),
        (2, "Contact: <tel:+49123>", "400"),
        (2, "Contact: <sip:bob@10.0.0.9", "400"),
        (2, "Contact: <sip:bob@10.0.0.9>, *", "400"),
        (
            2,
            "Contact: <sip:a@10.0.0.9>;+sip.instance=\"i\";reg-id=1, \
             <sip:b@10.0.0.9>;+sip.instance=\"i\";reg-id=2",
            "400",
        ),
        (1, "Contact: <sip:bob@10.0.0.9>, <sip:bob@10.0.0.2>", "500"),
        (0, "Contact: <sip:bob@10.0.0.2>;expires=0", "500"),
        (1, "Contact: *\nExpires: 0", "500"),
        (
            2,
            "Require: gruu, outbound, path\nContact: <sip:bob@10.0.0.9>",
            "420",
        ),
        (
            2,
            "Contact: <sip:a@1.1.1.1>, <sip:b@1.1.1.1>, <sip:c@1.1.1.1>",
            "403",
        ),
    ] {
        let mut fixture = Fixture::without_authentication();
        register(&mut fixture, "a", 1, "Contact: <sip:bob@10.0.0.2>");
        fixture.events();
        let answer = register(&mut fixture, "a", cseq, more);
        assert_eq!(status(&answer), refused, "{more}");
        if refused == "423" {
            assert_eq!(value(&answer, "Min-Expires"), "60");
        }
        if refused == "420" {
            assert_eq!(value(&answer, "Unsupported"), "gruu");
        }
        assert_eq!(
            listed(&mut fixture),
            ["<sip:bob@10.0.0.2>;expires=3600"],
            "{more}"
        );
        assert_eq!(fixture.events(), []);
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_full_user_may_exchange_one_contact_for_another() {
    let mut fixture = Fixture::without_authentication();
    register(
        &mut fixture,
        "a",
        1,
        "Contact: <sip:a@1.1.1.1>, <sip:b@1.1.1.1>, <sip:c@1.1.1.1>",
    );
    let answer = register(
        &mut fixture,
        "a",
        2,
        "Contact: <sip:d@1.1.1.1>, <sip:a@1.1.1.1>;expires=0",
    );
    assert_eq!(status(&answer), "200");
    assert_eq!(values(&answer, "Contact").len(), 3);
    fixture.assert_nothing_left();
}

#[test]
fn another_call_id_may_refresh_with_any_cseq() {
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, "a", 100, "Contact: <sip:bob@10.0.0.2>");
    fixture.advance(Duration::from_secs(600));
    let answer = register(&mut fixture, "b", 1, "Contact: <sip:bob@10.0.0.2>");
    assert_eq!(value(&answer, "Contact"), "<sip:bob@10.0.0.2>;expires=3600");
    fixture.assert_nothing_left();
}

#[test]
fn a_star_removes_all_bindings() {
    let mut fixture = Fixture::without_authentication();
    register(
        &mut fixture,
        "a",
        1,
        "Contact: <sip:bob@10.0.0.2>, <sip:bob@10.0.0.3>",
    );
    fixture.events();
    let answer = register(&mut fixture, "a", 2, "Contact: *\nExpires: 0");
    assert_eq!(status(&answer), "200");
    assert!(values(&answer, "Contact").is_empty());
    let removed = fixture.events().into_iter().filter(|event| {
        matches!(
            event,
            SwitchEvent::Unregistered {
                why: Unregistration::Removed,
                source: Some(_),
                ..
            }
        )
    });
    assert_eq!(removed.count(), 2);
    assert!(fixture.effects.held.is_empty());
    fixture.assert_nothing_left();
}

#[test]
fn outbound_is_required_in_the_answer_only_when_it_was_used() {
    let mut fixture = Fixture::without_authentication();
    let plain = register(
        &mut fixture,
        "a",
        1,
        "Supported: outbound\nContact: <sip:bob@10.0.0.2>",
    );
    assert!(values(&plain, "Require").is_empty());
    let half = "Contact: <sip:bob@10.0.0.3>;reg-id=1";
    assert!(values(&register(&mut fixture, "b", 1, half), "Require").is_empty());
    let full = "Contact: <sip:bob@10.0.0.4>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    let answer = register(&mut fixture, "c", 1, full);
    assert_eq!(value(&answer, "Require"), "outbound");
    assert!(values(&answer, "Contact")[2].ends_with(";+sip.instance=\"<urn:uuid:1>\";reg-id=1"));
    fixture.assert_nothing_left();
}

#[test]
fn other_domains_are_refused() {
    let mut fixture = Fixture::without_authentication();
    for (uri, to) in [
        ("sip:other.org", "sip:bob@example.com"),
        ("sip:example.com", "sip:bob@other.org"),
    ] {
        fixture.send(
            BOB_DESK,
            &format!(
                "REGISTER {uri} SIP/2.0\n\
                 Via: SIP/2.0/TLS 10.0.0.3;branch=z9hG4bKo\n\
                 From: <{to}>;tag=r\n\
                 To: <{to}>\n\
                 Call-ID: other\n\
                 CSeq: 1 REGISTER\n\
                 Contact: <sip:bob@10.0.0.3>"
            ),
        );
        fixture.expect(BOB_DESK, "SIP/2.0 403 Domain Not Served");
    }
    fixture.assert_nothing_left();
}

#[test]
fn a_refresh_has_the_last_word() {
    let mut fixture = Fixture::without_authentication();
    let contact = "Contact: <sip:bob@10.0.0.2>";
    let in_order = [
        ("one", 1, "200"),
        ("one", 5, "200"),
        ("one", 4, "500"),
        ("two", 1, "200"),
        ("two", 1, "500"),
        ("one", 1, "200"),
    ];
    for (call_id, cseq, expected) in in_order {
        let answer = register(&mut fixture, call_id, cseq, contact);
        assert_eq!(status(&answer), expected, "{call_id} {cseq}");
    }
    let preferred = register(&mut fixture, "one", 2, &format!("{contact};q=0.5"));
    assert!(value(&preferred, "Contact").ends_with(";q=0.5"));
    fixture.events();
    let refreshed = register(&mut fixture, "one", 3, contact);
    assert!(!value(&refreshed, "Contact").contains(";q="));
    assert!(matches!(
        fixture.events()[..],
        [SwitchEvent::Registered { refresh: true, .. }]
    ));
    fixture.assert_nothing_left();
}
