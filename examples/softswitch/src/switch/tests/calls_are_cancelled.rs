//! CANCEL (RFC 3261 9, 16.10).

use std::time::Duration;

use super::dialog::{invite, request};
use super::lab::{ALICE, BOB, Lab, response, value, values};
use crate::switch::event::{EndedBy, SwitchEvent};

fn cancel(branch: &str) -> String {
    request("CANCEL", branch, "")
}

/// The 487 of the phone, and the ACKs of both hops.
#[track_caller]
fn is_terminated(lab: &mut Lab, invite: &str, branch: &str) {
    lab.sends(BOB, &response(invite, "487 Request Terminated", "b1", ""));
    let ack = lab.expect(BOB, "ACK sip:bob@10.0.0.2 SIP/2.0\r\n");
    assert_eq!(values(&ack, "Via"), [values(invite, "Via")[0]]);
    assert_eq!(value(&ack, "CSeq"), "1 ACK");
    assert!(value(&ack, "To").ends_with(";tag=b1"));
    let refused = lab.expect(ALICE, "SIP/2.0 487 Request Terminated");
    let to = value(&refused, "To").to_owned();
    let ack = request("ACK", branch, "").replace("To: <sip:bob@example.com>", &format!("To: {to}"));
    lab.sends(ALICE, &ack);
    lab.expect_silence();
}

#[test]
fn a_ringing_phone_is_cancelled_at_once() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKc", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    let got = lab.expect(BOB, "INVITE ");
    lab.sends(BOB, &response(&got, "180 Ringing", "b1", ""));
    lab.expect(ALICE, "SIP/2.0 180 ");

    lab.sends(ALICE, &cancel("z9hG4bKc"));
    lab.expect(ALICE, "SIP/2.0 200 OK");
    let stop = lab.expect(BOB, "CANCEL sip:bob@10.0.0.2 SIP/2.0\r\n");
    assert_eq!(values(&stop, "Via"), [values(&got, "Via")[0]]);
    assert_eq!(value(&stop, "CSeq"), "1 CANCEL");
    assert_eq!(value(&stop, "To"), "<sip:bob@example.com>");
    lab.sends(BOB, &response(&stop, "200 OK", "b1", ""));
    lab.expect_silence();

    is_terminated(&mut lab, &got, "z9hG4bKc");
    assert!(matches!(
        lab.events()[..],
        [SwitchEvent::CallEnded {
            status: 487,
            duration_ms: 0,
            ended_by: EndedBy::Caller,
            ..
        }]
    ));
    assert_eq!(lab.switch.dropped(), 0);
    lab.ends_clean();
}

#[test]
fn a_phone_that_has_not_answered_is_cancelled_when_it_does() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKc", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    let got = lab.expect(BOB, "INVITE ");
    lab.sends(ALICE, &cancel("z9hG4bKc"));
    lab.expect(ALICE, "SIP/2.0 200 OK");
    lab.expect_silence();

    lab.sends(BOB, &response(&got, "100 Trying", "", ""));
    lab.expect(BOB, "CANCEL ");
    is_terminated(&mut lab, &got, "z9hG4bKc");
    lab.ends_clean();
}

#[test]
fn a_cancel_that_crosses_the_answer_changes_nothing() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKc", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    let got = lab.expect(BOB, "INVITE ");
    lab.sends(BOB, &response(&got, "200 OK", "b1", ""));
    lab.expect(ALICE, "SIP/2.0 200 OK");
    lab.sends(ALICE, &cancel("z9hG4bKc"));
    let ok = lab.expect(ALICE, "SIP/2.0 200 OK");
    assert_eq!(value(&ok, "CSeq"), "1 CANCEL");
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn a_cancel_of_nothing_is_answered_with_481() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &cancel("z9hG4bKc"));
    lab.expect(ALICE, "SIP/2.0 481 ");
    // Nor does one from another connection reach the transaction.
    lab.sends(ALICE, &invite("z9hG4bKc", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    lab.expect(BOB, "INVITE ");
    lab.sends(BOB, &cancel("z9hG4bKc"));
    lab.expect(BOB, "SIP/2.0 481 ");
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn a_cancelled_phone_that_stays_silent_is_given_up_after_64_t1() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKc", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    let got = lab.expect(BOB, "INVITE ");
    lab.sends(BOB, &response(&got, "180 Ringing", "b1", ""));
    lab.expect(ALICE, "SIP/2.0 180 ");
    lab.sends(ALICE, &cancel("z9hG4bKc"));
    lab.expect(ALICE, "SIP/2.0 200 OK");
    lab.expect(BOB, "CANCEL ");
    lab.passes(Duration::from_millis(31_999));
    lab.expect_silence();
    lab.passes(Duration::from_millis(1));
    lab.expect(ALICE, "SIP/2.0 408 ");
    lab.ends_clean();
}

#[test]
fn a_caller_whose_connection_breaks_cancels_the_ringing_phone() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKc", ""));
    let got = lab.expect(BOB, "INVITE ");
    lab.sends(BOB, &response(&got, "180 Ringing", "b1", ""));
    lab.breaks(ALICE);
    lab.expect(BOB, "CANCEL ");
    lab.sends(BOB, &response(&got, "487 Request Terminated", "b1", ""));
    lab.expect(BOB, "ACK ");
    assert!(matches!(
        lab.events()[..],
        [SwitchEvent::CallEnded {
            status: 487,
            ended_by: EndedBy::FlowEnded,
            ..
        }]
    ));
    lab.ends_clean();
}
