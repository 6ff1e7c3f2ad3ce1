//! Whoever knows the Call-ID and the tags of a call, or even its token, is not a party to it: a
//! REFER with Replaces tells all of them to third parties (RFC 3891).

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, BOB_DESK, Fixture, STRANGER, credentials, response, value};
use crate::switch::FlowId;
use crate::switch::event::{EndedBy, SwitchEvent};
use std::time::Duration;

const CAROL: FlowId = STRANGER;
const ANONYMOUS: &str = "<sip:anonymous@anonymous.invalid>";

/// A call from alice to bob. Carol is registered as well, and is no party to it.
fn talking() -> (Fixture, AnsweredCall) {
    let mut fixture = Fixture::with_authentication();
    for (flow, user) in [(CAROL, "carol"), (ALICE, "alice"), (BOB, "bob")] {
        fixture.register(flow, user);
    }
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    (fixture, call)
}

/// The connection has proved an account, which is not that of the party; nor is it with credentials.
#[track_caller]
fn is_refused(fixture: &mut Fixture, flow: FlowId, account: &str, request: &str) {
    fixture.send(flow, request);
    fixture.expect(flow, "SIP/2.0 407 ");
    let right = credentials("Proxy-Authorization", account, "right");
    fixture.send(flow, &format!("{}\n{right}", request.trim()));
    fixture.expect(flow, "SIP/2.0 403 Not Your Dialog");
    let why = fixture.events().pop();
    assert!(matches!(
        why,
        Some(SwitchEvent::AuthFailed {
            why: "foreign_dialog",
            ..
        })
    ));
}

/// Nothing has reached the parties, and the call goes on.
fn goes_on(mut fixture: Fixture, call: &AnsweredCall) {
    let sent = fixture.take_sent();
    let others = sent.iter().filter(|(flow, _)| *flow != CAROL);
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&(_, _)>::new());
    assert_eq!(fixture.events(), []);
    call.hang_up(&mut fixture, true);
    let by = |event: &SwitchEvent| match event {
        SwitchEvent::CallEnded { ended_by, .. } => Some(*ended_by),
        _ => None,
    };
    let ends: Vec<_> = fixture.events().iter().filter_map(by).collect();
    assert_eq!(ends, [EndedBy::Caller]);
    fixture.assert_nothing_left();
}

#[test]
fn a_token_is_no_proof_for_another_account() {
    for method in ["BYE", "INVITE", "NOTIFY", "INFO"] {
        for by_caller in [true, false] {
            for from in ["<sip:carol@example.com>", ANONYMOUS] {
                let (mut fixture, call) = talking();
                let (text, party) = match by_caller {
                    true => (call.caller_request(&mut fixture, method, 2), "alice"),
                    false => (call.callee_request(&mut fixture, method, 2), "bob"),
                };
                let display = if by_caller {
                    "From: \"Alice; <1>\" "
                } else {
                    "From: "
                };
                let theirs = format!("{display}<sip:{party}@example.com>");
                let forged = text.replace(&theirs, &format!("From: {from}"));
                assert_ne!(text, forged);
                is_refused(&mut fixture, CAROL, "carol", &forged);
                goes_on(fixture, &call);
            }
        }
    }
}

#[test]
fn neither_are_the_call_id_and_the_tags() {
    for method in ["BYE", "INVITE", "INFO"] {
        let (mut fixture, call) = talking();
        let branch = fixture.branch();
        let forged = request(method, &branch, "")
            .replace(
                "To: <sip:bob@example.com>",
                "To: <sip:bob@example.com>;tag=b1",
            )
            .replace("\"Alice; <1>\" <sip:alice@", "<sip:carol@");
        is_refused(&mut fixture, CAROL, "carol", &forged);
        goes_on(fixture, &call);
    }
}

#[test]
fn a_dialog_of_the_same_names_with_a_token_of_its_own_leads_to_nobody_elses_call() {
    for from in ["<sip:carol@example.com>", ANONYMOUS] {
        let (mut fixture, call) = talking();
        // Carol calls herself, with the Call-ID and the tag of alice's call, before bob connects
        // anew, so that his connection is newer than hers.
        let text = invite("z9hG4bKsame", "")
            .replace("sip:bob@", "sip:carol@")
            .replace("\"Alice; <1>\" <sip:alice@example.com>", from);
        fixture.send(CAROL, &text);
        fixture.expect(CAROL, "SIP/2.0 100 ");
        let got = fixture.expect(CAROL, "INVITE ");
        fixture.send(CAROL, &response(&got, "200 OK", "c1", ""));
        let ok = fixture.expect(CAROL, "SIP/2.0 200 ");
        let route = value(&ok, "Record-Route").to_owned();
        for method in ["BYE", "INVITE"] {
            let text = call.caller_request(&mut fixture, method, 9);
            let forged = text
                .replace(value(&call.ok, "Record-Route"), &route)
                .replace("\"Alice; <1>\" <sip:alice@example.com>", from);
            assert_ne!(forged, text);
            is_refused(&mut fixture, CAROL, "carol", &forged);
        }
        goes_on(fixture, &call);
    }
}

#[test]
fn a_party_does_not_end_the_record_of_a_call_that_goes_on() {
    let (mut fixture, call) = talking();
    // Bob sends himself the BYE of the other side.
    let text = call.caller_request(&mut fixture, "BYE", 2);
    let forged = text.replace("\"Alice; <1>\" <sip:alice@", "<sip:bob@");
    is_refused(&mut fixture, BOB, "bob", &forged);
    goes_on(fixture, &call);
}

/// The INVITE of an anonymous caller on alice's connection, answered by bob.
fn anonymous_call(fixture: &mut Fixture) -> AnsweredCall {
    let text =
        invite("z9hG4bKanon", "").replace("\"Alice; <1>\" <sip:alice@example.com>", ANONYMOUS);
    fixture.send(ALICE, &text);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let invite = fixture.expect(BOB, "INVITE ");
    let contact = "Contact: <sip:bob@192.168.2.2>";
    fixture.send(BOB, &response(&invite, "200 OK", "b1", contact));
    let ok = fixture.expect(ALICE, "SIP/2.0 200 OK");
    AnsweredCall {
        caller: ALICE,
        callee: BOB,
        ok,
        invite,
    }
}

#[test]
fn nobody_is_anonymous_in_the_place_of_another() {
    let mut fixture = Fixture::with_authentication();
    for (flow, user) in [(CAROL, "carol"), (ALICE, "alice"), (BOB, "bob")] {
        fixture.register(flow, user);
    }
    let call = anonymous_call(&mut fixture);
    let reinvite = call.caller_request(&mut fixture, "INVITE", 2);
    is_refused(&mut fixture, CAROL, "carol", &reinvite);
    let info = call.callee_request(&mut fixture, "INFO", 2);
    fixture.send(BOB, &info);
    fixture.expect(ALICE, "INFO ");
    goes_on(fixture, &call);
}

#[test]
fn an_anonymous_caller_who_connects_again_is_reached_and_hangs_up() {
    for registers in [true, false] {
        let mut fixture = Fixture::with_authentication();
        fixture.register(ALICE, "alice");
        fixture.register(BOB, "bob");
        let call = anonymous_call(&mut fixture);
        fixture.disconnect(ALICE);
        let right = match registers {
            true => {
                let right = credentials("Authorization", "alice", "right");
                let register = format!(
                    "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKr\n\
                     From: <sip:alice@example.com>;tag=r\nTo: <sip:alice@example.com>\n\
                     Call-ID: again\nCSeq: 1 REGISTER\n{right}\nContact: <sip:alice@10.0.0.1>"
                );
                fixture.send(BOB_DESK, &register);
                fixture.expect(BOB_DESK, "SIP/2.0 200 OK");
                let info = call.callee_request(&mut fixture, "INFO", 2);
                fixture.send(BOB, &info);
                fixture.expect(BOB_DESK, "INFO ");
                String::new()
            }
            false => credentials("Proxy-Authorization", "alice", "right"),
        };
        let bye = call.caller_request(&mut fixture, "BYE", 2);
        fixture.send(BOB_DESK, &format!("{bye}\n{right}"));
        let bye = fixture.expect(BOB, "BYE ");
        fixture.send(BOB, &response(&bye, "200 OK", "", ""));
        fixture.expect(BOB_DESK, "SIP/2.0 200 OK");
        let is_end = |event: &SwitchEvent| matches!(event, SwitchEvent::CallEnded { .. });
        assert!(fixture.events().iter().any(is_end));
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_callee_may_be_called_by_the_name_of_another_account() {
    // Bob's phone has redirected alice to carol with a 302: To says bob, and so does carol's From.
    let mut fixture = Fixture::with_authentication();
    for (flow, user) in [(CAROL, "carol"), (ALICE, "alice"), (BOB, "bob")] {
        fixture.register(flow, user);
    }
    let text = invite("z9hG4bKmoved", "").replace("INVITE sip:bob@", "INVITE sip:carol@");
    fixture.send(ALICE, &text);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let invite = fixture.expect(CAROL, "INVITE ");
    let contact = "Contact: <sip:carol@192.168.9.9>";
    fixture.send(CAROL, &response(&invite, "200 OK", "c1", contact));
    let ok = fixture.expect(ALICE, "SIP/2.0 200 OK");
    let call = AnsweredCall {
        caller: ALICE,
        callee: CAROL,
        ok,
        invite,
    };
    call.hang_up(&mut fixture, false);
    fixture.assert_nothing_left();
}

#[test]
fn a_connection_of_several_accounts_proves_the_one_that_is_needed() {
    // The caller is anonymous, and comes back over a connection that has proved another account.
    let mut fixture = Fixture::with_authentication();
    for (flow, user) in [(CAROL, "carol"), (ALICE, "alice"), (BOB, "bob")] {
        fixture.register(flow, user);
    }
    let call = anonymous_call(&mut fixture);
    let bye = call.caller_request(&mut fixture, "BYE", 2);
    fixture.send(CAROL, &bye);
    fixture.expect(CAROL, "SIP/2.0 407 ");
    let right = credentials("Proxy-Authorization", "alice", "right");
    fixture.send(CAROL, &format!("{bye}\n{right}"));
    fixture.expect(BOB, "BYE ");
    fixture.assert_nothing_left();
}

#[test]
fn a_caller_of_rfc_2543_is_hung_up_on() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let text = invite("1", "").replace(";tag=a1", "");
    fixture.send(ALICE, &text);
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let invite = fixture.expect(BOB, "INVITE ");
    let contact = "Contact: <sip:bob@192.168.2.2>";
    fixture.send(BOB, &response(&invite, "200 OK", "b1", contact));
    let ok = fixture.expect(ALICE, "SIP/2.0 200 OK");
    let call = AnsweredCall {
        caller: ALICE,
        callee: BOB,
        ok,
        invite,
    };
    call.hang_up(&mut fixture, false);
    let is_end = |event: &SwitchEvent| matches!(event, SwitchEvent::CallEnded { .. });
    assert!(fixture.events().iter().any(is_end));
    fixture.assert_nothing_left();
}

#[test]
fn a_2xx_whose_to_cannot_be_read_begins_no_call_that_nobody_can_end() {
    for to in [
        "<sip:bob@example.com>;tag=b1;tag=b2",
        "<sip:bob@example.com",
        "<sip:bob@example.com>",
    ] {
        let mut fixture = Fixture::with_config(|config| config.max_calls = 1);
        fixture.register(BOB, "bob");
        fixture.send(ALICE, &invite("z9hG4bKto", ""));
        fixture.expect(ALICE, "SIP/2.0 100 ");
        let got = fixture.expect(BOB, "INVITE ");
        let ok = response(&got, "200 OK", "b1", "");
        let odd = ok.replace("To: <sip:bob@example.com>;tag=b1", &format!("To: {to}"));
        assert_ne!(ok, odd);
        fixture.send(BOB, &odd);
        fixture.advance(Duration::from_secs(40));
        fixture.take_sent();
        fixture.send(
            ALICE,
            &invite("z9hG4bKnext", "").replace("call-1", "call-2"),
        );
        fixture.expect(ALICE, "SIP/2.0 100 ");
        fixture.expect(BOB, "INVITE ");
        fixture.assert_nothing_left();
    }
}
