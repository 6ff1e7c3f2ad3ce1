//! A call works from the INVITE to the BYE although neither phone's Contact can be reached.

use std::time::Duration;

use super::dialog::{AnsweredCall, invite};
use super::fixture::{ALICE, BOB, Fixture, response, value, values};
use crate::switch::event::{EndedBy, SwitchEvent};

#[track_caller]
fn ended(fixture: &mut Fixture) -> (u16, u64, EndedBy) {
    match &fixture.events()[..] {
        [
            SwitchEvent::CallEnded {
                call_id,
                caller,
                callee,
                status,
                duration_ms,
                ended_by,
            },
        ] => {
            assert_eq!(call_id, "call-1");
            assert_eq!(caller, "alice@example.com");
            assert_eq!(callee, "bob@example.com");
            (*status, *duration_ms, *ended_by)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_caller_hangs_up() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    fixture.advance(Duration::from_millis(61_500));
    call.hang_up(&mut fixture, true);
    assert_eq!(ended(&mut fixture), (200, 61_500, EndedBy::Caller));
    fixture.assert_nothing_left();
}

#[test]
fn the_callee_hangs_up() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    fixture.advance(Duration::from_secs(5));
    call.hang_up(&mut fixture, false);
    assert_eq!(ended(&mut fixture), (200, 5000, EndedBy::Callee));
    fixture.assert_nothing_left();
}

#[test]
fn both_parties_may_share_one_connection() {
    for by_caller in [true, false] {
        let mut fixture = Fixture::without_authentication();
        fixture.register(BOB, "bob");
        let branch = fixture.branch();
        fixture.send(BOB, &invite(&branch, ""));
        fixture.expect(BOB, "SIP/2.0 100 ");
        let got = fixture.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
        let contact = "Contact: <sip:bob@192.168.2.2>";
        fixture.send(BOB, &response(&got, "200 OK", "b1", contact));
        let call = AnsweredCall {
            caller: BOB,
            callee: BOB,
            ok: fixture.expect(BOB, "SIP/2.0 200 OK"),
            invite: got,
        };
        let ack = call.caller_request(&mut fixture, "ACK", 1);
        fixture.send(BOB, &ack);
        fixture.expect(BOB, "ACK sip:bob@192.168.2.2 ");
        call.hang_up(&mut fixture, by_caller);
        let by = if by_caller {
            EndedBy::Caller
        } else {
            EndedBy::Callee
        };
        assert_eq!(ended(&mut fixture), (200, 0, by));
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_reinvite_passes_in_both_directions_with_its_own_ack() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    for by_caller in [true, false] {
        let write = if by_caller {
            AnsweredCall::caller_request
        } else {
            AnsweredCall::callee_request
        };
        let (from, to) = if by_caller {
            (ALICE, BOB)
        } else {
            (BOB, ALICE)
        };
        let reinvite = write(&call, &mut fixture, "INVITE", 7);
        fixture.send(from, &reinvite);
        fixture.expect(from, "SIP/2.0 100 ");
        let got = fixture.expect(to, "INVITE ");
        assert!(values(&got, "Record-Route").is_empty());
        fixture.send(to, &response(&got, "200 OK", "", ""));
        fixture.expect(from, "SIP/2.0 200 OK");
        let ack = write(&call, &mut fixture, "ACK", 7);
        fixture.send(from, &ack);
        fixture.expect(to, "ACK ");
    }
    fixture.expect_silence();
    call.hang_up(&mut fixture, true);
    fixture.assert_nothing_left();
}

#[test]
fn a_repeated_2xx_is_sent_on_every_time() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    for _ in 0..3 {
        fixture.advance(Duration::from_secs(4));
        fixture.send(BOB, &response(&call.invite, "200 OK", "b1", ""));
        fixture.expect(ALICE, "SIP/2.0 200 OK");
    }
    fixture.advance(Duration::from_secs(21));
    fixture.send(BOB, &response(&call.invite, "200 OK", "b1", ""));
    fixture.expect_silence();
    call.hang_up(&mut fixture, true);
    fixture.assert_nothing_left();
}

#[test]
fn a_call_ends_when_a_party_that_lost_its_connection_does_not_come_back() {
    for flow in [ALICE, BOB] {
        let mut fixture = Fixture::without_authentication();
        fixture.register(BOB, "bob");
        AnsweredCall::answered(&mut fixture, ALICE, BOB);
        fixture.advance(Duration::from_secs(2));
        fixture.disconnect(flow);
        fixture.events();
        fixture.advance(Duration::from_millis(89_999));
        assert_eq!(fixture.events(), []);
        fixture.advance(Duration::from_millis(1));
        let events = fixture.events();
        let over = events.iter().filter(|event| {
            matches!(
                event,
                SwitchEvent::CallEnded {
                    status: 200,
                    duration_ms: 2000,
                    ended_by: EndedBy::FlowEnded,
                    ..
                }
            )
        });
        assert_eq!(over.count(), 1, "{events:?}");
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_bye_to_a_phone_that_has_forgotten_the_call_ends_it_too() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    let bye = call.caller_request(&mut fixture, "BYE", 2);
    fixture.send(ALICE, &bye);
    let bye = fixture.expect(BOB, "BYE ");
    fixture.send(BOB, &response(&bye, "481 Call Does Not Exist", "", ""));
    fixture.expect(ALICE, "SIP/2.0 481 ");
    assert_eq!(ended(&mut fixture).2, EndedBy::Caller);
    fixture.assert_nothing_left();
}

#[test]
fn the_invite_goes_to_the_contact_over_the_flow_of_its_registration() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    fixture.send_with_body(ALICE, &invite("z9hG4bKx", "Subject: lunch"), "v=0 offer");
    fixture.expect(ALICE, "SIP/2.0 100 Trying");
    let got = fixture.expect(BOB, "INVITE sip:bob@10.0.0.2 SIP/2.0\r\n");
    assert!(got.ends_with("\r\n\r\nv=0 offer"));
    assert_eq!(value(&got, "Subject"), "lunch");
    assert_eq!(value(&got, "Max-Forwards"), "69");
    let route = value(&got, "Record-Route");
    assert!(route.starts_with("<sip:"), "{route}");
    assert!(
        route.ends_with("@sip.example.com:5061;transport=tls;lr>"),
        "{route}"
    );
    let vias = values(&got, "Via");
    assert!(vias[0].starts_with("SIP/2.0/TLS sip.example.com:5061;branch=z9hG4bK"));
    assert_eq!(vias[1..], ["SIP/2.0/TLS 10.0.0.1;branch=z9hG4bKx"]);
    fixture.assert_nothing_left();
}
