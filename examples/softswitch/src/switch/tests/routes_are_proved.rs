//! Record-Route tokens (RFC 3261 16.12, RFC 5626 5.2).

use super::dialog::{AnsweredCall, request};
use crate::switch::event::{EndedBy, SwitchEvent};

use super::fixture::{ALICE, BOB, Fixture, STRANGER, response, value, values};

/// A running call, and its Record-Route as the caller knows it.
fn talking() -> (Fixture, AnsweredCall, String) {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let route = value(&call.ok, "Record-Route").to_owned();
    (fixture, call, route)
}

#[test]
fn a_forged_route_is_refused() {
    let (mut fixture, call, route) = talking();
    let token_at = route.find(':').expect("a scheme") + 1;
    for at in [0, 17, 33, 41, 59, 67, 79, 99] {
        let mut forged = route.clone();
        let digit = if &route[token_at + at..=token_at + at] == "1" {
            "2"
        } else {
            "1"
        };
        forged.replace_range(token_at + at..=token_at + at, digit);
        let bye = call
            .caller_request(&mut fixture, "BYE", 2)
            .replace(&route, &forged);
        fixture.send(STRANGER, &bye);
        fixture.expect(STRANGER, "SIP/2.0 403 Forged Route");
        let ack = call
            .caller_request(&mut fixture, "ACK", 1)
            .replace(&route, &forged);
        fixture.send(STRANGER, &ack);
    }
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_bye_to_a_dead_flow_ends_the_call_and_an_ack_to_it_is_dropped() {
    let (mut fixture, call, _) = talking();
    fixture.disconnect_unnoticed(BOB);
    let bye = call.caller_request(&mut fixture, "BYE", 2);
    fixture.send(ALICE, &bye);
    fixture.expect(ALICE, "SIP/2.0 481 ");
    assert!(matches!(
        fixture.events()[..],
        [SwitchEvent::CallEnded {
            ended_by: EndedBy::Caller,
            ..
        }]
    ));
    let ack = call.caller_request(&mut fixture, "ACK", 1);
    fixture.send(ALICE, &ack);
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_token_does_not_admit_to_a_new_dialog() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let route = format!("Route: {}", value(&call.ok, "Record-Route"));
    fixture.send(STRANGER, &request("MESSAGE", "z9hG4bKq", &route));
    fixture.expect(STRANGER, "SIP/2.0 407 ");
    let elsewhere = request("MESSAGE", "z9hG4bKr", &route);
    fixture.send(
        STRANGER,
        &elsewhere.replace("sip:bob@example.com SIP", "sip:bob@192.168.2.2 SIP"),
    );
    fixture.expect(STRANGER, "SIP/2.0 403 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_contact_need_not_be_understood_to_follow_a_route() {
    let (mut fixture, call, _) = talking();
    let info = call.caller_request(&mut fixture, "INFO", 2);
    let odd = "sip:bob@my_phone:0;x=\"a b\"".replace(' ', "");
    fixture.send(
        ALICE,
        &info.replace("INFO sip:bob@192.168.2.2", &format!("INFO {odd}")),
    );
    fixture.expect(BOB, &format!("INFO {odd} SIP/2.0"));
    fixture.assert_nothing_left();
}

#[test]
fn only_our_own_route_is_taken_off() {
    let (mut fixture, call, route) = talking();
    let more =
        format!("Route: {route}, <sip:edge.example.org;lr>\nRoute: <sip:last.example.org;lr>");
    let info = call.caller_request(&mut fixture, "INFO", 2);
    fixture.send(ALICE, &info.replace(&format!("Route: {route}"), &more));
    let got = fixture.expect(BOB, "INFO sip:bob@192.168.2.2 SIP/2.0");
    assert_eq!(
        values(&got, "Route"),
        ["<sip:edge.example.org;lr>, <sip:last.example.org;lr>"]
    );
    fixture.assert_nothing_left();
}

#[test]
fn a_strict_router_is_understood() {
    let (mut fixture, call, route) = talking();
    let token_uri = route.trim_matches(['<', '>']);
    let info = call.caller_request(&mut fixture, "INFO", 2);
    let strict = info
        .replace("INFO sip:bob@192.168.2.2", &format!("INFO {token_uri}"))
        .replace(&format!("Route: {route}"), "Route: <sip:bob@192.168.2.2>");
    fixture.send(ALICE, &strict);
    let got = fixture.expect(BOB, "INFO sip:bob@192.168.2.2 SIP/2.0");
    assert!(values(&got, "Route").is_empty());
    // Without a Route there is no entry to replace the Request-URI.
    let bare = strict
        .replace("Route: <sip:bob@192.168.2.2>\n", "")
        .replace(";branch=z9hG4bK", ";branch=z9hG4bKx");
    fixture.send(ALICE, &bare);
    fixture.expect(BOB, &format!("INFO {token_uri} SIP/2.0"));
    fixture.assert_nothing_left();
}

#[test]
fn a_subscription_works_in_both_directions() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &request("SUBSCRIBE", "z9hG4bKs", "Event: presence"));
    let subscribe = fixture.expect(BOB, "SUBSCRIBE ");
    fixture.send(BOB, &response(&subscribe, "200 OK", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.send(
        BOB,
        &format!(
            "NOTIFY sip:alice@192.168.1.1 SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.2;branch=z9hG4bKn\n\
             Route: {}\n\
             From: <sip:bob@example.com>;tag=b1\n\
             To: <sip:alice@example.com>;tag=a1\n\
             Call-ID: call-1\n\
             CSeq: 1 NOTIFY",
            value(&subscribe, "Record-Route")
        ),
    );
    // A NOTIFY may come before the 200 and make the dialog itself (RFC 6665 4.1.2.4).
    let notify = fixture.expect(ALICE, "NOTIFY sip:alice@192.168.1.1 ");
    let route = value(&notify, "Record-Route").to_owned();
    fixture.send(ALICE, &response(&notify, "200 OK", "", ""));
    fixture.expect(BOB, "SIP/2.0 200 OK");
    let refresh = request("SUBSCRIBE", "z9hG4bKt", &format!("Route: {route}"))
        .replace(
            "To: <sip:bob@example.com>",
            "To: <sip:bob@example.com>;tag=b1",
        )
        .replace("1 SUBSCRIBE", "2 SUBSCRIBE");
    fixture.send(ALICE, &refresh);
    fixture.expect(BOB, "SUBSCRIBE sip:bob@example.com ");
    fixture.assert_nothing_left();
}

#[test]
fn a_token_is_good_for_its_own_dialog_alone() {
    let (mut fixture, call, _) = talking();
    for (from, to) in [
        ("Call-ID: call-1", "Call-ID: call-2"),
        (";tag=a1", ";tag=a2"),
    ] {
        for method in ["BYE", "MESSAGE"] {
            let request = call.caller_request(&mut fixture, method, 2);
            fixture.send(ALICE, &request.replace(from, to));
            fixture.expect(ALICE, "SIP/2.0 481 ");
            fixture.expect_silence();
        }
    }
    // What alice may send, she may send over her own connection only.
    let ack = call.caller_request(&mut fixture, "ACK", 1);
    fixture.send(STRANGER, &ack);
    fixture.expect_silence();
    fixture.send(ALICE, &ack);
    fixture.expect(BOB, "ACK ");
    fixture.assert_nothing_left();
}
