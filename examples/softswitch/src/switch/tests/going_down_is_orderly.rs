//! While the switch drains, running calls continue and new ones are refused.

use super::dialog::{AnsweredCall, invite};
use super::fixture::{ALICE, BOB, Fixture, value};

#[test]
fn a_new_call_is_answered_503_with_when_to_try_again() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.switch.drain();
    let branch = fixture.branch();
    fixture.send(ALICE, &invite(&branch, ""));
    let answer = fixture.expect(ALICE, "SIP/2.0 503 Service Unavailable");
    assert_eq!(value(&answer, "Retry-After"), "10");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_call_that_goes_on_ends_as_usual_and_keeps_its_connections_busy_until_then() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    fixture.switch.drain();
    assert_eq!(
        fixture.switch.flows_in_calls().collect::<Vec<_>>(),
        [ALICE, BOB]
    );
    call.hang_up(&mut fixture, false);
    assert_eq!(fixture.switch.flows_in_calls().count(), 0);
    fixture.assert_nothing_left();
}
