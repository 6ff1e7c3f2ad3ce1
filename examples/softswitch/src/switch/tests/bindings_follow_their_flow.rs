//! A binding names the connection its REGISTER came on, and lives and dies with it (RFC 5626).

use std::time::Duration;

use super::dialog::{invite, request};
use super::fixture::{ALICE, BOB, BOB_DESK, Fixture, STRANGER, values};
use crate::switch::FlowId;
use crate::switch::event::{SwitchEvent, Unregistration};

fn register(fixture: &mut Fixture, flow: FlowId, contact: &str, cseq: u32) {
    let branch = fixture.branch();
    fixture.send(
        flow,
        &format!(
            "REGISTER sip:example.com SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.{};branch={branch}\n\
             From: <sip:bob@example.com>;tag=r\n\
             To: <sip:bob@example.com>\n\
             Call-ID: bob-registers\n\
             CSeq: {cseq} REGISTER\n\
             Contact: {contact}",
            flow.0
        ),
    );
    fixture.expect(flow, "SIP/2.0 200 OK");
}

const PHONE: &str = "<sip:bob@10.0.0.2>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";

#[test]
fn a_phone_that_reconnects_before_the_old_connection_ends_stays_registered() {
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB, PHONE, 1);
    register(&mut fixture, BOB_DESK, PHONE, 2);
    assert!(
        !fixture.effects.held.contains(&BOB),
        "nothing holds the old connection"
    );
    fixture.disconnect(BOB);
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB_DESK, "INVITE sip:bob@10.0.0.2 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn the_end_of_the_connection_removes_the_binding() {
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB, PHONE, 1);
    assert!(fixture.effects.held.contains(&BOB));
    fixture.events();
    fixture.disconnect(BOB);
    assert_eq!(
        fixture.events(),
        [SwitchEvent::Unregistered {
            user: "bob".to_owned(),
            contact: "sip:bob@10.0.0.2".to_owned(),
            why: Unregistration::FlowEnded,
            source: None,
        }]
    );
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 480 ");
    fixture.assert_nothing_left();
}

#[test]
fn a_new_contact_of_the_same_instance_takes_the_place_of_the_old() {
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB, PHONE, 1);
    fixture.events();
    register(
        &mut fixture,
        BOB_DESK,
        &PHONE.replace("10.0.0.2", "10.0.0.3"),
        2,
    );
    let events = fixture.events();
    assert!(matches!(
        &events[..],
        [
            SwitchEvent::Unregistered { contact, why: Unregistration::Replaced, .. },
            SwitchEvent::Registered { expires_s: 3600, .. },
        ] if contact == "sip:bob@10.0.0.2"
    ));
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_binding_expires_when_it_is_not_refreshed() {
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB, "<sip:bob@10.0.0.2>;expires=60", 1);
    fixture.advance(Duration::from_secs(50));
    register(&mut fixture, BOB, "<sip:bob@10.0.0.2>;expires=60", 2);
    fixture.events();
    fixture.advance(Duration::from_millis(59_999));
    assert_eq!(fixture.events(), []);
    fixture.advance(Duration::from_millis(1));
    assert!(matches!(
        fixture.events()[..],
        [SwitchEvent::Unregistered {
            why: Unregistration::Expired,
            source: None,
            ..
        }]
    ));
    assert!(fixture.effects.held.is_empty());
    fixture.assert_nothing_left();
}

#[test]
fn a_binding_whose_connection_is_gone_fails_with_480() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.disconnect_unnoticed(BOB);
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(ALICE, "SIP/2.0 480 Temporarily Unavailable");
    fixture.assert_nothing_left();
}

#[test]
fn a_phone_that_disconnects_while_it_rings_fails_the_call_with_480() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.disconnect(BOB);
    fixture.expect(ALICE, "SIP/2.0 480 Temporarily Unavailable");
    fixture.assert_nothing_left();
}

#[test]
fn a_sips_request_reaches_only_who_registered_so() {
    let sips = invite("z9hG4bKs", "").replace("INVITE sip:", "INVITE sips:");
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB, "<sip:bob@10.0.0.2>", 1);
    fixture.send(ALICE, &sips);
    fixture.expect(ALICE, "SIP/2.0 480 ");

    register(&mut fixture, BOB_DESK, "<sips:bob@10.0.0.3>", 2);
    fixture.send(ALICE, &sips);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB_DESK, "INVITE sips:bob@10.0.0.3 ");
    let route = super::fixture::value(&got, "Record-Route");
    assert!(route.starts_with("<sips:") && route.ends_with("@sip.example.com:5061;lr>"));

    fixture.send(ALICE, &invite("z9hG4bKt", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
    fixture.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3;transport=tls ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

/// The headers of a Contact's URI stand for header fields, which a Request-URI has none of (RFC 3261
/// 19.1.5).
#[test]
fn a_request_to_a_contact_with_headers_goes_out_without_them() {
    let mut fixture = Fixture::without_authentication();
    let contact = "<sip:bob@10.0.0.2;x=1?Route=%3Csip:a%3E>";
    register(&mut fixture, BOB, contact, 1);
    fixture.send(ALICE, &invite("z9hG4bKh", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE sip:bob@10.0.0.2;x=1 SIP/2.0\r\n");
    assert!(!got.contains("Route=") && !got.contains("\r\nRoute:"));
    fixture.assert_nothing_left();
}

#[test]
fn contacts_whose_headers_differ_are_bindings_of_their_own() {
    let mut fixture = Fixture::without_authentication();
    for (contact, cseq) in [("?a=1&b=2", 1), ("?B=2&a=1", 2), ("?a=2&b=2", 3), ("", 4)] {
        let contact = format!("<sip:bob@10.0.0.2{contact}>");
        register(&mut fixture, BOB, &contact, cseq);
    }
    let branch = fixture.branch();
    fixture.send(
        BOB,
        &request("REGISTER", &branch, "")
            .replace("sip:bob@example.com SIP", "sip:example.com SIP")
            .replace("\nContact: <sip:alice@192.168.1.1>", ""),
    );
    let listed = fixture.expect(BOB, "SIP/2.0 200 OK");
    assert_eq!(values(&listed, "Contact").len(), 3, "{listed}");
    fixture.assert_nothing_left();
}

/// RFC 5626 7: of one address of record and one instance there is one target at a time.
#[test]
fn a_phone_with_two_flows_is_called_over_one_of_them_the_newest_that_is_open() {
    let second = PHONE.replace("reg-id=1", "reg-id=2");
    let other = PHONE.replace("uuid:1", "uuid:2");
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB_DESK, &second, 1);
    register(&mut fixture, BOB, PHONE, 2);
    fixture.send(ALICE, &invite("z9hG4bK1", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB_DESK, "INVITE ");
    fixture.expect_silence();
    // Another phone rings as well.
    register(&mut fixture, STRANGER, &other, 3);
    fixture.send(ALICE, &invite("z9hG4bK2", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB_DESK, "INVITE ");
    fixture.expect(STRANGER, "INVITE ");
    fixture.expect_silence();
    fixture.disconnect_unnoticed(BOB_DESK);
    fixture.send(ALICE, &invite("z9hG4bK3", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.expect(STRANGER, "INVITE ");
    fixture.assert_nothing_left();
}
