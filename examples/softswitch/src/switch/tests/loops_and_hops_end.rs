//! Max-Forwards and loops (RFC 3261 16.3, RFC 5393).

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, Fixture, value};

#[test]
fn every_hop_counts_one_down() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    for (given, left) in [("70", "69"), ("1", "0"), ("255", "254")] {
        let branch = fixture.branch();
        let hops = format!("Max-Forwards: {given}");
        fixture.send(
            ALICE,
            &request("MESSAGE", &branch, "").replace("Max-Forwards: 70", &hops),
        );
        let got = fixture.expect(BOB, "MESSAGE ");
        assert_eq!(value(&got, "Max-Forwards"), left);
    }
    fixture.assert_nothing_left();
}

#[test]
fn a_request_without_max_forwards_gets_one() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(
        ALICE,
        &invite("z9hG4bKh", "").replace("Max-Forwards: 70\n", ""),
    );
    assert_eq!(value(&fixture.expect(BOB, "INVITE "), "Max-Forwards"), "70");
    fixture.assert_nothing_left();
}

#[test]
fn no_hop_is_left_at_zero() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(
        ALICE,
        &invite("z9hG4bKh", "").replace("Max-Forwards: 70", "Max-Forwards: 0"),
    );
    fixture.expect(ALICE, "SIP/2.0 483 Too Many Hops");
    for bad in ["many", "256", "-1"] {
        let hops = format!("Max-Forwards: {bad}");
        fixture.send(
            ALICE,
            &invite("z9hG4bKi", "").replace("Max-Forwards: 70", &hops),
        );
        fixture.expect(ALICE, "SIP/2.0 400 Bad Max-Forwards");
    }
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn an_ack_without_hops_is_dropped() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let ack = call.caller_request(&mut fixture, "ACK", 1);
    fixture.send(ALICE, &format!("{ack}\nMax-Forwards: 0"));
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_request_that_comes_back_unchanged_is_a_loop() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKl", ""));
    let got = fixture.expect(BOB, "MESSAGE sip:bob@10.0.0.2 ");
    let (head, _) = got.split_once("\r\nContent-Length").expect("a length");
    // Bob's phone sends it back to the switch for bob.
    let again = head
        .replace("MESSAGE sip:bob@10.0.0.2", "MESSAGE sip:bob@example.com")
        .replacen(
            "Via:",
            "Via: SIP/2.0/TLS 10.0.0.2;branch=z9hG4bKback\r\nVia:",
            1,
        );
    fixture.send(BOB, &again);
    fixture.expect(BOB, "SIP/2.0 482 Loop Detected");
    // Sent on to another user, it is no loop.
    fixture.register(ALICE, "alice");
    fixture.send(
        BOB,
        &again
            .replace("sip:bob@example.com SIP", "sip:alice@example.com SIP")
            .replace("z9hG4bKback", "z9hG4bKonward"),
    );
    fixture.expect(ALICE, "MESSAGE sip:alice@10.0.0.1 ");
    fixture.assert_nothing_left();
}
