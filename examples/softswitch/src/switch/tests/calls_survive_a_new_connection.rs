//! A phone whose connection breaks in a call connects and registers again, and is reached there.

use std::time::Duration;

use super::dialog::{AnsweredCall, invite};
use super::fixture::{ALICE, BOB, BOB_DESK, Fixture, STRANGER, credentials, response, value};
use crate::switch::FlowId;
use crate::switch::event::{EndedBy, SwitchEvent};

const CONTACT: &str = "<sip:bob@10.0.0.2>;+sip.instance=\"<urn:uuid:b>\";reg-id=1";

fn register(fixture: &mut Fixture, flow: FlowId, contact: &str) {
    let branch = fixture.branch();
    let right = credentials("Authorization", "bob", "right");
    fixture.send(
        flow,
        &format!(
            "REGISTER sip:example.com SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.2;branch={branch}\n\
             From: <sip:bob@example.com>;tag=r\n\
             To: <sip:bob@example.com>\n\
             Call-ID: {branch}\n\
             CSeq: 1 REGISTER\n\
             {right}\n\
             Contact: {contact}"
        ),
    );
    fixture.expect(flow, "SIP/2.0 200 OK");
    fixture.events();
}

/// A call from alice to bob, who then loses his connection.
fn cut(mut fixture: Fixture, contact: &str) -> (Fixture, AnsweredCall) {
    fixture.register(ALICE, "alice");
    register(&mut fixture, BOB, contact);
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    fixture.disconnect(BOB);
    fixture.events();
    (fixture, call)
}

/// Sends a request and has it answered with 200 on the other side's connection.
fn passes(fixture: &mut Fixture, request: &str, from: FlowId, to: FlowId) {
    fixture.send(from, request);
    if request.starts_with("INVITE") {
        fixture.expect(from, "SIP/2.0 100 ");
    }
    let method = request.split(' ').next().unwrap_or_default();
    let got = fixture.expect(to, method);
    fixture.send(to, &response(&got, "200 OK", "", ""));
    fixture.expect(from, "SIP/2.0 200 OK");
    fixture.expect_silence();
}

fn ended_by(fixture: &mut Fixture) -> EndedBy {
    match fixture.events()[..] {
        [SwitchEvent::CallEnded { ended_by, .. }] => ended_by,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_phone_that_registered_again_gets_the_requests_of_its_calls() {
    // The same instance, and a phone that is known by its Contact alone.
    for contact in [CONTACT, "<sip:bob@10.0.0.2>"] {
        for with_authentication in [true, false] {
            let fixture = match with_authentication {
                true => Fixture::with_authentication(),
                false => Fixture::without_authentication(),
            };
            let (mut fixture, call) = cut(fixture, contact);
            register(&mut fixture, BOB_DESK, contact);
            let reinvite = call.caller_request(&mut fixture, "INVITE", 2);
            passes(&mut fixture, &reinvite, ALICE, BOB_DESK);
            let ack = call.caller_request(&mut fixture, "ACK", 2);
            fixture.send(ALICE, &ack);
            fixture.expect(BOB_DESK, "ACK ");
            // The time to come back is over, and nothing happens: he is here.
            fixture.advance(Duration::from_secs(200));
            assert_eq!(fixture.events(), []);
            let bye = call.caller_request(&mut fixture, "BYE", 3);
            passes(&mut fixture, &bye, ALICE, BOB_DESK);
            assert_eq!(ended_by(&mut fixture), EndedBy::Caller);
            fixture.assert_nothing_left();
        }
    }
}

#[test]
fn a_phone_that_registered_again_hangs_up_over_its_new_connection() {
    let (mut fixture, call) = cut(Fixture::with_authentication(), CONTACT);
    register(&mut fixture, BOB_DESK, CONTACT);
    let bye = call.callee_request(&mut fixture, "BYE", 2);
    passes(&mut fixture, &bye, BOB_DESK, ALICE);
    assert_eq!(ended_by(&mut fixture), EndedBy::Callee);
    fixture.assert_nothing_left();
}

#[test]
fn the_caller_may_be_the_one_that_connects_again() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(ALICE, "alice");
    register(&mut fixture, BOB, CONTACT);
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    fixture.disconnect(ALICE);
    // Her Contact is the same, because `register` makes it of the user and the flow.
    let branch = fixture.branch();
    let right = credentials("Authorization", "alice", "right");
    fixture.send(
        STRANGER,
        &format!(
            "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TLS 10.0.0.1;branch={branch}\n\
             From: <sip:alice@example.com>;tag=r\nTo: <sip:alice@example.com>\n\
             Call-ID: again\nCSeq: 1 REGISTER\n{right}\nContact: <sip:alice@10.0.0.1>"
        ),
    );
    fixture.expect(STRANGER, "SIP/2.0 200 OK");
    let bye = call.callee_request(&mut fixture, "BYE", 2);
    passes(&mut fixture, &bye, BOB, STRANGER);
    fixture.assert_nothing_left();
}

#[test]
fn a_reinvite_over_a_new_connection_moves_the_party_there() {
    let (mut fixture, call) = cut(Fixture::with_authentication(), CONTACT);
    // He has not registered yet, so he has to prove who he is.
    let reinvite = call.callee_request(&mut fixture, "INVITE", 2);
    fixture.send(BOB_DESK, &reinvite);
    fixture.expect(BOB_DESK, "SIP/2.0 407 ");
    let branch = fixture.branch();
    let right = credentials("Proxy-Authorization", "bob", "right");
    let reinvite = call.callee_request(&mut fixture, "INVITE", 3) + "\n" + &right;
    passes(&mut fixture, &reinvite, BOB_DESK, ALICE);
    assert_ne!(branch, "");
    let bye = call.caller_request(&mut fixture, "BYE", 3);
    passes(&mut fixture, &bye, ALICE, BOB_DESK);
    assert_eq!(ended_by(&mut fixture), EndedBy::Caller);
    fixture.assert_nothing_left();
}

#[test]
fn nobody_else_can_move_a_party_to_a_connection_of_theirs() {
    let (mut fixture, call) = cut(Fixture::with_authentication(), CONTACT);
    // Carol knows the dialog and has an account, but it is not bob's.
    let right = credentials("Proxy-Authorization", "carol", "right");
    let stolen = call.callee_request(&mut fixture, "INVITE", 2) + "\n" + &right;
    fixture.send(STRANGER, &stolen);
    fixture.expect(STRANGER, "SIP/2.0 403 ");
    let own = stolen.replace("From: <sip:bob@", "From: <sip:carol@");
    let own = own.replace(&value_of(&stolen, "branch="), "z9hG4bKcarol");
    fixture.send(STRANGER, &own);
    fixture.expect(STRANGER, "SIP/2.0 403 Not Your Dialog");
    let info = call.caller_request(&mut fixture, "INFO", 4);
    fixture.send(ALICE, &info);
    fixture.expect(ALICE, "SIP/2.0 480 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

fn value_of(text: &str, start: &str) -> String {
    let (_, rest) = text.split_once(start).expect("the parameter");
    rest.split(['\n', ';'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn while_a_phone_may_come_back_requests_to_it_are_480_and_a_bye_ends_the_call() {
    let (mut fixture, call) = cut(Fixture::without_authentication(), CONTACT);
    let reinvite = call.caller_request(&mut fixture, "INVITE", 2);
    fixture.send(ALICE, &reinvite);
    fixture.expect(ALICE, "SIP/2.0 480 ");
    let bye = call.caller_request(&mut fixture, "BYE", 3);
    fixture.send(ALICE, &bye);
    fixture.expect(ALICE, "SIP/2.0 481 ");
    assert_eq!(ended_by(&mut fixture), EndedBy::Caller);
    // The call is over, and so is its dialog.
    let reinvite = call.caller_request(&mut fixture, "INVITE", 4);
    fixture.send(ALICE, &reinvite);
    fixture.expect(ALICE, "SIP/2.0 481 ");
    fixture.assert_nothing_left();
}

#[test]
fn a_call_whose_parties_are_both_gone_is_over_at_once() {
    let (mut fixture, _) = cut(Fixture::without_authentication(), CONTACT);
    fixture.advance(Duration::from_secs(3));
    assert_eq!(fixture.events(), []);
    fixture.disconnect(ALICE);
    let events = fixture.events();
    assert!(events.iter().any(|event| matches!(
        event,
        SwitchEvent::CallEnded {
            ended_by: EndedBy::FlowEnded,
            duration_ms: 0,
            ..
        }
    )));
    fixture.assert_nothing_left();
}

#[test]
fn the_newest_connection_is_taken_while_the_old_one_seems_open() {
    let mut fixture = Fixture::without_authentication();
    register(&mut fixture, BOB, CONTACT);
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    register(&mut fixture, BOB_DESK, CONTACT);
    let bye = call.caller_request(&mut fixture, "BYE", 2);
    passes(&mut fixture, &bye, ALICE, BOB_DESK);
    fixture.assert_nothing_left();
}

#[test]
fn a_phone_that_comes_back_under_another_contact_without_an_instance_is_another_phone() {
    let (mut fixture, call) = cut(Fixture::without_authentication(), "<sip:bob@10.0.0.2>");
    register(&mut fixture, BOB_DESK, "<sip:bob@10.0.0.3>");
    let reinvite = call.caller_request(&mut fixture, "INVITE", 2);
    fixture.send(ALICE, &reinvite);
    fixture.expect(ALICE, "SIP/2.0 480 ");
    // A new call reaches it.
    fixture.send(ALICE, &invite("z9hG4bKnew", "").replace("call-1", "call-2"));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3 ");
    assert_eq!(value(&got, "Call-ID"), "call-2");
    fixture.assert_nothing_left();
}

#[test]
fn the_calls_of_one_account_that_wait_leave_room_for_others() {
    let mut fixture = Fixture::with_config(|config| config.max_calls = 2000);
    fixture.register(BOB, "bob");
    let many = |fixture: &mut Fixture, count: u32| {
        for number in 0..count {
            let branch = fixture.branch();
            let text = invite(&branch, "").replace("call-1", &format!("many-{number}"));
            fixture.send(ALICE, &text);
            let got = fixture.expect(BOB, "INVITE ");
            fixture.send(BOB, &response(&got, "200 OK", "b1", ""));
        }
        fixture.take_sent();
    };
    many(&mut fixture, 1001);
    fixture.disconnect(BOB);
    let ended = |fixture: &mut Fixture| {
        let is_end = |event: &&SwitchEvent| matches!(event, SwitchEvent::CallEnded { .. });
        fixture.events().iter().filter(is_end).count()
    };
    assert_eq!(ended(&mut fixture), 1);
    fixture.register(STRANGER, "carol");
    let branch = fixture.branch();
    let text = invite(&branch, "").replace("INVITE sip:bob@", "INVITE sip:carol@");
    fixture.send(ALICE, &text);
    let got = fixture.expect(STRANGER, "INVITE ");
    fixture.send(STRANGER, &response(&got, "200 OK", "c1", ""));
    fixture.disconnect(STRANGER);
    assert_eq!(ended(&mut fixture), 0);
    fixture.assert_nothing_left();
}
