//! Record-Route tokens (RFC 3261 16.12, RFC 5626 5.2).

use super::dialog::{Talk, request};
use super::fixture::{ALICE, BOB, Fixture, STRANGER, response, value, values};

/// A running call, and its Record-Route as the caller knows it.
fn talking() -> (Fixture, Talk, String) {
    let mut fixture = Fixture::open();
    fixture.registers(BOB, "bob");
    let talk = Talk::begins(&mut fixture, ALICE, BOB);
    let route = value(&talk.ok, "Record-Route").to_owned();
    (fixture, talk, route)
}

#[test]
fn a_forged_route_is_refused() {
    let (mut fixture, talk, route) = talking();
    let token_at = route.find(':').expect("a scheme") + 1;
    for at in [0, 17, 33, 41, 59] {
        let mut forged = route.clone();
        let digit = if &route[token_at + at..=token_at + at] == "1" {
            "2"
        } else {
            "1"
        };
        forged.replace_range(token_at + at..=token_at + at, digit);
        let bye = talk
            .by_the_caller(&mut fixture, "BYE", 2)
            .replace(&route, &forged);
        fixture.sends(STRANGER, &bye);
        fixture.expect(STRANGER, "SIP/2.0 403 Forged Route");
        let ack = talk
            .by_the_caller(&mut fixture, "ACK", 1)
            .replace(&route, &forged);
        fixture.sends(STRANGER, &ack);
    }
    fixture.expect_silence();
    fixture.ends_clean();
}

#[test]
fn a_dead_flow_is_430_and_an_ack_to_it_is_dropped() {
    let (mut fixture, talk, _) = talking();
    fixture.breaks_unnoticed(BOB);
    let bye = talk.by_the_caller(&mut fixture, "BYE", 2);
    fixture.sends(ALICE, &bye);
    fixture.expect(ALICE, "SIP/2.0 430 Flow Failed");
    let ack = talk.by_the_caller(&mut fixture, "ACK", 1);
    fixture.sends(ALICE, &ack);
    fixture.expect_silence();
    fixture.ends_clean();
}

#[test]
fn a_token_does_not_admit_to_a_new_dialog() {
    let mut fixture = Fixture::guarded();
    fixture.registers(BOB, "bob");
    fixture.registers(ALICE, "alice");
    let talk = Talk::begins(&mut fixture, ALICE, BOB);
    let route = format!("Route: {}", value(&talk.ok, "Record-Route"));
    fixture.sends(STRANGER, &request("MESSAGE", "z9hG4bKq", &route));
    fixture.expect(STRANGER, "SIP/2.0 407 ");
    let elsewhere = request("MESSAGE", "z9hG4bKr", &route);
    fixture.sends(
        STRANGER,
        &elsewhere.replace("sip:bob@example.com SIP", "sip:bob@192.168.2.2 SIP"),
    );
    fixture.expect(STRANGER, "SIP/2.0 403 ");
    fixture.expect_silence();
    fixture.ends_clean();
}

#[test]
fn a_contact_need_not_be_understood_to_follow_a_route() {
    let (mut fixture, talk, _) = talking();
    let info = talk.by_the_caller(&mut fixture, "INFO", 2);
    let odd = "sip:bob@my_phone:0;x=\"a b\"".replace(' ', "");
    fixture.sends(
        ALICE,
        &info.replace("INFO sip:bob@192.168.2.2", &format!("INFO {odd}")),
    );
    fixture.expect(BOB, &format!("INFO {odd} SIP/2.0"));
    fixture.ends_clean();
}

#[test]
fn only_our_own_route_is_taken_off() {
    let (mut fixture, talk, route) = talking();
    let more =
        format!("Route: {route}, <sip:edge.example.org;lr>\nRoute: <sip:last.example.org;lr>");
    let info = talk.by_the_caller(&mut fixture, "INFO", 2);
    fixture.sends(ALICE, &info.replace(&format!("Route: {route}"), &more));
    let got = fixture.expect(BOB, "INFO sip:bob@192.168.2.2 SIP/2.0");
    assert_eq!(
        values(&got, "Route"),
        ["<sip:edge.example.org;lr>, <sip:last.example.org;lr>"]
    );
    fixture.ends_clean();
}

#[test]
fn a_strict_router_is_understood() {
    let (mut fixture, talk, route) = talking();
    let token_uri = route.trim_matches(['<', '>']);
    let info = talk.by_the_caller(&mut fixture, "INFO", 2);
    let strict = info
        .replace("INFO sip:bob@192.168.2.2", &format!("INFO {token_uri}"))
        .replace(&format!("Route: {route}"), "Route: <sip:bob@192.168.2.2>");
    fixture.sends(ALICE, &strict);
    let got = fixture.expect(BOB, "INFO sip:bob@192.168.2.2 SIP/2.0");
    assert!(values(&got, "Route").is_empty());
    // Without a Route there is nothing to put in the place of the Request-URI.
    let bare = strict
        .replace("Route: <sip:bob@192.168.2.2>\n", "")
        .replace(";branch=z9hG4bK", ";branch=z9hG4bKx");
    fixture.sends(ALICE, &bare);
    fixture.expect(BOB, &format!("INFO {token_uri} SIP/2.0"));
    fixture.ends_clean();
}

#[test]
fn a_subscription_works_in_both_directions() {
    let mut fixture = Fixture::open();
    fixture.registers(BOB, "bob");
    fixture.sends(ALICE, &request("SUBSCRIBE", "z9hG4bKs", "Event: presence"));
    let subscribe = fixture.expect(BOB, "SUBSCRIBE ");
    fixture.sends(BOB, &response(&subscribe, "200 OK", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.sends(
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
    fixture.sends(ALICE, &response(&notify, "200 OK", "", ""));
    fixture.expect(BOB, "SIP/2.0 200 OK");
    let refresh = request("SUBSCRIBE", "z9hG4bKt", &format!("Route: {route}"))
        .replace(
            "To: <sip:bob@example.com>",
            "To: <sip:bob@example.com>;tag=b1",
        )
        .replace("1 SUBSCRIBE", "2 SUBSCRIBE");
    fixture.sends(ALICE, &refresh);
    fixture.expect(BOB, "SUBSCRIBE sip:bob@example.com ");
    fixture.ends_clean();
}
