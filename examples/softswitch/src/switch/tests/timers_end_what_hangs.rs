//! Timers B, C, F, H and L (RFC 3261 16.8, 17; RFC 4320; RFC 6026).

use std::time::Duration;

use super::dialog::{invite, request};
use super::lab::{ALICE, BOB, Lab, response, value};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Bob has the INVITE, and it is given back.
fn inviting() -> (Lab, String) {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &invite("z9hG4bKt", ""));
    lab.expect(ALICE, "SIP/2.0 100 ");
    let got = lab.expect(BOB, "INVITE ");
    (lab, got)
}

#[test]
fn an_invite_nobody_reacts_to_ends_after_32_seconds() {
    let (mut lab, got) = inviting();
    lab.passes(Duration::from_millis(31_999));
    lab.expect_silence();
    lab.passes(Duration::from_millis(1));
    lab.expect(ALICE, "SIP/2.0 408 ");
    lab.sends(BOB, &response(&got, "200 OK", "b", ""));
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn a_phone_may_ring_for_180_seconds_and_longer_when_it_says_so() {
    let (mut lab, got) = inviting();
    for _ in 0..3 {
        lab.sends(BOB, &response(&got, "180 Ringing", "b", ""));
        lab.expect(ALICE, "SIP/2.0 180 ");
        lab.passes(seconds(179));
        lab.expect_silence();
    }
    lab.passes(seconds(1));
    lab.expect(BOB, "CANCEL ");
    lab.expect_silence();
    lab.sends(BOB, &response(&got, "487 Request Terminated", "b", ""));
    lab.expect(BOB, "ACK ");
    lab.expect(ALICE, "SIP/2.0 487 ");
    lab.ends_clean();
}

#[test]
fn a_100_does_not_let_a_phone_ring_longer() {
    let (mut lab, got) = inviting();
    lab.sends(BOB, &response(&got, "100 Trying", "", ""));
    lab.passes(seconds(100));
    lab.sends(BOB, &response(&got, "100 Trying", "", ""));
    lab.expect_silence();
    lab.passes(seconds(80));
    lab.expect(BOB, "CANCEL ");
    lab.passes(seconds(32));
    lab.expect(ALICE, "SIP/2.0 408 ");
    lab.ends_clean();
}

#[test]
fn another_request_nobody_reacts_to_ends_without_an_answer() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &request("MESSAGE", "z9hG4bKt", ""));
    let got = lab.expect(BOB, "MESSAGE ");
    lab.sends(BOB, &response(&got, "183 Hm", "b", ""));
    lab.passes(seconds(32));
    lab.sends(BOB, &response(&got, "200 OK", "b", ""));
    lab.expect_silence();
    assert_eq!(lab.switch.dropped(), 1);
    lab.ends_clean();
}

#[test]
fn a_refusal_is_kept_until_its_ack() {
    for acknowledged in [true, false] {
        let (mut lab, got) = inviting();
        lab.sends(BOB, &response(&got, "486 Busy Here", "b", ""));
        lab.expect(BOB, "ACK ");
        let refused = lab.expect(ALICE, "SIP/2.0 486 ");
        // The same INVITE again has the same answer, and does not ring again.
        lab.sends(ALICE, &invite("z9hG4bKt", ""));
        assert_eq!(lab.expect(ALICE, "SIP/2.0 486 "), refused);
        lab.expect_silence();
        if acknowledged {
            lab.sends(ALICE, &request("ACK", "z9hG4bKt", ""));
        } else {
            lab.passes(seconds(32));
        }
        lab.expect_silence();
        lab.sends(ALICE, &invite("z9hG4bKt", ""));
        lab.expect(ALICE, "SIP/2.0 100 ");
        lab.ends_clean();
    }
}

#[test]
fn an_invite_that_is_sent_again_while_it_rings_does_not_ring_twice() {
    let (mut lab, got) = inviting();
    lab.sends(BOB, &response(&got, "180 Ringing", "b", ""));
    assert!(value(&lab.expect(ALICE, "SIP/2.0 180 "), "To").ends_with(";tag=b"));
    lab.sends(ALICE, &invite("z9hG4bKt", ""));
    lab.expect_silence();
    lab.ends_clean();
}
