//! Max-Forwards and loops (RFC 3261 16.3, RFC 5393).

use super::dialog::{Talk, invite, request};
use super::lab::{ALICE, BOB, Lab, value};

#[test]
fn every_hop_counts_one_down() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    for (given, left) in [("70", "69"), ("1", "0"), ("255", "254")] {
        let branch = lab.branch();
        let hops = format!("Max-Forwards: {given}");
        lab.sends(
            ALICE,
            &request("MESSAGE", &branch, "").replace("Max-Forwards: 70", &hops),
        );
        let got = lab.expect(BOB, "MESSAGE ");
        assert_eq!(value(&got, "Max-Forwards"), left);
    }
    lab.ends_clean();
}

#[test]
fn a_request_without_max_forwards_gets_one() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(
        ALICE,
        &invite("z9hG4bKh", "").replace("Max-Forwards: 70\n", ""),
    );
    assert_eq!(value(&lab.expect(BOB, "INVITE "), "Max-Forwards"), "70");
    lab.ends_clean();
}

#[test]
fn no_hop_is_left_at_zero() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(
        ALICE,
        &invite("z9hG4bKh", "").replace("Max-Forwards: 70", "Max-Forwards: 0"),
    );
    lab.expect(ALICE, "SIP/2.0 483 Too Many Hops");
    for bad in ["many", "256", "-1"] {
        let hops = format!("Max-Forwards: {bad}");
        lab.sends(
            ALICE,
            &invite("z9hG4bKi", "").replace("Max-Forwards: 70", &hops),
        );
        lab.expect(ALICE, "SIP/2.0 400 Bad Max-Forwards");
    }
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn an_ack_without_hops_is_dropped() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    let ack = talk.by_the_caller(&mut lab, "ACK", 1);
    lab.sends(ALICE, &format!("{ack}\nMax-Forwards: 0"));
    lab.expect_silence();
    lab.ends_clean();
}

#[test]
fn a_request_that_comes_back_unchanged_is_a_loop() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends(ALICE, &request("MESSAGE", "z9hG4bKl", ""));
    let got = lab.expect(BOB, "MESSAGE sip:bob@10.0.0.2 ");
    let (head, _) = got.split_once("\r\nContent-Length").expect("a length");
    // Bob's "phone" turns it round to bob.
    let again = head
        .replace("MESSAGE sip:bob@10.0.0.2", "MESSAGE sip:bob@example.com")
        .replacen(
            "Via:",
            "Via: SIP/2.0/TLS 10.0.0.2;branch=z9hG4bKback\r\nVia:",
            1,
        );
    lab.sends(BOB, &again);
    lab.expect(BOB, "SIP/2.0 482 Loop Detected");
    // Turned to somebody else it is no loop.
    lab.registers(ALICE, "alice");
    lab.sends(
        BOB,
        &again
            .replace("sip:bob@example.com SIP", "sip:alice@example.com SIP")
            .replace("z9hG4bKback", "z9hG4bKonward"),
    );
    lab.expect(ALICE, "MESSAGE sip:alice@10.0.0.1 ");
    lab.ends_clean();
}
