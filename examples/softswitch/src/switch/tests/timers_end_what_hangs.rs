//! Timers B, C, F, H and L (RFC 3261 16.8, 17; RFC 4320; RFC 6026).

use std::time::Duration;

use super::dialog::{invite, request};
use crate::switch::event::DropReason;

use super::fixture::{ALICE, BOB, Fixture, response, value};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends an INVITE to bob and returns it as bob got it.
fn inviting() -> (Fixture, String) {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKt", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    (fixture, got)
}

#[test]
fn an_invite_nobody_reacts_to_ends_after_32_seconds() {
    let (mut fixture, got) = inviting();
    fixture.advance(Duration::from_millis(31_999));
    fixture.expect_silence();
    fixture.advance(Duration::from_millis(1));
    fixture.expect(ALICE, "SIP/2.0 408 ");
    fixture.send(BOB, &response(&got, "200 OK", "b", ""));
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_phone_may_ring_for_180_seconds_and_longer_when_it_says_so() {
    let (mut fixture, got) = inviting();
    for _ in 0..3 {
        fixture.send(BOB, &response(&got, "180 Ringing", "b", ""));
        fixture.expect(ALICE, "SIP/2.0 180 ");
        fixture.advance(seconds(179));
        fixture.expect_silence();
    }
    fixture.advance(seconds(1));
    fixture.expect(BOB, "CANCEL ");
    fixture.expect_silence();
    fixture.send(BOB, &response(&got, "487 Request Terminated", "b", ""));
    fixture.expect(BOB, "ACK ");
    fixture.expect(ALICE, "SIP/2.0 487 ");
    fixture.assert_nothing_left();
}

#[test]
fn a_100_does_not_let_a_phone_ring_longer() {
    let (mut fixture, got) = inviting();
    fixture.send(BOB, &response(&got, "100 Trying", "", ""));
    fixture.advance(seconds(100));
    fixture.send(BOB, &response(&got, "100 Trying", "", ""));
    fixture.expect_silence();
    fixture.advance(seconds(80));
    fixture.expect(BOB, "CANCEL ");
    fixture.advance(seconds(32));
    fixture.expect(ALICE, "SIP/2.0 408 ");
    fixture.assert_nothing_left();
}

#[test]
fn another_request_nobody_reacts_to_gets_a_100_and_ends_without_an_answer() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKt", ""));
    let got = fixture.expect(BOB, "MESSAGE ");
    fixture.send(BOB, &response(&got, "183 Hm", "b", ""));
    fixture.advance(Duration::from_millis(3499));
    fixture.expect_silence();
    fixture.advance(Duration::from_millis(1));
    let trying = fixture.expect(ALICE, "SIP/2.0 100 Trying");
    assert_eq!(value(&trying, "To"), "<sip:bob@example.com>");
    fixture.advance(seconds(32));
    fixture.send(BOB, &response(&got, "200 OK", "b", ""));
    fixture.expect_silence();
    assert_eq!(fixture.drops(), [(DropReason::UnexpectedResponse, 1)]);
    fixture.assert_nothing_left();
}

#[test]
fn a_refusal_is_kept_until_its_ack() {
    for acknowledged in [true, false] {
        let (mut fixture, got) = inviting();
        fixture.send(BOB, &response(&got, "486 Busy Here", "b", ""));
        fixture.expect(BOB, "ACK ");
        let refused = fixture.expect(ALICE, "SIP/2.0 486 ");
        // The same INVITE again has the same answer, and does not ring again.
        fixture.send(ALICE, &invite("z9hG4bKt", ""));
        assert_eq!(fixture.expect(ALICE, "SIP/2.0 486 "), refused);
        fixture.expect_silence();
        if acknowledged {
            fixture.send(ALICE, &request("ACK", "z9hG4bKt", ""));
        } else {
            fixture.advance(seconds(32));
        }
        fixture.expect_silence();
        fixture.send(ALICE, &invite("z9hG4bKt", ""));
        fixture.expect(ALICE, "SIP/2.0 100 ");
        fixture.assert_nothing_left();
    }
}

#[test]
fn an_invite_that_is_sent_again_while_it_rings_does_not_ring_twice() {
    let (mut fixture, got) = inviting();
    fixture.send(BOB, &response(&got, "180 Ringing", "b", ""));
    assert!(value(&fixture.expect(ALICE, "SIP/2.0 180 "), "To").ends_with(";tag=b"));
    fixture.send(ALICE, &invite("z9hG4bKt", ""));
    fixture.expect_silence();
    fixture.assert_nothing_left();
}
