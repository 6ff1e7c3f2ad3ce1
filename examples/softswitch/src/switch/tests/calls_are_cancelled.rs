//! CANCEL (RFC 3261 9, 16.10).

use std::time::Duration;

use super::dialog::{invite, request};
use super::fixture::{ALICE, BOB, Fixture, response, value, values};
use crate::switch::event::{EndedBy, SwitchEvent};

fn cancel(branch: &str) -> String {
    request("CANCEL", branch, "")
}

/// The 487 of the phone, and the ACKs of both hops.
#[track_caller]
fn is_terminated(fixture: &mut Fixture, invite: &str, branch: &str) {
    fixture.send(BOB, &response(invite, "487 Request Terminated", "b1", ""));
    let ack = fixture.expect(BOB, "ACK sip:bob@10.0.0.2 SIP/2.0\r\n");
    assert_eq!(values(&ack, "Via"), [values(invite, "Via")[0]]);
    assert_eq!(value(&ack, "CSeq"), "1 ACK");
    assert!(value(&ack, "To").ends_with(";tag=b1"));
    let refused = fixture.expect(ALICE, "SIP/2.0 487 Request Terminated");
    let to = value(&refused, "To").to_owned();
    let ack = request("ACK", branch, "").replace("To: <sip:bob@example.com>", &format!("To: {to}"));
    fixture.send(ALICE, &ack);
    fixture.expect_silence();
}

#[test]
fn a_ringing_phone_is_cancelled_at_once() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKc", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    fixture.send(BOB, &response(&got, "180 Ringing", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 180 ");

    fixture.send(ALICE, &cancel("z9hG4bKc"));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    let stop = fixture.expect(BOB, "CANCEL sip:bob@10.0.0.2 SIP/2.0\r\n");
    assert_eq!(values(&stop, "Via"), [values(&got, "Via")[0]]);
    assert_eq!(value(&stop, "CSeq"), "1 CANCEL");
    assert_eq!(value(&stop, "To"), "<sip:bob@example.com>");
    fixture.send(BOB, &response(&stop, "200 OK", "b1", ""));
    fixture.expect_silence();

    is_terminated(&mut fixture, &got, "z9hG4bKc");
    assert!(matches!(
        fixture.events()[..],
        [SwitchEvent::CallEnded {
            status: 487,
            duration_ms: 0,
            ended_by: EndedBy::Caller,
            ..
        }]
    ));
    assert_eq!(fixture.drops(), []);
    fixture.assert_nothing_left();
}

#[test]
fn a_phone_that_has_not_answered_is_cancelled_when_it_does() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKc", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    fixture.send(ALICE, &cancel("z9hG4bKc"));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.expect_silence();

    fixture.send(BOB, &response(&got, "100 Trying", "", ""));
    fixture.expect(BOB, "CANCEL ");
    is_terminated(&mut fixture, &got, "z9hG4bKc");
    fixture.assert_nothing_left();
}

#[test]
fn a_cancel_that_crosses_the_answer_changes_nothing() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKc", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    fixture.send(BOB, &response(&got, "200 OK", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.send(ALICE, &cancel("z9hG4bKc"));
    let ok = fixture.expect(ALICE, "SIP/2.0 200 OK");
    assert_eq!(value(&ok, "CSeq"), "1 CANCEL");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_cancel_of_nothing_is_answered_with_481() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &cancel("z9hG4bKc"));
    fixture.expect(ALICE, "SIP/2.0 481 ");
    // Nor does one from another connection reach the transaction.
    fixture.send(ALICE, &invite("z9hG4bKc", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.send(BOB, &cancel("z9hG4bKc"));
    fixture.expect(BOB, "SIP/2.0 481 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_cancelled_phone_that_stays_silent_is_given_up_after_64_t1() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKc", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    fixture.send(BOB, &response(&got, "180 Ringing", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 180 ");
    fixture.send(ALICE, &cancel("z9hG4bKc"));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.expect(BOB, "CANCEL ");
    fixture.advance(Duration::from_millis(31_999));
    fixture.expect_silence();
    fixture.advance(Duration::from_millis(1));
    fixture.expect(ALICE, "SIP/2.0 408 ");
    fixture.assert_nothing_left();
}

#[test]
fn a_caller_whose_connection_breaks_cancels_the_ringing_phone() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKc", ""));
    let got = fixture.expect(BOB, "INVITE ");
    fixture.send(BOB, &response(&got, "180 Ringing", "b1", ""));
    fixture.disconnect(ALICE);
    fixture.expect(BOB, "CANCEL ");
    fixture.send(BOB, &response(&got, "487 Request Terminated", "b1", ""));
    fixture.expect(BOB, "ACK ");
    assert!(matches!(
        fixture.events()[..],
        [SwitchEvent::CallEnded {
            status: 487,
            ended_by: EndedBy::FlowEnded,
            ..
        }]
    ));
    fixture.assert_nothing_left();
}
