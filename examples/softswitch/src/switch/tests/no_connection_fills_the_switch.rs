//! What one connection may have going on is bounded; what is above is refused, and nobody else
//! notices.

use super::dialog::{Talk, invite, request};
use super::lab::{ALICE, BOB, Lab, STRANGER, response, value};
use crate::switch::FlowId;
use std::time::Duration;

/// An INVITE of its own call.
fn another_call(lab: &mut Lab, number: u32) -> String {
    let branch = lab.branch();
    invite(&branch, "").replace("call-1", &format!("call-{number}"))
}

#[test]
fn transactions_above_the_limit_are_refused_until_others_have_ended() {
    let mut lab = Lab::bounded(|config| config.max_transactions = 2);
    lab.registers(BOB, "bob");
    let mut ringing = Vec::new();
    for number in 1..=2 {
        let call = another_call(&mut lab, number);
        lab.sends(ALICE, &call);
        lab.expect(ALICE, "SIP/2.0 100 ");
        ringing.push(lab.expect(BOB, "INVITE "));
    }
    let call = another_call(&mut lab, 3);
    lab.sends(ALICE, &call);
    let refused = lab.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    assert_eq!(value(&refused, "Retry-After"), "10");
    lab.sends(STRANGER, &request("MESSAGE", "z9hG4bKother", ""));
    lab.expect(BOB, "MESSAGE ");
    lab.expect_silence();

    lab.sends(BOB, &response(&ringing[0], "486 Busy Here", "b", ""));
    lab.expect(BOB, "ACK ");
    let busy = lab.expect(ALICE, "SIP/2.0 486 ");
    let ack = format!(
        "ACK sip:bob@example.com SIP/2.0\nVia: {}\nFrom: {}\nTo: {}\nCall-ID: {}\nCSeq: 1 ACK",
        value(&busy, "Via"),
        value(&busy, "From"),
        value(&busy, "To"),
        value(&busy, "Call-ID"),
    );
    lab.sends(ALICE, &ack);
    let call = another_call(&mut lab, 4);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    lab.ends_clean();
}

#[test]
fn answered_invites_are_kept_in_a_number_of_their_own() {
    let mut lab = Lab::bounded(|config| {
        config.max_transactions = 1;
        config.max_answered = 2;
    });
    lab.registers(BOB, "bob");
    Talk::begins(&mut lab, ALICE, BOB);
    Talk::begins(&mut lab, ALICE, BOB);
    let call = another_call(&mut lab, 3);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    lab.sends(ALICE, &request("MESSAGE", "z9hG4bKother", ""));
    let message = lab.expect(BOB, "MESSAGE ");
    lab.sends(BOB, &response(&message, "200 OK", "b", ""));
    lab.expect(ALICE, "SIP/2.0 200 ");
    lab.passes(Duration::from_secs(33));
    let call = another_call(&mut lab, 4);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    lab.ends_clean();
}

#[test]
fn calls_above_the_limit_are_refused_and_those_that_run_can_be_ended() {
    let mut lab = Lab::bounded(|config| config.max_calls = 1);
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    lab.passes(Duration::from_secs(33));
    let call = another_call(&mut lab, 2);
    lab.sends(ALICE, &call);
    let refused = lab.expect(ALICE, "SIP/2.0 503 Too Many Calls");
    assert_eq!(value(&refused, "Retry-After"), "10");
    let bye = talk.by_the_caller(&mut lab, "BYE", 2);
    lab.sends(ALICE, &bye);
    let bye = lab.expect(BOB, "BYE ");
    lab.sends(BOB, &response(&bye, "200 OK", "b1", ""));
    lab.expect(ALICE, "SIP/2.0 200 ");
    let call = another_call(&mut lab, 3);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    lab.ends_clean();
}

/// Registers a user without a password; the answer.
fn register(lab: &mut Lab, flow: FlowId, user: &str) -> String {
    let branch = lab.branch();
    lab.sends(
        flow,
        &format!(
            "REGISTER sip:example.com SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.1;branch={branch}\n\
             From: <sip:{user}@example.com>;tag=r\n\
             To: <sip:{user}@example.com>\n\
             Call-ID: {branch}\n\
             CSeq: 1 REGISTER\n\
             Contact: <sip:{user}@10.0.0.1>"
        ),
    );
    lab.expect(flow, "SIP/2.0 ")
}

#[test]
fn bindings_above_the_limit_are_refused_and_those_there_are_can_be_refreshed() {
    let mut lab = Lab::bounded(|config| config.max_bindings = 2);
    let ok = |answer: &str| answer.starts_with("SIP/2.0 200 ");
    assert!(ok(&register(&mut lab, ALICE, "alice")));
    assert!(ok(&register(&mut lab, ALICE, "alicia")));
    let refused = register(&mut lab, ALICE, "alina");
    let why = "SIP/2.0 403 Too Many Bindings On This Connection";
    assert!(refused.starts_with(why), "{refused}");
    assert!(ok(&register(&mut lab, ALICE, "alice")));
    assert!(ok(&register(&mut lab, BOB, "alina")));
    // A binding that moves here comes on top as well.
    assert!(register(&mut lab, ALICE, "alina").starts_with(why));
    lab.ends_clean();
}

#[test]
fn a_callee_that_makes_up_tags_begins_few_calls_for_its_caller() {
    let mut lab = Lab::bounded(|config| config.max_calls = 9);
    lab.registers(BOB, "bob");
    let call = another_call(&mut lab, 1);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 100 ");
    let invite = lab.expect(BOB, "INVITE ");
    for tag in 0..100 {
        lab.sends(BOB, &response(&invite, "200 OK", &format!("b{tag}"), ""));
        lab.expect(ALICE, "SIP/2.0 200 ");
    }
    let call = another_call(&mut lab, 2);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    lab.ends_clean();
}

#[test]
fn calls_that_others_begin_take_no_room_from_ones_own() {
    let mut lab = Lab::bounded(|config| config.max_calls = 1);
    lab.registers(ALICE, "alice");
    lab.registers(BOB, "bob");
    Talk::begins(&mut lab, ALICE, BOB);
    let call = another_call(&mut lab, 2);
    lab.sends(BOB, &call);
    lab.expect(BOB, "SIP/2.0 100 ");
    lab.ends_clean();
}

#[test]
fn a_call_can_be_ended_while_as_many_ring_as_may() {
    let mut lab = Lab::bounded(|config| config.max_transactions = 1);
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    let call = another_call(&mut lab, 2);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    let bye = talk.by_the_caller(&mut lab, "BYE", 2);
    lab.sends(ALICE, &bye);
    lab.expect(BOB, "BYE ");
    lab.ends_clean();
}

#[test]
fn what_is_kept_of_requests_is_bounded_in_bytes() {
    let mut lab = Lab::bounded(|config| config.max_kept = 20_000);
    lab.registers(BOB, "bob");
    let subject = format!("Subject: {}", "s".repeat(4000));
    let long = |lab: &mut Lab, number: u32| {
        let branch = lab.branch();
        invite(&branch, &subject).replace("call-1", &format!("call-{number}"))
    };
    // One copy for the answers, one for the branch.
    for number in 1..=2 {
        let call = long(&mut lab, number);
        lab.sends(ALICE, &call);
        lab.expect(ALICE, "SIP/2.0 100 ");
        lab.expect(BOB, "INVITE ");
    }
    let call = long(&mut lab, 3);
    lab.sends(ALICE, &call);
    lab.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    lab.ends_clean();
}
