//! Two baresip phones, set up as the softswitch's first screen says, register and call each other. Their
//! domain resolves nowhere: all they know of the switch is its address.

use sipward_tests::real::baresip::Phone;
use sipward_tests::real::events::Line;
use sipward_tests::real::relay::Relay;
use sipward_tests::real::switch::{ALICE_AND_BOB, Softswitch};

/// What baresip says of a registration that was accepted.
const REGISTERED: &str = "[1 binding]";

fn phones(switch: &Softswitch) -> [Phone; 2] {
    let authority = switch.authority();
    let mut phones = [("alice", "wonderland"), ("bob", "builder")]
        .map(|(user, password)| Phone::start(switch, user, password, &authority));
    for phone in &mut phones {
        phone.says(REGISTERED);
    }
    phones
}

fn ring(alice: &mut Phone, bob: &mut Phone) {
    alice.does("dial bob@example.com");
    alice.says("180 Ringing");
    bob.says("Incoming call from");
}

fn talk(alice: &mut Phone, bob: &mut Phone) {
    ring(alice, bob);
    bob.does("accept");
    alice.says("Call established");
    bob.says("Call established");
}

/// Who ended the last of so many calls, and its status.
#[track_caller]
fn end_of_call(switch: &Softswitch, count: usize) -> (String, u64) {
    let calls = switch.events.wait_for(count, "call_ended");
    assert_eq!(calls.len(), count);
    let call = &calls[count - 1];
    assert_eq!(call.text("caller"), "alice@example.com");
    assert_eq!(call.text("callee"), "bob@example.com");
    (call.text("ended_by").to_owned(), call.number("status"))
}

fn users(lines: &[Line]) -> Vec<&str> {
    let mut users: Vec<&str> = lines.iter().map(|line| line.text("user")).collect();
    users.sort_unstable();
    users
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_call_ends_for_both_whoever_hangs_up() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let [mut alice, mut bob] = phones(&switch);
    let registered = switch.events.wait_for(2, "registered");
    assert_eq!(users(&registered), ["alice", "bob"]);

    talk(&mut alice, &mut bob);
    alice.does("hangup");
    bob.says("session closed");
    assert_eq!(end_of_call(&switch, 1), ("caller".to_owned(), 200));

    talk(&mut alice, &mut bob);
    bob.does("hangup");
    alice.says("session closed");
    assert_eq!(end_of_call(&switch, 2), ("callee".to_owned(), 200));

    for phone in [&mut alice, &mut bob] {
        phone.does("quit");
        phone.succeeds();
    }
    let gone = switch.events.wait_for(2, "unregistered");
    assert_eq!(users(&gone), ["alice", "bob"]);
    assert!(gone.iter().all(|line| line.text("why") == "removed"));
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn either_holds_the_call_and_goes_on_with_it() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let [mut alice, mut bob] = phones(&switch);
    talk(&mut alice, &mut bob);
    for holding in [true, false] {
        let (one, other) = match holding {
            true => (&mut alice, &mut bob),
            false => (&mut bob, &mut alice),
        };
        one.does("hold");
        other.says("a=sendonly");
        one.does("resume");
        other.says("a=sendrecv");
    }
    bob.does("hangup");
    alice.says("session closed");
    assert_eq!(end_of_call(&switch, 1), ("callee".to_owned(), 200));
    assert!(switch.events.of_kind("request_refused").is_empty());
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_phone_that_reconnects_in_a_call_goes_on_with_it() {
    let relay = Relay::open();
    // His side of the switch is another listener, which is reached through the relay alone.
    let advertise = format!("127.0.0.2:0={}", relay.address);
    let more = ["--listen", "127.0.0.2:0", "--advertise", &advertise];
    let switch = Softswitch::start(&[&ALICE_AND_BOB[..], &more].concat());
    let listeners = switch.events.wait_for(2, "listening");
    relay.leads_to(listeners[1].text("listener").parse().unwrap());
    let mut bob = Phone::through(relay.address, &switch, "bob", "builder");
    bob.says(REGISTERED);
    let mut alice = Phone::start(&switch, "alice", "wonderland", &switch.authority());
    alice.says(REGISTERED);
    talk(&mut alice, &mut bob);

    relay.cut();
    let gone = switch.events.wait_for(1, "unregistered");
    assert_eq!(gone[0].text("why"), "flow_ended");
    // This baresip connects again when its registration is due, after 54 s of 60.
    switch.events.wait_for(3, "registered");
    alice.does("hold");
    bob.says("a=sendonly");
    bob.does("hangup");
    alice.says("session closed");
    assert_eq!(end_of_call(&switch, 1), ("callee".to_owned(), 200));
    assert!(switch.events.of_kind("request_refused").is_empty());
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_call_that_is_given_up_or_declined_ends_for_both() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let [mut alice, mut bob] = phones(&switch);

    ring(&mut alice, &mut bob);
    alice.does("hangup");
    bob.says("session closed");
    assert_eq!(end_of_call(&switch, 1), ("caller".to_owned(), 487));

    ring(&mut alice, &mut bob);
    bob.does("hangup");
    alice.says("session closed: 486");
    assert_eq!(end_of_call(&switch, 2), ("failed".to_owned(), 486));
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_phone_that_dies_takes_its_registration_with_it_and_its_call_can_be_hung_up() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let [mut alice, mut bob] = phones(&switch);
    talk(&mut alice, &mut bob);
    drop(bob);
    let gone = switch.events.wait_for(1, "unregistered");
    assert_eq!(
        (gone[0].text("user"), gone[0].text("why")),
        ("bob", "flow_ended")
    );
    assert!(
        switch.events.of_kind("call_ended").is_empty(),
        "he may come back"
    );

    alice.does("hangup");
    assert_eq!(end_of_call(&switch, 1), ("caller".to_owned(), 200));
    alice.does("dial bob@example.com");
    alice.says("session closed: 480");
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_phone_with_a_wrong_password_is_turned_away_by_name() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let mut phone = Phone::start(&switch, "alice", "looking-glass", &switch.authority());
    phone.says("401 Unauthorized");
    let failed = &switch.events.wait_for(1, "auth_failed")[0];
    assert_eq!(
        (failed.text("user"), failed.text("why")),
        ("alice", "wrong_password")
    );
    let ready = &switch.events.wait_for(1, "ready")[0];
    assert_eq!(failed.text("source"), ready.text("peer"));
    assert!(switch.events.of_kind("registered").is_empty());
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_phone_that_asks_for_outbound_gets_it() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let authority = switch.authority();
    let outbound = ";sipnat=outbound";
    let mut bob = Phone::with_parameter(&switch, "bob", "builder", &authority, outbound);
    bob.says("reg-id=1");
    bob.says("200 OK");
    bob.says("Require: outbound");
    bob.says(REGISTERED);
    let mut alice = Phone::start(&switch, "alice", "wonderland", &authority);
    alice.says(REGISTERED);
    talk(&mut alice, &mut bob);
    bob.does("hangup");
    alice.says("session closed");
    assert_eq!(end_of_call(&switch, 1), ("callee".to_owned(), 200));
    switch.stop();
}
