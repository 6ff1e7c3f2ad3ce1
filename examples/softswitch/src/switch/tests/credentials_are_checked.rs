//! Who may register and who may call (RFC 3261 22).

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, Fixture, STRANGER, credentials, peer, value, values};
use crate::switch::SwitchEvent;

fn register(user: &str, more: &str) -> String {
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\n\
         Via: SIP/2.0/TLS 10.0.0.9;branch=z9hG4bKr\n\
         From: <sip:{user}@example.com>;tag=r\n\
         To: <sip:{user}@example.com>\n\
         Call-ID: r\n\
         CSeq: 1 REGISTER\n\
         Contact: <sip:{user}@10.0.0.9>\n\
         {more}"
    );
    text.trim().to_owned()
}

#[test]
fn a_register_without_credentials_is_challenged_with_every_algorithm() {
    let mut fixture = Fixture::with_authentication();
    fixture.send(STRANGER, &register("bob", ""));
    let answer = fixture.expect(STRANGER, "SIP/2.0 401 Unauthorized");
    assert_eq!(
        values(&answer, "WWW-Authenticate"),
        [
            "Digest realm=\"example.com\", algorithm=SHA-256, stale=false",
            "Digest realm=\"example.com\", algorithm=MD5, stale=false",
        ]
    );
    assert_eq!(fixture.events(), []);
    fixture.assert_nothing_left();
}

#[test]
fn a_stale_nonce_is_said_to_be_stale() {
    let mut fixture = Fixture::with_authentication();
    fixture.send(
        STRANGER,
        &register("bob", &credentials("Authorization", "bob", "old")),
    );
    let answer = fixture.expect(STRANGER, "SIP/2.0 401 ");
    assert!(value(&answer.replacen("WWW-", "", 1), "Authenticate").ends_with("stale=true"));
    assert_eq!(fixture.events(), []);
}

#[test]
fn a_wrong_password_is_reported() {
    let mut fixture = Fixture::with_authentication();
    fixture.send(
        STRANGER,
        &register("bob", &credentials("Authorization", "bob", "wrong")),
    );
    fixture.expect(STRANGER, "SIP/2.0 401 ");
    assert_eq!(
        fixture.events(),
        [SwitchEvent::AuthFailed {
            user: "bob".to_owned(),
            source: peer(STRANGER),
            why: "wrong_password",
        }]
    );
    fixture.assert_nothing_left();
}

#[test]
fn nobody_registers_for_somebody_else() {
    let mut fixture = Fixture::with_authentication();
    fixture.send(
        STRANGER,
        &register("bob", &credentials("Authorization", "carol", "right")),
    );
    fixture.expect(STRANGER, "SIP/2.0 403 ");
    assert!(matches!(
        fixture.events()[..],
        [SwitchEvent::AuthFailed { .. }]
    ));
    assert!(fixture.effects.held.is_empty());
    fixture.assert_nothing_left();
}

#[test]
fn a_caller_is_challenged_once_for_a_connection() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &invite("z9hG4bK1", ""));
    let answer = fixture.expect(ALICE, "SIP/2.0 407 Proxy Authentication Required");
    assert_eq!(values(&answer, "Proxy-Authenticate").len(), 2);
    fixture.send(ALICE, &request("ACK", "z9hG4bK1", ""));
    fixture.expect_silence();

    let right = credentials("Proxy-Authorization", "alice", "right");
    fixture.send(ALICE, &invite("z9hG4bK2", &right));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    fixture.expect(BOB, "INVITE ");
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bK3", ""));
    fixture.expect(BOB, "MESSAGE ");

    // Another connection has to prove it again.
    fixture.send(STRANGER, &request("MESSAGE", "z9hG4bK4", ""));
    fixture.expect(STRANGER, "SIP/2.0 407 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn a_registered_connection_may_call() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    call.hang_up(&mut fixture, false);
    fixture.assert_nothing_left();
}

#[test]
fn a_caller_may_not_use_another_name() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    let right = credentials("Proxy-Authorization", "carol", "right");
    fixture.send(ALICE, &invite("z9hG4bK1", &right));
    fixture.expect(ALICE, "SIP/2.0 403 ");
    let right = credentials("Proxy-Authorization", "alice", "right");
    let foreign =
        invite("z9hG4bK2", &right).replace("sip:alice@example.com", "sip:alice@other.org");
    fixture.send(ALICE, &foreign);
    fixture.expect(ALICE, "SIP/2.0 403 ");
    fixture.expect_silence();
    fixture.assert_nothing_left();
}

#[test]
fn requests_within_a_dialog_are_challenged_only_on_a_connection_that_has_proved_nothing() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let info = call.caller_request(&mut fixture, "INFO", 2);
    fixture.send(ALICE, &info);
    fixture.expect(BOB, "INFO ");
    // Alice's phone has come back on another connection, and has proved nothing there.
    let bye = call.caller_request(&mut fixture, "BYE", 3);
    fixture.send(STRANGER, &bye);
    fixture.expect(STRANGER, "SIP/2.0 407 ");
    let right = credentials("Proxy-Authorization", "alice", "right");
    let bye = call.caller_request(&mut fixture, "BYE", 4);
    fixture.send(STRANGER, &format!("{bye}\n{right}"));
    fixture.expect(BOB, "BYE ");
    fixture.assert_nothing_left();
}

#[test]
fn credentials_for_this_realm_are_not_passed_on_and_others_are() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    let ours = credentials("Proxy-Authorization", "alice", "right");
    let other =
        "Proxy-Authorization: Digest username=\"alice\", realm=\"other.org\", response=\"x\"";
    fixture.send(ALICE, &invite("z9hG4bK1", &format!("{ours}\n{other}")));
    let got = fixture.expect(BOB, "INVITE ");
    assert!(value(&got, "Proxy-Authorization").contains("other.org"));
    fixture.assert_nothing_left();
}

#[test]
fn options_to_the_switch_needs_no_credentials() {
    let mut fixture = Fixture::with_authentication();
    let options = request("OPTIONS", "z9hG4bKo", "").replace("OPTIONS sip:bob@", "OPTIONS sip:");
    fixture.send(
        STRANGER,
        &options.replace("Max-Forwards: 70", "Max-Forwards: 0"),
    );
    let answer = fixture.expect(STRANGER, "SIP/2.0 200 OK");
    for name in ["Allow", "Supported", "Accept", "Contact", "Call-ID", "CSeq"] {
        value(&answer, name);
    }
    assert!(value(&answer, "To").contains(";tag="));
    fixture.assert_nothing_left();
}

#[test]
fn only_right_credentials_prove_who_a_connection_is() {
    let mut fixture = Fixture::with_authentication();
    fixture.send(STRANGER, &register("bob", ""));
    fixture.send(
        STRANGER,
        &register("bob", &credentials("Authorization", "bob", "wrong")),
    );
    assert!(fixture.effects.authenticated.is_empty());
    fixture.send(
        BOB,
        &register("bob", &credentials("Authorization", "bob", "right")),
    );
    assert!(fixture.effects.authenticated.contains(&BOB));
}

#[test]
fn credentials_for_us_are_never_passed_on() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    for header in ["Authorization", "Proxy-Authorization"] {
        let branch = fixture.branch();
        fixture.send(
            ALICE,
            &invite(&branch, &credentials(header, "alice", "right")),
        );
        fixture.expect(ALICE, "SIP/2.0 100 ");
        let got = fixture.expect(BOB, "INVITE ");
        assert!(!got.contains("response="), "{got}");
    }
}

#[test]
fn a_token_admits_nobody_who_speaks_for_another_account() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let as_carol = call
        .caller_request(&mut fixture, "MESSAGE", 2)
        .replace("sip:alice@example.com", "sip:carol@example.com");
    fixture.send(ALICE, &as_carol);
    fixture.expect(ALICE, "SIP/2.0 407 ");
    let from_elsewhere = call.caller_request(&mut fixture, "MESSAGE", 3);
    fixture.send(STRANGER, &from_elsewhere);
    fixture.expect(STRANGER, "SIP/2.0 407 ");
    fixture.expect_silence();
}

#[test]
fn a_from_that_two_readers_take_differently_is_refused() {
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.register(ALICE, "alice");
    let branch = fixture.branch();
    let ambiguous = invite(&branch, "").replace(
        "\"Alice; <1>\" <sip:alice@example.com>",
        "sip:alice@example.com;x=<sip:carol@example.com>",
    );
    assert_ne!(ambiguous, invite(&branch, ""));
    fixture.send(ALICE, &ambiguous);
    fixture.expect(ALICE, "SIP/2.0 400 ");
    fixture.expect_silence();
}
