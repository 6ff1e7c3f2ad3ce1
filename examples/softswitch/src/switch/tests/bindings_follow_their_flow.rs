//! A binding names the connection its REGISTER came on, and lives and dies with it (RFC 5626).

use std::time::Duration;

use super::dialog::invite;
use super::lab::{ALICE, BOB, BOB_DESK, Lab};
use crate::switch::FlowId;
use crate::switch::event::{SwitchEvent, Unregistration};

fn register(lab: &mut Lab, flow: FlowId, contact: &str, cseq: u32) {
    let branch = lab.branch();
    lab.sends(
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
    lab.expect(flow, "SIP/2.0 200 OK");
}

const PHONE: &str = "<sip:bob@10.0.0.2>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";

#[test]
fn a_phone_that_reconnects_before_the_old_connection_ends_stays_registered() {
    let mut lab = Lab::open();
    register(&mut lab, BOB, PHONE, 1);
    register(&mut lab, BOB_DESK, PHONE, 2);
    assert!(
        !lab.world.held.contains(&BOB),
        "nothing holds the old connection"
    );
    lab.breaks(BOB);
    lab.sends(ALICE, &invite("z9hG4bKx", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB_DESK, "INVITE sip:bob@10.0.0.2 ");
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn the_end_of_the_connection_removes_the_binding() {
    let mut lab = Lab::open();
    register(&mut lab, BOB, PHONE, 1);
    assert!(lab.world.held.contains(&BOB));
    lab.events();
    lab.breaks(BOB);
    assert_eq!(
        lab.events(),
        [SwitchEvent::Unregistered {
            user: "bob".to_owned(),
            contact: "sip:bob@10.0.0.2".to_owned(),
            why: Unregistration::FlowEnded,
            source: None,
        }]
    );
    lab.sends(ALICE, &invite("z9hG4bKx", ""));
    lab.expect(ALICE, "SIP/2.0 480 ");
    lab.ends_clean();
}

#[test]
fn a_new_contact_of_the_same_instance_takes_the_place_of_the_old() {
    let mut lab = Lab::open();
    register(&mut lab, BOB, PHONE, 1);
    lab.events();
    register(
        &mut lab,
        BOB_DESK,
        &PHONE.replace("10.0.0.2", "10.0.0.3"),
        2,
    );
    let events = lab.events();
    assert!(matches!(
        &events[..],
        [
            SwitchEvent::Unregistered { contact, why: Unregistration::Replaced, .. },
            SwitchEvent::Registered { expires_s: 3600, .. },
        ] if contact == "sip:bob@10.0.0.2"
    ));
    lab.sends(ALICE, &invite("z9hG4bKx", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3 ");
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn a_binding_expires_when_it_is_not_refreshed() {
    let mut lab = Lab::open();
    register(&mut lab, BOB, "<sip:bob@10.0.0.2>;expires=60", 1);
    lab.passes(Duration::from_secs(50));
    register(&mut lab, BOB, "<sip:bob@10.0.0.2>;expires=60", 2);
    lab.events();
    lab.passes(Duration::from_millis(59_999));
    assert_eq!(lab.events(), []);
    lab.passes(Duration::from_millis(1));
    assert!(matches!(
        lab.events()[..],
        [SwitchEvent::Unregistered {
            why: Unregistration::Expired,
            source: None,
            ..
        }]
    ));
    assert!(lab.world.held.is_empty());
    lab.ends_clean();
}

#[test]
fn a_binding_whose_connection_is_gone_fails_with_430() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.breaks_unnoticed(BOB);
    lab.sends(ALICE, &invite("z9hG4bKx", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(ALICE, "SIP/2.0 430 Flow Failed");
    lab.ends_clean();
}

#[test]
fn a_phone_that_disconnects_while_it_rings_fails_the_call_with_430() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKx", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    lab.breaks(BOB);
    lab.expect(ALICE, "SIP/2.0 430 Flow Failed");
    lab.ends_clean();
}

#[test]
fn a_sips_request_reaches_only_who_registered_so() {
    let sips = invite("z9hG4bKs", "").replace("INVITE sip:", "INVITE sips:");
    let mut lab = Lab::open();
    register(&mut lab, BOB, "<sip:bob@10.0.0.2>", 1);
    lab.sends(ALICE, &sips);
    lab.expect(ALICE, "SIP/2.0 480 ");

    register(&mut lab, BOB_DESK, "<sips:bob@10.0.0.3>", 2);
    lab.sends(ALICE, &sips);
    lab.expect(ALICE, "SIP/2.0 100 ");
    let got = lab.expect(BOB_DESK, "INVITE sips:bob@10.0.0.3 ");
    let route = super::lab::value(&got, "Record-Route");
    assert!(route.starts_with("<sips:") && route.ends_with("@sip.example.com:5061;lr>"));

    lab.sends(ALICE, &invite("z9hG4bKt", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
    lab.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3;transport=tls ");
    lab.expect_silence();
    lab.ends_clean();
}
