//! A call works from the INVITE to the BYE although neither phone's Contact can be reached.

use std::time::Duration;

use super::dialog::{Talk, invite};
use super::lab::{ALICE, BOB, Lab, response, value, values};
use crate::switch::event::{EndedBy, SwitchEvent};

#[track_caller]
fn ended(lab: &mut Lab) -> (u16, u64, EndedBy) {
    match &lab.events()[..] {
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
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    lab.passes(Duration::from_millis(61_500));
    talk.hangs_up(&mut lab, true);
    assert_eq!(ended(&mut lab), (200, 61_500, EndedBy::Caller));
    lab.ends_clean();
}

#[test]
fn the_callee_hangs_up() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    lab.passes(Duration::from_secs(5));
    talk.hangs_up(&mut lab, false);
    assert_eq!(ended(&mut lab), (200, 5000, EndedBy::Callee));
    lab.ends_clean();
}

#[test]
fn both_parties_may_share_one_connection() {
    for by_caller in [true, false] {
        let mut lab = Lab::open();
        lab.registers(BOB, "bob");
        let branch = lab.branch();
        lab.sends(BOB, &invite(&branch, ""));
        lab.expect(BOB, "SIP/2.0 100 ");
        let got = lab.expect(BOB, "INVITE sip:bob@10.0.0.2 ");
        let contact = "Contact: <sip:bob@192.168.2.2>";
        lab.sends(BOB, &response(&got, "200 OK", "b1", contact));
        let talk = Talk {
            caller: BOB,
            callee: BOB,
            ok: lab.expect(BOB, "SIP/2.0 200 OK"),
            invite: got,
        };
        let ack = talk.by_the_caller(&mut lab, "ACK", 1);
        lab.sends(BOB, &ack);
        lab.expect(BOB, "ACK sip:bob@192.168.2.2 ");
        talk.hangs_up(&mut lab, by_caller);
        let by = if by_caller {
            EndedBy::Caller
        } else {
            EndedBy::Callee
        };
        assert_eq!(ended(&mut lab), (200, 0, by));
        lab.ends_clean();
    }
}

#[test]
fn a_reinvite_passes_in_both_directions_with_its_own_ack() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    for by_caller in [true, false] {
        let write = if by_caller {
            Talk::by_the_caller
        } else {
            Talk::by_the_callee
        };
        let (from, to) = if by_caller {
            (ALICE, BOB)
        } else {
            (BOB, ALICE)
        };
        let reinvite = write(&talk, &mut lab, "INVITE", 7);
        lab.sends(from, &reinvite);
        lab.expect(from, "SIP/2.0 100 ");
        let got = lab.expect(to, "INVITE ");
        assert!(values(&got, "Record-Route").is_empty());
        lab.sends(to, &response(&got, "200 OK", "", ""));
        lab.expect(from, "SIP/2.0 200 OK");
        let ack = write(&talk, &mut lab, "ACK", 7);
        lab.sends(from, &ack);
        lab.expect(to, "ACK ");
    }
    lab.expect_silence();
    talk.hangs_up(&mut lab, true);
    lab.ends_clean();
}

#[test]
fn a_repeated_2xx_is_sent_on_every_time() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    for _ in 0..3 {
        lab.passes(Duration::from_secs(4));
        lab.sends(BOB, &response(&talk.invite, "200 OK", "b1", ""));
        lab.expect(ALICE, "SIP/2.0 200 OK");
    }
    lab.passes(Duration::from_secs(21));
    lab.sends(BOB, &response(&talk.invite, "200 OK", "b1", ""));
    lab.expect_silence();
    talk.hangs_up(&mut lab, true);
    lab.ends_clean();
}

#[test]
fn a_call_ends_with_the_connection_of_either_party() {
    for flow in [ALICE, BOB] {
        let mut lab = Lab::open();
        lab.registers(BOB, "bob");
        Talk::begins(&mut lab, ALICE, BOB);
        lab.passes(Duration::from_secs(2));
        lab.breaks(flow);
        let events = lab.events();
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
        lab.ends_clean();
    }
}

#[test]
fn a_bye_to_a_phone_that_has_forgotten_the_call_ends_it_too() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    let talk = Talk::begins(&mut lab, ALICE, BOB);
    let bye = talk.by_the_caller(&mut lab, "BYE", 2);
    lab.sends(ALICE, &bye);
    let bye = lab.expect(BOB, "BYE ");
    lab.sends(BOB, &response(&bye, "481 Call Does Not Exist", "", ""));
    lab.expect(ALICE, "SIP/2.0 481 ");
    assert_eq!(ended(&mut lab).2, EndedBy::Caller);
    lab.ends_clean();
}

#[test]
fn the_invite_goes_to_the_contact_over_the_flow_of_its_registration() {
    let mut lab = Lab::open();
    lab.registers(BOB, "bob");
    lab.sends_with_body(ALICE, &invite("z9hG4bKx", "Subject: lunch"), "v=0 offer");
    lab.expect(ALICE, "SIP/2.0 100 Trying");
    let got = lab.expect(BOB, "INVITE sip:bob@10.0.0.2 SIP/2.0\r\n");
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
    lab.ends_clean();
}
