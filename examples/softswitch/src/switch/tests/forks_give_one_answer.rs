//! Forking and the choice of the response (RFC 3261 16.7).

use std::time::Duration;

use super::dialog::{invite, request};
use super::fixture::{ALICE, BOB, BOB_DESK, Fixture, response, value, values};

/// Sends an INVITE to both phones of bob.
fn forked() -> (Fixture, String, String) {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.register(BOB_DESK, "bob");
    fixture.send(ALICE, &invite("z9hG4bKf", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let first = fixture.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
    let second = fixture.expect(BOB_DESK, "INVITE sip:bob@10.0.0.3 ");
    assert_ne!(values(&first, "Via")[0], values(&second, "Via")[0]);
    assert_ne!(
        value(&first, "Record-Route"),
        value(&second, "Record-Route")
    );
    (fixture, first, second)
}

#[test]
fn the_first_to_answer_gets_the_call_and_the_other_stops_ringing() {
    let (mut fixture, first, second) = forked();
    for (flow, got) in [(BOB, &first), (BOB_DESK, &second)] {
        fixture.send(flow, &response(got, "180 Ringing", "b", ""));
        fixture.expect(ALICE, "SIP/2.0 180 ");
    }
    fixture.send(BOB_DESK, &response(&second, "200 OK", "b2", ""));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    fixture.expect(BOB, "CANCEL ");
    fixture.send(BOB, &response(&first, "487 Request Terminated", "b1", ""));
    fixture.expect(BOB, "ACK ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn two_phones_that_answer_at_once_are_both_reported_to_the_caller() {
    let (mut fixture, first, second) = forked();
    fixture.send(BOB, &response(&first, "200 OK", "b1", ""));
    fixture.send(BOB_DESK, &response(&second, "200 OK", "b2", ""));
    for tag in ["b1", "b2"] {
        let ok = fixture.expect(ALICE, "SIP/2.0 200 OK");
        assert!(value(&ok, "To").ends_with(tag));
    }
    fixture.expect_silence();
    fixture.assert_nothing_left();
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
        let (mut fixture, first, second) = forked();
        fixture.send(BOB, &response(&first, one, "b1", ""));
        fixture.expect(BOB, "ACK ");
        fixture.expect_silence();
        fixture.send(BOB_DESK, &response(&second, other, "b2", ""));
        fixture.expect(BOB_DESK, "ACK ");
        fixture.expect(ALICE, &format!("SIP/2.0 {best} "));
        fixture.expect_silence();
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_6xx_stops_the_other_phone_and_wins() {
    let (mut fixture, first, second) = forked();
    fixture.send(BOB, &response(&first, "180 Ringing", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 180 ");
    fixture.send(BOB_DESK, &response(&second, "603 Decline", "b2", ""));
    fixture.expect(BOB_DESK, "ACK ");
    fixture.expect(BOB, "CANCEL ");
    fixture.expect_silence();
    fixture.send(BOB, &response(&first, "487 Request Terminated", "b1", ""));
    fixture.expect(BOB, "ACK ");
    fixture.expect(ALICE, "SIP/2.0 603 Decline");
    fixture.assert_nothing_left();
}

#[test]
fn the_challenges_of_all_phones_are_collected() {
    let (mut fixture, first, second) = forked();
    let challenge = "WWW-Authenticate: Digest realm=\"one\"";
    fixture.send(BOB, &response(&first, "401 Unauthorized", "b1", challenge));
    let challenge = "Proxy-Authenticate: Digest realm=\"two\"";
    fixture.send(
        BOB_DESK,
        &response(&second, "407 Proxy Auth", "b2", challenge),
    );
    let refused = fixture.expect(ALICE, "SIP/2.0 401 ");
    assert_eq!(value(&refused, "WWW-Authenticate"), "Digest realm=\"one\"");
    assert_eq!(
        value(&refused, "Proxy-Authenticate"),
        "Digest realm=\"two\""
    );
    fixture.assert_nothing_left();
}

#[test]
fn a_phone_that_is_gone_or_does_not_read_leaves_the_call_to_the_other() {
    for clogged in [true, false] {
        let mut fixture = Fixture::without_authentication();
        fixture.register(BOB, "bob");
        fixture.register(BOB_DESK, "bob");
        if clogged {
            fixture.stop_reading(BOB);
        } else {
            fixture.disconnect_unnoticed(BOB);
        }
        fixture.send(ALICE, &invite("z9hG4bKf", ""));
        fixture.expect(ALICE, "SIP/2.0 100 ");
        let got = fixture.expect(BOB_DESK, "INVITE ");
        fixture.send(BOB_DESK, &response(&got, "486 Busy Here", "b2", ""));
        fixture.expect(ALICE, "SIP/2.0 486 ");
        fixture.assert_nothing_left();
    }
}

#[test]
fn the_first_success_answers_any_other_request() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.register(BOB_DESK, "bob");
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKm", ""));
    let first = fixture.expect(BOB, "MESSAGE ");
    let second = fixture.expect(BOB_DESK, "MESSAGE ");
    assert!(values(&first, "Record-Route").is_empty());
    fixture.send(BOB, &response(&first, "200 OK", "b1", ""));
    fixture.expect(ALICE, "SIP/2.0 200 OK");
    // The only running timers are those of the bindings.
    let next = fixture.switch.next_timeout().expect("an expiry");
    assert_eq!(next - fixture.now, Duration::from_secs(3600));
    fixture.send(BOB_DESK, &response(&second, "200 OK", "b2", ""));
    fixture.expect_silence();
    fixture.advance(Duration::from_secs(60));
    fixture.expect_silence();
    fixture.assert_nothing_left();
}
