//! Registrations in the ways in which phones write them (RFC 3261 10.3, RFC 5626, RFC 3327).

use super::dialog::invite;
use super::fixture::{ALICE, BOB, BOB_DESK, Fixture, value, values};
use crate::switch::FlowId;
use crate::switch::event::{SwitchEvent, Unregistration};

fn register(fixture: &mut Fixture, flow: FlowId, more: &str) -> String {
    let branch = fixture.branch();
    let via = format!("Via: SIP/2.0/TLS 10.0.0.2;branch={branch}");
    register_through(fixture, flow, &via, more)
}

fn register_through(fixture: &mut Fixture, flow: FlowId, vias: &str, more: &str) -> String {
    let call_id = fixture.branch();
    fixture.send(
        flow,
        &format!(
            "REGISTER sip:example.com SIP/2.0\n{vias}\n\
             From: <sip:bob@example.com>;tag=r\nTo: <sip:bob@example.com>\n\
             Call-ID: {call_id}\nCSeq: 1 REGISTER\n{more}"
        ),
    );
    fixture.expect(flow, "SIP/2.0 ")
}

const INSTANCE: &str = "+sip.instance=\"<urn:uuid:1>\"";

#[test]
fn a_new_contact_and_the_removal_of_the_old_one_may_come_together() {
    for flow in [format!(";{INSTANCE};reg-id=1"), String::new()] {
        for order in [[0, 1], [1, 0]] {
            let mut fixture = Fixture::without_authentication();
            let old = format!("<sip:bob@10.0.0.2:1111>{flow}");
            let new = format!("<sip:bob@10.0.0.2:2222>{flow}");
            register(&mut fixture, BOB, &format!("Contact: {old}"));
            let both = [new, format!("{old};expires=0")];
            let line = format!("Contact: {}, {}", both[order[0]], both[order[1]]);
            let answer = register(&mut fixture, BOB, &line);
            assert!(answer.starts_with("SIP/2.0 200 OK"), "{answer}");
            let listed = value(&answer, "Contact");
            assert!(
                listed.starts_with("<sip:bob@10.0.0.2:2222>;expires=3600"),
                "{listed}"
            );
            fixture.send(ALICE, &invite("z9hG4bKx", ""));
            fixture.expect(ALICE, "SIP/2.0 100 ");
            fixture.expect(BOB, "INVITE sip:bob@10.0.0.2:2222 ");
            fixture.expect_silence();
            fixture.assert_nothing_left();
        }
    }
}

#[test]
fn a_contact_that_is_added_and_removed_in_one_request_is_removed() {
    let mut fixture = Fixture::without_authentication();
    let answer = register(
        &mut fixture,
        BOB,
        "Contact: <sip:bob@10.0.0.2>, <sip:bob@10.0.0.2>;expires=0",
    );
    assert!(values(&answer, "Contact").is_empty());
    fixture.assert_nothing_left();
}

#[test]
fn several_flows_of_one_instance_are_registered_one_at_a_time() {
    let mut fixture = Fixture::without_authentication();
    let both = format!(
        "Contact: <sip:bob@10.0.0.2>;{INSTANCE};reg-id=1, <sip:bob@10.0.0.3>;{INSTANCE};reg-id=2"
    );
    let answer = register(&mut fixture, BOB, &both);
    assert!(
        answer.starts_with("SIP/2.0 400 Several Contacts With reg-id"),
        "{answer}"
    );
    for (flow, reg_id) in [(BOB, 1), (BOB_DESK, 2)] {
        let contact = format!("Contact: <sip:bob@10.0.0.2>;{INSTANCE};reg-id={reg_id}");
        let answer = register(&mut fixture, flow, &contact);
        assert_eq!(value(&answer, "Flow-Timer"), "120");
        assert_eq!(value(&answer, "Require"), "outbound");
        assert_eq!(values(&answer, "Contact").len(), reg_id);
    }
    fixture.assert_nothing_left();
}

#[test]
fn a_phone_with_an_instance_is_not_locked_out_by_the_connections_it_lost() {
    let mut fixture = Fixture::without_authentication();
    // The limit of this fixture is three. None of the old connections is known to have ended.
    for number in 1..=20_u64 {
        let flow = FlowId(100 + number);
        let contact = format!("Contact: <sip:bob@10.0.0.2:{number}>;{INSTANCE}");
        let answer = register(&mut fixture, flow, &contact);
        assert!(answer.starts_with("SIP/2.0 200 OK"), "{number}: {answer}");
        assert!(values(&answer, "Contact").len() <= 3);
    }
    let replaced = fixture.events().into_iter().filter(|event| {
        matches!(
            event,
            SwitchEvent::Unregistered {
                why: Unregistration::Replaced,
                ..
            }
        )
    });
    assert_eq!(replaced.count(), 17);
    // Another phone of the same user does not lose its place to it, nor does it get one.
    let other = register(
        &mut fixture,
        BOB,
        "Contact: <sip:bob@10.0.0.9>;+sip.instance=\"2\"",
    );
    assert!(
        other.starts_with("SIP/2.0 403 Too Many Contacts"),
        "{other}"
    );
    for number in 1..=20 {
        fixture.disconnect(FlowId(100 + number));
    }
    fixture.assert_nothing_left();
}

#[test]
fn a_path_is_kept_echoed_and_taken_as_the_route_of_requests() {
    let mut fixture = Fixture::without_authentication();
    let vias = "Via: SIP/2.0/TLS edge.example.net;branch=z9hG4bKe\n\
                Via: SIP/2.0/TLS 10.0.0.2;branch=z9hG4bKp";
    let path = "<sip:t0ken@edge.example.net;lr;ob>";
    let contact =
        format!("Supported: path, outbound\nContact: <sip:bob@10.0.0.2>;{INSTANCE};reg-id=1");
    let answer = register_through(&mut fixture, BOB, vias, &format!("Path: {path}\n{contact}"));
    assert_eq!(value(&answer, "Path"), path);
    assert_eq!(value(&answer, "Require"), "outbound");
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
    assert_eq!(value(&got, "Route"), path);
    fixture.assert_nothing_left();
}

#[test]
fn a_first_hop_without_outbound_is_told_so() {
    let vias =
        "Via: SIP/2.0/TLS edge.example.net;branch=z9hG4bKe, SIP/2.0/TLS 10.0.0.2;branch=z9hG4bKp";
    let contact = format!("Contact: <sip:bob@10.0.0.2>;{INSTANCE};reg-id=1");
    let supported = format!("Supported: outbound\n{contact}");
    for path in ["", "Path: <sip:t0ken@edge.example.net;lr>\n"] {
        let mut fixture = Fixture::without_authentication();
        let more = format!("{path}{supported}");
        let answer = register_through(&mut fixture, BOB, vias, &more);
        assert!(
            answer.starts_with("SIP/2.0 439 First Hop Lacks Outbound Support"),
            "{answer}"
        );
        fixture.assert_nothing_left();
    }
    // A phone that does not ask for it is registered by its Contact.
    let mut fixture = Fixture::without_authentication();
    let answer = register_through(&mut fixture, BOB, vias, &contact);
    assert!(values(&answer, "Require").is_empty());
    assert!(answer.starts_with("SIP/2.0 200 OK"), "{answer}");
    fixture.assert_nothing_left();
}

#[test]
fn what_a_phone_may_make_the_registrar_keep_is_bounded() {
    let mut fixture = Fixture::without_authentication();
    let long = "x".repeat(1100);
    for (more, reason) in [
        (
            format!("Contact: <sip:{long}@10.0.0.2>"),
            "Contact Too Long",
        ),
        (
            format!("Contact: <sip:bob@10.0.0.2>;+sip.instance=\"{long}\""),
            "Contact Too Long",
        ),
        (
            format!("Path: <sip:{long}@a;lr>, <sip:{long}@b;lr>\nContact: <sip:bob@10.0.0.2>"),
            "Path Too Long",
        ),
    ] {
        let answer = register(&mut fixture, BOB, &more);
        assert!(
            answer.starts_with(&format!("SIP/2.0 400 {reason}\r\n")),
            "{answer}"
        );
    }
    fixture.assert_nothing_left();
}

/// RFC 3261 10.3: a registrar ignores Record-Route.
#[test]
fn a_record_route_in_a_register_is_ignored() {
    let mut fixture = Fixture::without_authentication();
    let more = "Record-Route: <sip:edge.example.com;lr>\nContact: <sip:bob@10.0.0.2>";
    let answer = register(&mut fixture, BOB, more);
    assert!(answer.starts_with("SIP/2.0 200 OK") && !answer.contains("edge"));
    fixture.send(ALICE, &invite("z9hG4bKx", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    assert!(!fixture.expect(BOB, "INVITE ").contains("edge"));
    fixture.assert_nothing_left();
}
