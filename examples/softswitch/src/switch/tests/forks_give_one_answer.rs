//! Forking and the choice of the response (RFC 3261 16.7).

use std::time::Duration;

use super::dialog::{invite, request};
use super::lab::{ALICE, BOB, BOB_DESK, Lab, response, value, values};

/// Both phones of bob have the INVITE.
fn forked() -> (Lab, String, String) {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.registers(BOB_DESK, "bob");
    lab.sends(ALICE, &invite("z9hG4bKf", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    let first = lab.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
    let second = lab.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3 ");
    assert_ne!(values(&first, "Via")[0], values(&second, "Via")[0]);
    assert_ne!(
        value(&first, "Record-Route"),
        value(&second, "Record-Route")
    );
    (lab, first, second)
}

#[test]
fn the_first_to_answer_gets_the_call_and_the_other_stops_ringing() {
    let (mut lab, first, second) = forked();
    for (flow, got) in [(BOB, &first), (BOB_DESK, &second)] {
        lab.sends(flow, &response(got, "180 Ringing", "b", ""));
        lab.expect(ALICE, "SIP/2.0 180 ");
    }
    lab.sends(BOB_DESK, &response(&second, "200 OK", "b2", ""));
    lab.expect(ALICE, "SIP/2.0 200 OK");
    lab.expect(BOB, "CANCEL ");
    lab.sends(BOB, &response(&first, "487 Request Terminated", "b1", ""));
    lab.expect(BOB, "ACK ");
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn two_phones_that_answer_at_once_are_both_reported_to_the_caller() {
    let (mut lab, first, second) = forked();
    lab.sends(BOB, &response(&first, "200 OK", "b1", ""));
    lab.sends(BOB_DESK, &response(&second, "200 OK", "b2", ""));
    for tag in ["b1", "b2"] {
        let ok = lab.expect(ALICE, "SIP/2.0 200 OK");
        assert!(value(&ok, "To").ends_with(tag));
    }
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn the_best_refusal_is_sent_when_all_have_refused() {
    for (one, other, best) in [
        ("486 Busy Here", "480 Temporarily Unavailable", "486"),
        ("503 Service Unavailable", "486 Busy Here", "486"),
        ("500 Error", "302 Moved", "302"),
        ("408 Request Timeout", "404 Not Found", "404"),
        ("430 Flow Failed", "486 Busy Here", "486"),
        ("503 Service Unavailable", "503 Service Unavailable", "500"),
        ("486 Busy Here", "407 Proxy Authentication Required", "407"),
        ("302 Moved", "603 Decline", "603"),
    ] {
        let (mut lab, first, second) = forked();
        lab.sends(BOB, &response(&first, one, "b1", ""));
        lab.expect(BOB, "ACK ");
        lab.expect_silence();
        lab.sends(BOB_DESK, &response(&second, other, "b2", ""));
        lab.expect(BOB_DESK, "ACK ");
        lab.expect(ALICE, &format!("SIP/2.0 {best} "));
        lab.expect_silence();
        lab.ends_clean();
    }
}

#[test]
fn a_6xx_stops_the_other_phone_and_wins() {
    let (mut lab, first, second) = forked();
    lab.sends(BOB, &response(&first, "180 Ringing", "b1", ""));
    lab.expect(ALICE, "SIP/2.0 180 ");
    lab.sends(BOB_DESK, &response(&second, "603 Decline", "b2", ""));
    lab.expect(BOB_DESK, "ACK ");
    lab.expect(BOB, "CANCEL ");
    lab.expect_silence();
    lab.sends(BOB, &response(&first, "487 Request Terminated", "b1", ""));
    lab.expect(BOB, "ACK ");
    lab.expect(ALICE, "SIP/2.0 603 Decline");
    lab.ends_clean();
}

#[test]
fn the_challenges_of_all_phones_are_collected() {
    let (mut lab, first, second) = forked();
    let challenge = "WWW-Authenticate: Digest realm=\"one\"";
    lab.sends(BOB, &response(&first, "401 Unauthorized", "b1", challenge));
    let challenge = "Proxy-Authenticate: Digest realm=\"two\"";
    lab.sends(
        BOB_DESK,
        &response(&second, "407 Proxy Auth", "b2", challenge),
    );
    let refused = lab.expect(ALICE, "SIP/2.0 401 ");
    assert_eq!(value(&refused, "WWW-Authenticate"), "Digest realm=\"one\"");
    assert_eq!(
        value(&refused, "Proxy-Authenticate"),
        "Digest realm=\"two\""
    );
    lab.ends_clean();
}

#[test]
fn a_phone_that_is_gone_or_does_not_read_leaves_the_call_to_the_other() {
    for clogged in [true, false] {
        let mut lab = Lab::open();
        lab.registers(BOB, "bob");
        lab.registers(BOB_DESK, "bob");
        if clogged {
            lab.clogs(BOB);
        } else {
            lab.breaks_unnoticed(BOB);
        }
        lab.sends(ALICE, &invite("z9hG4bKf", ""));
        lab.expect(ALICE, "SIP/2.0 100 ");
        let got = lab.expect(BOB_DESK, "INVITE ");
        lab.sends(BOB_DESK, &response(&got, "486 Busy Here", "b2", ""));
        lab.expect(ALICE, "SIP/2.0 486 ");
        lab.ends_clean();
    }
}

#[test]
fn the_first_success_answers_any_other_request() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.registers(BOB_DESK, "bob");
    lab.sends(ALICE, &request("MESSAGE", "z9hG4bKm", ""));
    let first = lab.expect(BOB, "MESSAGE ");
    let second = lab.expect(BOB_DESK, "MESSAGE ");
    assert!(values(&first, "Record-Route").is_empty());
    lab.sends(BOB, &response(&first, "200 OK", "b1", ""));
    lab.expect(ALICE, "SIP/2.0 200 OK");
    // Only the bindings are waited for.
    let next = lab.switch.next_timeout().expect("an expiry");
    assert_eq!(next - lab.now, Duration::from_secs(3600));
    lab.sends(BOB_DESK, &response(&second, "200 OK", "b2", ""));
    lab.expect_silence();
    lab.passes(Duration::from_secs(60));
    lab.expect_silence();
    lab.ends_clean();
}
