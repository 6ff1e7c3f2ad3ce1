//! Requests that are refused, each with the status that says why, and leave nothing behind.

use sipward::sip::Message;

use super::dialog::{invite, request};
use super::fixture::{ALICE, BOB, Fixture, response, value};
use crate::switch::event::{DropReason, EndedBy, SwitchEvent};

#[track_caller]
fn is_refused(text: &str, status: &str) -> String {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, text);
    let answer = fixture.expect(ALICE, &format!("SIP/2.0 {status}"));
    fixture.expect_silence();
    fixture.assert_nothing_left();
    answer
}

#[test]
fn an_unknown_user_is_404_and_whoever_is_not_connected_is_480() {
    let text = invite("z9hG4bKn", "");
    is_refused(&text.replace("INVITE sip:bob", "INVITE sip:nobody"), "404");
    is_refused(&text.replace("INVITE sip:bob@", "INVITE sip:"), "404");
    is_refused(&text.replace("INVITE sip:bob", "INVITE sip:carol"), "480");
}

#[test]
fn a_call_to_nobody_is_reported() {
    let mut fixture = Fixture::without_authentication();
    fixture.send(ALICE, &invite("z9hG4bKn", ""));
    fixture.expect(ALICE, "SIP/2.0 480 ");
    assert!(matches!(
        &fixture.events()[..],
        [SwitchEvent::CallEnded { callee, status: 480, ended_by: EndedBy::Failed, .. }]
            if callee == "bob@example.com"
    ));
}

#[test]
fn other_domains_and_other_routes_are_not_served() {
    let text = invite("z9hG4bKn", "");
    is_refused(
        &text.replace("INVITE sip:bob@example.com", "INVITE sip:bob@other.org"),
        "403",
    );
    is_refused(&invite("z9hG4bKn", "Route: <sip:other.org;lr>"), "403");
    is_refused(
        &invite(
            "z9hG4bKn",
            "Route: <sip:example.com;lr>, <sip:other.org;lr>",
        ),
        "403",
    );
}

#[test]
fn a_route_to_the_switch_itself_is_taken_off() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(
        ALICE,
        &request(
            "MESSAGE",
            "z9hG4bKn",
            "Route: <sip:EXAMPLE.com:5061;transport=tls;lr>",
        ),
    );
    let got = fixture.expect(BOB, "MESSAGE sip:bob@10.0.0.2 ");
    assert!(!got.contains("Route"));
    fixture.assert_nothing_left();
}

#[test]
fn unknown_schemes_and_extensions_are_named() {
    let options = request("OPTIONS", "z9hG4bKn", "Require: path, foo");
    let options = options.replace("OPTIONS sip:bob@", "OPTIONS sip:");
    assert_eq!(value(&is_refused(&options, "420"), "Unsupported"), "foo");
    let text = invite("z9hG4bKn", "Proxy-Require: foo, bar");
    assert_eq!(value(&is_refused(&text, "420"), "Unsupported"), "foo, bar");
    is_refused(
        &invite("z9hG4bKn", "").replace("INVITE sip:bob@example.com", "INVITE tel:+49123"),
        "416",
    );
}

#[test]
fn what_cannot_be_a_transaction_is_400() {
    let text = invite("z9hG4bKn", "");
    is_refused(
        &text.replace("1 INVITE", "1 MESSAGE"),
        "400 CSeq Method Mismatch",
    );
    is_refused(&text.replace("1 INVITE", "one INVITE"), "400 Bad CSeq");
    is_refused(
        &text.replace("1 INVITE", "4294967296 INVITE"),
        "400 Bad CSeq",
    );
    is_refused(&text.replace(";tag=a1", ""), "400 Missing From Tag");
    is_refused(&text.replace(";tag=a1", ";tag="), "400 Bad From Tag");
    is_refused(
        &text.replace(";tag=a1", ";tag=a1;TAG=a2"),
        "400 Bad From: bad parameter",
    );
    is_refused(
        &text.replace(
            "To: <sip:bob@example.com>",
            "To: <sip:bob@example.com>;tag=1;tag=2",
        ),
        "400 Bad To: bad parameter",
    );
    is_refused(
        &text.replace("INVITE sip:bob@example.com", "INVITE sip:bob@[::"),
        "400 Bad Request-URI: bad host",
    );
}

#[test]
fn a_client_of_rfc_2543_is_served_by_the_fields_of_its_request() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let text = invite("1", "").replace(";tag=a1", "");
    fixture.send(ALICE, &text);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    // The same again is a retransmission, another CSeq another request.
    fixture.send(ALICE, &text);
    fixture.expect_silence();
    fixture.send(BOB, &response(&got, "486 Busy Here", "b", ""));
    fixture.expect(BOB, "ACK ");
    let refused = fixture.expect(ALICE, "SIP/2.0 486 ");
    let ack = text.replace("INVITE", "ACK").replace(
        "To: <sip:bob@example.com>",
        &format!("To: {}", value(&refused, "To")),
    );
    fixture.send(ALICE, &ack);
    fixture.expect_silence();
    assert_eq!(fixture.drops(), [(DropReason::RepeatedRequest, 1)]);
    fixture.assert_nothing_left();
}

#[test]
fn an_ack_is_never_answered() {
    let mut fixture = Fixture::without_authentication();
    let ack = request("ACK", "z9hG4bKn", "");
    fixture.send(ALICE, &ack);
    fixture.send(ALICE, &ack.replace("1 ACK", "1 INVITE"));
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn what_comes_after_the_end_of_its_connection_leaves_nothing_behind() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.disconnect(ALICE);
    fixture.send(ALICE, &invite("z9hG4bKn", ""));
    fixture.send(ALICE, &request("REGISTER", "z9hG4bKr", ""));
    fixture.expect_silence();
    fixture.advance(std::time::Duration::from_secs(1));
    assert!(fixture.effects.held.iter().eq([&BOB]));
    fixture.assert_nothing_left();
}

#[test]
fn a_host_that_is_no_dns_name_is_answered_where_it_came_from() {
    let text = invite("z9hG4bKn", "").replace("INVITE sip:bob", "INVITE sip:nobody");
    let answer = is_refused(&text.replace("10.0.0.1;", "my_pc:5061;"), "404");
    assert_eq!(
        value(&answer, "Via"),
        "SIP/2.0/TLS my_pc:5061;branch=z9hG4bKn;received=10.0.0.1"
    );
}

#[test]
fn every_broken_request_is_answered_with_what_is_broken() {
    let text = invite("z9hG4bKn", "");
    for (from, to, reason) in [
        (
            "Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKn\n",
            "",
            "Missing Via",
        ),
        (
            "SIP/2.0/TLS 10",
            "SIP/3.0/TLS 10",
            "Bad Via: unknown version",
        ),
        ("SIP/2.0/TLS 10.0.0.1", "SIP/2.0/TLS ", "Bad Via: bad host"),
        (
            "branch=z9hG4bKn",
            "branch=z9hG4bKn;;,;,,",
            "Bad Via: bad token",
        ),
        ("From: ", "X-From: ", "Missing From"),
        ("To: ", "X-To: ", "Missing To"),
        ("Call-ID: call-1\n", "", "Missing Call-ID"),
        ("CSeq: 1 INVITE\n", "", "Missing CSeq"),
        ("From: ", "f: <sip:a@b>;tag=1\nFrom: ", "Repeated From"),
        ("To: ", "t: <sip:a@b>\nTo: ", "Repeated To"),
        ("Call-ID: ", "i: call-2\nCall-ID: ", "Repeated Call-ID"),
        ("CSeq: ", "CSEQ: 1 INVITE\nCSeq: ", "Repeated CSeq"),
        (
            "To: <sip:bob@example.com>",
            "To: nonsense",
            "Bad To: bad URI",
        ),
        (
            "To: <sip:bob@example.com>",
            "To: <sip:bob@example.com",
            "Bad To: unbalanced angle bracket",
        ),
        ("\"Alice; <1>\"", "\"Alice", "Bad From: unbalanced quote"),
        (
            "Call-ID: call-1",
            "Call-ID: call 1",
            "Bad Call-ID: bad token",
        ),
        ("CSeq: 1 INVITE", "CSeq: INVITE", "Bad CSeq: bad number"),
        (
            "Max-Forwards: 70",
            "Max-Forwards: many",
            "Bad Max-Forwards: bad number",
        ),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\nMax-Forwards: 7",
            "Repeated Max-Forwards",
        ),
        (
            "Contact: ",
            "Route: <sip:example.com\nContact: ",
            "Bad Route: unbalanced angle bracket",
        ),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        let mut fixture = Fixture::without_authentication();
        fixture.register(BOB, "bob");
        fixture.send(ALICE, &broken);
        let answer = fixture.expect(ALICE, &format!("SIP/2.0 400 {reason}\r\n"));
        if !reason.contains("Via") {
            assert!(
                value(&answer, "Via").contains("branch=z9hG4bKn"),
                "{answer}"
            );
        }
        fixture.expect_silence();
        let user = if reason.contains("From") && reason != "Repeated From" {
            ""
        } else {
            "alice"
        };
        let user = if reason == "Repeated From" { "a" } else { user };
        let refusal = (400, reason.to_owned(), "INVITE".to_owned(), user.to_owned());
        assert_eq!(fixture.refusals(), [refusal]);
        fixture.assert_nothing_left();
    }
}

#[test]
fn what_would_be_kept_for_each_call_is_bounded() {
    let text = invite("z9hG4bKn", "");
    let long = "x".repeat(1025);
    is_refused(&text.replace("call-1", &long), "400 Call-ID Too Long");
    is_refused(
        &text.replace("tag=a1", &format!("tag={}", &long[..513])),
        "400 Tag Too Long",
    );
    let mut fixture = Fixture::without_authentication();
    fixture.send(
        ALICE,
        &text
            .replace("sip:bob@", &format!("sip:{long}@"))
            .replace("sip:alice@", &format!("sip:{long}@")),
    );
    fixture.expect(ALICE, "SIP/2.0 404 ");
    let Some(SwitchEvent::CallEnded { caller, callee, .. }) = fixture.events().pop() else {
        panic!("no call has ended");
    };
    assert_eq!([caller.len(), callee.len()], [256, 256]);
    fixture.assert_nothing_left();
}

#[test]
fn a_broken_ack_is_dropped_and_counted() {
    let text = request("ACK", "z9hG4bKn", "");
    let mut fixture = Fixture::without_authentication();
    fixture.send(ALICE, &text.replace("Call-ID: call-1\n", ""));
    fixture.send(ALICE, &text.replace("To: ", "T o: "));
    fixture.send(ALICE, &text);
    fixture.expect_silence();
    assert_eq!(
        fixture.drops(),
        [
            (DropReason::UnreadableAck, 2),
            (DropReason::UnexpectedAck, 1)
        ]
    );
    fixture.assert_nothing_left();
}

#[test]
fn responses_nobody_waits_for_are_dropped_and_counted() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKn", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    let ok = response(&got, "200 OK", "b", "");
    // From another connection, for another method, for another branch.
    fixture.send(ALICE, &ok);
    fixture.send(BOB, &ok.replace("1 INVITE", "1 BYE"));
    fixture.send(BOB, &ok.replacen("z9hG4bK", "z9hG4bK0", 1));
    // What cannot be read, or has a status of no class.
    fixture.send(BOB, &ok.replace("CSeq: 1 INVITE", "CSeq: one"));
    for status in ["000", "099", "700", "999", "4294967301"] {
        fixture.send(BOB, &ok.replace("200 OK", status));
    }
    fixture.expect_silence();
    assert_eq!(
        fixture.drops(),
        [
            (DropReason::UnreadableResponse, 6),
            (DropReason::UnexpectedResponse, 3)
        ]
    );
    fixture.send(BOB, &ok);
    fixture.expect(ALICE, "SIP/2.0 200 ");
    fixture.assert_nothing_left();
}

#[test]
fn nothing_a_peer_may_send_brings_the_switch_down() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    let got = {
        fixture.send(ALICE, &invite("z9hG4bKfirst", ""));
        fixture.expect(BOB, "INVITE ")
    };
    let texts = [
        response(
            &got,
            "183 Session BranchState",
            "b",
            "Contact: <sip:bob@10.0.0.2>",
        ),
        invite(
            "z9hG4bKn",
            "Route: <sip:example.com;lr>\nContact: \"a\\\"b\" <sip:ä%@[::1]:99999;x=\"y>",
        ),
        request(
            "REGISTER",
            "z9hG4bKn",
            "Contact: <sip:b%ff@é.x;;=;a=\"\\\";q=<;?h=v&>;expires=-1, *",
        ),
        request("ACK", "z9hG4bKn", "Route: <sip:0@example.com>"),
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let junk = [
        "\"", "<", ">", ";", ",", "\\", "%", "=", ":", "@", " ", "é", "/", "*", "sip:", "\n ", "",
    ];
    for round in 0..6000 {
        let mut text: Vec<char> = texts[random(texts.len())].chars().collect();
        for _ in 0..=random(3) {
            let at = random(text.len());
            let piece = junk[random(junk.len())];
            let end = (at + random(4)).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let text = format!(
            "{}\r\nContent-Length: 0\r\n\r\n",
            text.replace('\n', "\r\n")
        );
        // The rest would have ended its session.
        if let Ok(message) = Message::parse(text.into()) {
            fixture.receive(if round % 2 == 0 { ALICE } else { BOB }, &message);
        }
    }
    fixture.assert_nothing_left();
}
