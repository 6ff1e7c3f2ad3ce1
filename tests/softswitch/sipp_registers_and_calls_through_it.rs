//! SIPp registers and calls through it, over TLS that socat adds.
//!
//! What SIPp writes into Via and Contact is the address of a TCP socket that leads nowhere: every
//! message must come back on the connection its sender has opened. The `uri` of its credentials is that
//! address as well, and not the Request-URI.

use sipward_tests::real::events::Line;
use sipward_tests::real::sipp::Party;
use sipward_tests::real::switch::Softswitch;

/// SIPp 3.6 knows MD5 alone, and fails a call whose challenge offers more.
const ALICE_AND_BOB_BY_MD5: [&str; 8] = [
    "--domain",
    "example.com",
    "--user",
    "alice:wonderland",
    "--user",
    "bob:builder",
    "--digest",
    "md5",
];

const CALLS: u32 = 20;

/// All calls ended this way, and there are as many as were made.
#[track_caller]
fn check_calls(calls: &[Line], ended_by: &str, status: u64) {
    assert_eq!(calls.len(), CALLS as usize);
    for call in calls {
        let found = (call.text("ended_by"), call.number("status"));
        assert_eq!(found, (ended_by, status), "{}", call.0);
    }
}

/// Alice plays `caller` towards Bob, who treats each call by `callee`; what was reported.
fn calls(options: &[&str], registration: &str, caller: &str, callee: &str) -> Vec<Line> {
    let switch = Softswitch::start(options);
    let bob = Party::new(&switch, "bob", "builder");
    let mut taking = bob.takes_calls(registration, callee);
    switch.events.wait_for(1, "registered");

    let alice = Party::new(&switch, "alice", "wonderland");
    alice.plays(caller, CALLS).succeeds();
    let calls = switch.events.wait_for(CALLS as usize, "call_ended");
    taking.terminate();
    taking.ends();
    switch.stop();
    calls
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn it_registers_without_a_password_where_none_is_asked_for() {
    let switch = Softswitch::start(&["--no-auth"]);
    let carol = Party::new(&switch, "carol", "none");
    carol.plays("register", 1).succeeds();
    let registered = switch.events.wait_for(1, "registered");
    assert_eq!(registered[0].text("user"), "carol");
    let gone = switch.events.wait_for(1, "unregistered");
    assert_eq!(gone[0].text("why"), "flow_ended");
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn it_registers_with_the_right_password_and_not_with_a_wrong_one() {
    let switch = Softswitch::start(&ALICE_AND_BOB_BY_MD5);
    let alice = Party::new(&switch, "alice", "wonderland");
    alice.plays("register_with_password", 1).succeeds();
    switch.events.wait_for(1, "registered");

    let impostor = Party::new(&switch, "alice", "looking glass");
    let status = impostor.plays("register_with_password", 1).ends();
    assert_eq!(status.code(), Some(1), "one call of SIPp's has failed");
    let failed = switch.events.wait_for(1, "auth_failed");
    assert_eq!(failed[0].text("why"), "wrong_password");
    assert_eq!(switch.events.of_kind("registered").len(), 1);
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_connection_for_each_registration_is_as_good_as_one_for_all() {
    let switch = Softswitch::start(&ALICE_AND_BOB_BY_MD5);
    let alice = Party::new(&switch, "alice", "wonderland");
    alice
        .plays_apart("register_with_password", CALLS)
        .succeeds();
    let registered = switch.events.wait_for(CALLS as usize, "registered");
    let mut sources: Vec<&str> = registered.iter().map(|line| line.text("source")).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), CALLS as usize);
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn twenty_calls_of_which_the_caller_hangs_up() {
    let calls = calls(&ALICE_AND_BOB_BY_MD5, "callee", "caller_hangs_up", "answer");
    check_calls(&calls, "caller", 200);
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn twenty_calls_without_any_password() {
    let (callee, caller) = ("open_callee", "open_caller_hangs_up");
    let calls = calls(&["--no-auth"], callee, caller, "answer");
    check_calls(&calls, "caller", 200);
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn twenty_calls_of_which_the_callee_hangs_up() {
    let calls = calls(
        &ALICE_AND_BOB_BY_MD5,
        "callee",
        "caller_is_hung_up_on",
        "answer_and_hang_up",
    );
    check_calls(&calls, "callee", 200);
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn twenty_calls_that_are_given_up_while_they_ring() {
    let calls = calls(
        &ALICE_AND_BOB_BY_MD5,
        "callee",
        "caller_gives_up",
        "ring_until_cancelled",
    );
    check_calls(&calls, "caller", 487);
}
