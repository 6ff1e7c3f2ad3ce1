//! What one connection may begin is bounded; more is refused, and other connections are not
//! affected.

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, Fixture, STRANGER, response, value};
use crate::switch::FlowId;
use std::time::Duration;

/// An INVITE for a new call.
fn another_call(fixture: &mut Fixture, number: u32) -> String {
    let branch = fixture.branch();
    invite(&branch, "").replace("call-1", &format!("call-{number}"))
}

#[test]
fn transactions_above_the_limit_are_refused_until_others_have_ended() {
    let mut fixture = Fixture::with_config(|config| config.max_transactions = 2);
    fixture.register(BOB, "bob");
    let mut ringing = Vec::new();
    for number in 1..=2 {
        let invite = another_call(&mut fixture, number);
        fixture.send(ALICE, &invite);
        fixture.expect(ALICE, "SIP/2.0 100 ");
        ringing.push(fixture.expect(BOB, "INVITE "));
    }
    let invite = another_call(&mut fixture, 3);
    fixture.send(ALICE, &invite);
    let refused = fixture.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    assert_eq!(value(&refused, "Retry-After"), "10");
    fixture.send(STRANGER, &request("MESSAGE", "z9hG4bKother", ""));
    fixture.expect(BOB, "MESSAGE ");
    fixture.expect_silence();

    fixture.send(BOB, &response(&ringing[0], "486 Busy Here", "b", ""));
    fixture.expect(BOB, "ACK ");
    let busy = fixture.expect(ALICE, "SIP/2.0 486 ");
    let ack = format!(
        "ACK sip:bob@example.com SIP/2.0\nVia: {}\nFrom: {}\nTo: {}\nCall-ID: {}\nCSeq: 1 ACK",
        value(&busy, "Via"),
        value(&busy, "From"),
        value(&busy, "To"),
        value(&busy, "Call-ID"),
    );
    fixture.send(ALICE, &ack);
    let invite = another_call(&mut fixture, 4);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.assert_nothing_left();
}

#[test]
fn answered_invites_are_kept_in_a_number_of_their_own() {
    let mut fixture = Fixture::with_config(|config| {
        config.max_transactions = 1;
        config.max_answered = 2;
    });
    fixture.register(BOB, "bob");
    AnsweredCall::answered(&mut fixture, ALICE, BOB);
    AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let invite = another_call(&mut fixture, 3);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKother", ""));
    let message = fixture.expect(BOB, "MESSAGE ");
    fixture.send(BOB, &response(&message, "200 OK", "b", ""));
    fixture.expect(ALICE, "SIP/2.0 200 ");
    fixture.advance(Duration::from_secs(33));
    let invite = another_call(&mut fixture, 4);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.assert_nothing_left();
}

#[test]
fn calls_above_the_limit_are_refused_and_those_that_run_can_be_ended() {
    let mut fixture = Fixture::with_config(|config| config.max_calls = 1);
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    fixture.advance(Duration::from_secs(33));
    let invite = another_call(&mut fixture, 2);
    fixture.send(ALICE, &invite);
    let refused = fixture.expect(ALICE, "SIP/2.0 503 Too Many Calls");
    assert_eq!(value(&refused, "Retry-After"), "10");
    let bye = call.caller_request(&mut fixture, "BYE", 2);
    fixture.send(ALICE, &bye);
    let bye = fixture.expect(BOB, "BYE ");
    fixture.send(BOB, &response(&bye, "200 OK", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 200 ");
    let invite = another_call(&mut fixture, 3);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.assert_nothing_left();
}

/// Registers a user without a password and returns the response.
fn register(fixture: &mut Fixture, flow: FlowId, user: &str) -> String {
    let branch = fixture.branch();
    fixture.send(
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
    fixture.expect(flow, "SIP/2.0 ")
}

#[test]
fn bindings_above_the_limit_are_refused_and_those_there_are_can_be_refreshed() {
    let mut fixture = Fixture::with_config(|config| config.max_bindings = 2);
    let ok = |answer: &str| answer.starts_with("SIP/2.0 200 ");
    assert!(ok(&register(&mut fixture, ALICE, "alice")));
    assert!(ok(&register(&mut fixture, ALICE, "alicia")));
    let refused = register(&mut fixture, ALICE, "alina");
    let why = "SIP/2.0 403 Too Many Bindings On This Connection";
    assert!(refused.starts_with(why), "{refused}");
    assert!(ok(&register(&mut fixture, ALICE, "alice")));
    assert!(ok(&register(&mut fixture, BOB, "alina")));
    // A binding that moves to this connection counts as well.
    assert!(register(&mut fixture, ALICE, "alina").starts_with(why));
    fixture.assert_nothing_left();
}

#[test]
fn a_callee_that_makes_up_tags_begins_few_calls_for_its_caller() {
    let mut fixture = Fixture::with_config(|config| config.max_calls = 9);
    fixture.register(BOB, "bob");
    let invite = another_call(&mut fixture, 1);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let invite = fixture.expect(BOB, "INVITE ");
    for tag in 0..100 {
        fixture.send(BOB, &response(&invite, "200 OK", &format!("b{tag}"), ""));
        fixture.expect(ALICE, "SIP/2.0 200 ");
    }
    let invite = another_call(&mut fixture, 2);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.assert_nothing_left();
}

#[test]
fn calls_that_others_begin_take_no_room_from_ones_own() {
    let mut fixture = Fixture::with_config(|config| config.max_calls = 1);
    fixture.register(ALICE, "alice");
    fixture.register(BOB, "bob");
    AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let invite = another_call(&mut fixture, 2);
    fixture.send(BOB, &invite);
    fixture.expect(BOB, "SIP/2.0 100 ");
    fixture.assert_nothing_left();
}

#[test]
fn a_call_can_be_ended_while_as_many_ring_as_may() {
    let mut fixture = Fixture::with_config(|config| config.max_transactions = 1);
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let invite = another_call(&mut fixture, 2);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    let bye = call.caller_request(&mut fixture, "BYE", 2);
    fixture.send(ALICE, &bye);
    fixture.expect(BOB, "BYE ");
    fixture.assert_nothing_left();
}

#[test]
fn what_is_kept_of_requests_is_bounded_in_bytes() {
    let mut fixture = Fixture::with_config(|config| config.max_kept = 20_000);
    fixture.register(BOB, "bob");
    let subject = format!("Subject: {}", "s".repeat(4000));
    let long = |fixture: &mut Fixture, number: u32| {
        let branch = fixture.branch();
        invite(&branch, &subject).replace("call-1", &format!("call-{number}"))
    };
    // Each call keeps two copies: one for the responses and one for the branch.
    for number in 1..=2 {
        let call = long(&mut fixture, number);
        fixture.send(ALICE, &call);
        fixture.expect(ALICE, "SIP/2.0 100 ");
        fixture.expect(BOB, "INVITE ");
    }
    let call = long(&mut fixture, 3);
    fixture.send(ALICE, &call);
    fixture.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    fixture.assert_nothing_left();
}

#[test]
fn responses_that_are_kept_count_as_the_requests_do() {
    let mut fixture = Fixture::with_config(|config| config.max_kept = 10_000);
    fixture.register(BOB, "bob");
    let invite = another_call(&mut fixture, 1);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    let long = format!("Subject: {}", "s".repeat(9_500));
    fixture.send(BOB, &response(&got, "486 Busy Here", "b", &long));
    fixture.expect(BOB, "ACK ");
    let busy = fixture.expect(ALICE, "SIP/2.0 486 ");
    // It is kept until alice acknowledges it.
    let next = another_call(&mut fixture, 2);
    fixture.send(ALICE, &next);
    fixture.expect(ALICE, "SIP/2.0 503 Too Many Transactions");
    let ack = invite.replace("INVITE", "ACK");
    fixture.send(
        ALICE,
        &ack.replace(
            "To: <sip:bob@example.com>",
            &format!("To: {}", value(&busy, "To")),
        ),
    );
    let next = another_call(&mut fixture, 3);
    fixture.send(ALICE, &next);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.assert_nothing_left();
}

#[test]
fn a_response_beyond_what_may_be_kept_is_500() {
    let mut fixture = Fixture::with_config(|config| config.max_kept = 10_000);
    fixture.register(BOB, "bob");
    let invite = another_call(&mut fixture, 1);
    fixture.send(ALICE, &invite);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let invite = fixture.expect(BOB, "INVITE ");
    let long = format!("Subject: {}", "s".repeat(20_000));
    fixture.send(BOB, &response(&invite, "486 Busy Here", "b", &long));
    fixture.expect(BOB, "ACK ");
    fixture.expect(ALICE, "SIP/2.0 500 ");
    assert_eq!(fixture.refusals().len(), 1);
    fixture.assert_nothing_left();
}

#[test]
fn a_user_without_credentials_has_a_name_of_bounded_length() {
    let mut fixture = Fixture::without_authentication();
    let ok = register(&mut fixture, ALICE, &"a".repeat(256));
    assert!(ok.starts_with("SIP/2.0 200 "), "{ok}");
    let refused = register(&mut fixture, ALICE, &"a".repeat(257));
    assert!(
        refused.starts_with("SIP/2.0 400 User Too Long"),
        "{refused}"
    );
    fixture.assert_nothing_left();
}
