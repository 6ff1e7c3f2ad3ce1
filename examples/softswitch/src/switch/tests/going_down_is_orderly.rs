//! While the switch goes down, calls end in their own time and new ones are sent elsewhere.

use super::dialog::{Talk, invite};
use super::lab::{ALICE, BOB, Lab, value};

#[test]
fn a_new_call_is_answered_503_with_when_to_try_again() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.switch.drain();
    let branch = lab.branch();
    lab.sends(ALICE, &invite(&branch, ""));
    let answer = lab.expect(ALICE, "SIP/2.0 503 Service Unavailable");
    assert_eq!(value(&answer, "Retry-After"), "10");
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn a_call_that_goes_on_ends_as_usual_and_keeps_its_connections_busy_until_then() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    lab.switch.drain();
    assert_eq!(
        lab.switch.flows_in_calls().collect::<Vec<_>>(),
        [ALICE, BOB]
    );
    talk.hangs_up(&mut lab, false);
    assert_eq!(lab.switch.flows_in_calls().count(), 0);
    lab.ends_clean();
}
