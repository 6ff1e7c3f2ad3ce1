//! What the switch changes in a message it passes on, and that it changes nothing else.

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, Fixture, response, value, values};

#[test]
fn a_request_is_changed_in_via_max_forwards_record_route_and_request_uri_only() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let odd = "X-Odd:   spaces  kept \nsubject : ünïcode\nk: timer\nl-x: <no \"meaning\" , at all";
    fixture.send_with_body(ALICE, &invite("z9hG4bKm", odd), "\0\u{1}body\r\n\r\n");
    let got = fixture.expect(
        BOB,
        "INVITE sip:bob@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/TLS sip.example.com:5061;",
    );
    let rest = got.splitn(4, "\r\n").nth(3).expect("more lines");
    assert_eq!(
        rest,
        "Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKm\r\n\
         Max-Forwards: 69\r\n\
         From: \"Alice; <1>\" <sip:alice@example.com>;tag=a1\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: call-1\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:alice@192.168.1.1>\r\n\
         X-Odd:   spaces  kept \r\n\
         subject : ünïcode\r\n\
         k: timer\r\n\
         l-x: <no \"meaning\" , at all\r\n\
         Content-Length: 10\r\n\r\n\0\u{1}body\r\n\r\n"
    );
    fixture.assert_nothing_left();
}

#[test]
fn who_a_party_is_said_to_be_is_not_passed_on_for_any_peer() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let claims = "P-Asserted-Identity: <sip:president@example.com>\nX: y\n\
                  Remote-Party-ID: <sip:president@example.com>";
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKm", claims));
    let got = fixture.expect(BOB, "MESSAGE ");
    assert!(!got.contains("president"), "{got}");
    assert_eq!(value(&got, "X"), "y");
    let answer = response(
        &got,
        "200 OK",
        "b",
        "P-Asserted-Identity: <sip:president@example.com>",
    );
    fixture.send(BOB, &answer);
    let got = fixture.expect(ALICE, "SIP/2.0 200 ");
    assert!(!got.contains("president"), "{got}");
    fixture.assert_nothing_left();
}

#[test]
fn a_response_loses_our_via_and_nothing_else() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKm", ""));
    let got = fixture.expect(BOB, "MESSAGE ");
    let vias = values(&got, "Via");
    // Both Vias in one line, in the compact form, with white space.
    let answer = format!(
        "SIP/2.0 200 Très bien\n\
         v:  {} , {}\n\
         f: <sip:alice@example.com>;tag=a1\n\
         t: <sip:bob@example.com>;tag=b\n\
         i: call-1\n\
         CSeq: 1   MESSAGE\n\
         X: y",
        vias[0], vias[1]
    );
    fixture.send_with_body(BOB, &answer, "hello");
    assert_eq!(
        fixture.expect(ALICE, "SIP"),
        "SIP/2.0 200 Très bien\r\n\
         Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKm\r\n\
         f: <sip:alice@example.com>;tag=a1\r\n\
         t: <sip:bob@example.com>;tag=b\r\n\
         i: call-1\r\n\
         CSeq: 1   MESSAGE\r\n\
         X: y\r\n\
         Content-Length: 5\r\n\r\nhello"
    );
    fixture.assert_nothing_left();
}

#[test]
fn the_topmost_via_says_where_the_request_came_from() {
    for (given, stamped) in [
        (
            "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKv",
            "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKv",
        ),
        (
            "SIP/2.0/TLS pc.example.org:5061;branch=z9hG4bKv",
            "SIP/2.0/TLS pc.example.org:5061;branch=z9hG4bKv;received=10.0.0.1",
        ),
        (
            "SIP/2.0/TLS 192.168.1.1;rport;branch=z9hG4bKv;alias",
            "SIP/2.0/TLS 192.168.1.1;rport=50001;branch=z9hG4bKv;alias;received=10.0.0.1",
        ),
        (
            "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKv;rport",
            "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKv;rport=50001;received=10.0.0.1",
        ),
        (
            "SIP/2.0/TLS 10.0.0.1;received=1.2.3.4;branch=z9hG4bKv",
            "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKv;received=10.0.0.1",
        ),
        (
            "SIP / 2.0 / TLS [2001:db8::1]:5061 ;branch=z9hG4bKv, SIP/2.0/UDP a;branch=z9hG4bKold",
            "SIP / 2.0 / TLS [2001:db8::1]:5061;branch=z9hG4bKv;received=10.0.0.1, SIP/2.0/UDP a;branch=z9hG4bKold",
        ),
    ] {
        let mut fixture = Fixture::without_authentication();
        fixture.register(BOB, "bob");
        let mut text = request("MESSAGE", "z9hG4bKv", "");
        text = text.replace("SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKv", given);
        fixture.send(ALICE, &text);
        let got = fixture.expect(BOB, "MESSAGE ");
        assert_eq!(values(&got, "Via")[1], stamped);
        // Responses made here say the same.
        let text = text.replace("sip:bob@", "sip:nobody@");
        fixture.send(ALICE, &text.replace("z9hG4bKv", "z9hG4bKw"));
        let stamped = stamped.replace("z9hG4bKv", "z9hG4bKw");
        assert_eq!(
            value(&fixture.expect(ALICE, "SIP/2.0 404 "), "Via"),
            stamped
        );
        fixture.assert_nothing_left();
    }
}

#[test]
fn folded_headers_are_read_as_one_line_and_sent_on_as_they_are() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let folded = request("MESSAGE", "z9hG4bKf", "Subject: a\n\tlong\n story")
        .replace("CSeq: 1 MESSAGE", "CSeq:\n 1\n MESSAGE")
        .replace(";branch=", "\n ;branch=");
    fixture.send(ALICE, &folded);
    let got = fixture.expect(BOB, "MESSAGE ");
    assert!(
        got.contains("\r\nSubject: a\r\n\tlong\r\n story\r\n"),
        "{got}"
    );
    assert!(got.contains("\r\nCSeq:\r\n 1\r\n MESSAGE\r\n"), "{got}");
    let got = got.replace("CSeq:\r\n 1\r\n MESSAGE", "CSeq: 1 MESSAGE");
    fixture.send(BOB, &response(&got, "200 OK", "b", ""));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.assert_nothing_left();
}

#[test]
fn compact_header_names_are_understood() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let bye = call
        .caller_request(&mut fixture, "BYE", 2)
        .replace("Via:", "v:")
        .replace("From:", "f:")
        .replace("To:", "t:")
        .replace("Call-ID:", "i:");
    fixture.send(ALICE, &bye);
    fixture.expect(BOB, "BYE ");
    fixture.assert_nothing_left();
}
