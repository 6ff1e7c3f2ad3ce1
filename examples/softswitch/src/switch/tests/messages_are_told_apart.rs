//! What is the same message again and what is another one, and what a phone could take for another.

use super::dialog::{invite, request};
use super::fixture::{ALICE, BOB, Fixture, response};
use crate::switch::event::DropReason;

#[test]
fn a_method_that_a_phone_could_take_for_another_is_refused() {
    // Some phones would take these for the real ones, and the switch would not.
    for (name, odd) in [
        ("INVITE", "invite"),
        ("BYE", "Bye"),
        ("ACK", "ack"),
        ("CANCEL", "cancel"),
        ("INVITE", "INV"),
    ] {
        let text = request(name, "z9hG4bKn", "").replace(name, odd);
        let mut fixture = Fixture::without_authentication();
        fixture.register(BOB, "bob");
        fixture.send(ALICE, &text);
        fixture.expect(ALICE, "SIP/2.0 400 Bad Method");
        fixture.expect_silence();
        fixture.assert_nothing_left();
    }
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &request("unusual", "z9hG4bKn", ""));
    fixture.expect(BOB, "unusual ");
}

#[test]
fn another_request_with_the_same_branch_is_another_request() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let text = invite("z9hG4bKalways", "");
    fixture.send(ALICE, &text);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.send(ALICE, &text.replace("call-1", "call-2"));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    // The same again is the same, and is said to be dropped.
    fixture.send(ALICE, &text);
    fixture.expect_silence();
    assert_eq!(fixture.drops(), [(DropReason::RepeatedRequest, 1)]);
    fixture.assert_nothing_left();
}

#[test]
fn a_response_that_comes_too_late_is_dropped_and_counted() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bKn", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    fixture.send(BOB, &response(&got, "486 Busy Here", "b1", ""));
    fixture.expect(BOB, "ACK ");
    fixture.expect(ALICE, "SIP/2.0 486 ");
    for status in ["180 Ringing", "200 OK", "486 Busy Here"] {
        fixture.send(BOB, &response(&got, status, "b1", ""));
    }
    fixture.expect_silence();
    assert_eq!(fixture.drops(), [(DropReason::UnexpectedResponse, 3)]);
    fixture.assert_nothing_left();
}
