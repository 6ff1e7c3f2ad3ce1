//! linphone and baresip, at their defaults, register and call each other under a domain that resolves
//! nowhere. Run with linphone 5.1 and baresip 1.0, Debian's.

use sipward_tests::real::baresip::Phone;
use sipward_tests::real::linphone::Linphone;
use sipward_tests::real::switch::{ALICE_AND_BOB, Softswitch};

/// Alice's linphone and bob's baresip, both registered.
fn phones(switch: &Softswitch) -> (Linphone, Phone) {
    let mut bob = Phone::start(switch, "bob", "builder", &switch.authority());
    bob.says("[1 binding]");
    let alice = Linphone::start(switch, "alice", "wonderland");
    switch.events.wait_for(2, "registered");
    (alice, bob)
}

/// Who ended the last of so many calls, and its status.
#[track_caller]
fn end_of_call(switch: &Softswitch, count: usize) -> (String, u64) {
    let calls = switch.events.wait_for(count, "call_ended");
    let call = &calls[count - 1];
    (call.text("ended_by").to_owned(), call.number("status"))
}

#[track_caller]
fn close(switch: Softswitch, refused: usize) {
    assert_eq!(switch.events.of_kind("request_refused").len(), refused);
    assert!(switch.events.of_kind("auth_failed").is_empty());
    assert!(switch.events.of_kind("messages_dropped").is_empty());
    switch.stop();
}

#[test]
#[ignore = "needs linphone-cli, baresip-core"]
fn linphone_calls_holds_resumes_and_either_hangs_up() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let (mut alice, mut bob) = phones(&switch);
    for count in 1..=2 {
        alice.does("call sip:bob@example.com");
        bob.says("Incoming call from");
        alice.says("ringing");
        bob.does("accept");
        alice.says("Media streams established");
        alice.does("pause");
        alice.says("is now paused");
        alice.does("resume");
        alice.says("Media streams established");
        if count == 1 {
            alice.does("terminate");
            bob.says("session closed");
            alice.says("ended (No error)");
            assert_eq!(end_of_call(&switch, count), ("caller".to_owned(), 200));
        } else {
            bob.does("hangup");
            alice.says("ended");
            assert_eq!(end_of_call(&switch, count), ("callee".to_owned(), 200));
        }
    }
    close(switch, 0);
}

#[test]
#[ignore = "needs linphone-cli, baresip-core"]
fn linphone_is_called_and_either_hangs_up() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let (mut alice, mut bob) = phones(&switch);
    for count in 1..=2 {
        bob.does("dial alice@example.com");
        alice.says("incoming call");
        alice.does("answer");
        alice.says("Media streams established");
        bob.says("Call established");
        if count == 1 {
            alice.does("terminate");
            bob.says("session closed");
            assert_eq!(end_of_call(&switch, count), ("callee".to_owned(), 200));
        } else {
            bob.does("hangup");
            alice.says("ended");
            assert_eq!(end_of_call(&switch, count), ("caller".to_owned(), 200));
        }
    }
    close(switch, 0);
}

#[test]
#[ignore = "needs linphone-cli, baresip-core"]
fn linphone_gives_up_a_ringing_call_and_calls_one_who_is_not_there() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let (mut alice, mut bob) = phones(&switch);
    alice.does("call sip:bob@example.com");
    bob.says("Incoming call from");
    alice.says("ringing");
    alice.does("terminate");
    bob.says("session closed");
    assert_eq!(end_of_call(&switch, 1), ("caller".to_owned(), 487));

    bob.does("quit");
    bob.succeeds();
    switch.events.wait_for(1, "unregistered");
    alice.does("call sip:bob@example.com");
    assert_eq!(end_of_call(&switch, 2), ("failed".to_owned(), 480));
    close(switch, 1);
}
