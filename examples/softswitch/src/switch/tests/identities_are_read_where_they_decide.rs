//! From, To and Contact may be anything that the phones of a dialog understand; they are read
//! strictly where an account is decided.

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, Fixture, STRANGER, credentials, response, value, values};
use crate::switch::event::SwitchEvent;

#[test]
fn a_call_ends_whatever_its_parties_are_called() {
    for to in [
        "<tel:+49123>",
        "<tel:911;phone-context=+1>",
        "<urn:service:sos>",
        "<sip:bob@pbx_dev>",
        "<sip:bob@[fe80::1%eth0]>",
        "<sip:bob@b\u{fc}cher.example>",
        "\"Bob\" <mailto:bob@example.com>",
        "<sip:9901#1@example.com>",
        "<sip:b|ob@example.com>",
        "sip:bob@example.com",
    ] {
        for by_caller in [true, false] {
            let mut fixture = Fixture::with_authentication();
            fixture.register(ALICE, "alice");
            fixture.register(BOB, "bob");
            let text = invite("z9hG4bKi", "").replace("<sip:bob@example.com>", to);
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
            call.hang_up(&mut fixture, by_caller);
            let events = fixture.events();
            let is_end = |event: &SwitchEvent| matches!(event, SwitchEvent::CallEnded { .. });
            assert_eq!(
                events.iter().filter(|event| is_end(event)).count(),
                1,
                "{to}"
            );
            fixture.assert_nothing_left();
        }
    }
}

#[test]
fn a_from_that_is_no_sip_uri_is_no_account() {
    for from in [
        "tel:+49123",
        "urn:service:sos",
        "sip:alice@[::",
        "sip:a@b@c",
    ] {
        let mut fixture = Fixture::with_authentication();
        fixture.register(BOB, "bob");
        let text = request("MESSAGE", "z9hG4bKf", "").replace("sip:alice@example.com", from);
        fixture.send(ALICE, &text);
        fixture.expect(ALICE, "SIP/2.0 407 ");
        let right = credentials("Proxy-Authorization", "alice", "right");
        fixture.send(ALICE, &format!("{}\n{right}", text.replace("bKf", "bKg")));
        fixture.expect(ALICE, "SIP/2.0 403 From Is Not Your Account");
        fixture.assert_nothing_left();
    }
}

#[test]
fn an_anonymous_caller_with_credentials_goes_through() {
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    let text = request("MESSAGE", "z9hG4bKa", "")
        .replace("\"Alice; <1>\" <sip:alice@example.com>", anonymous);
    let mut fixture = Fixture::with_authentication();
    fixture.register(BOB, "bob");
    fixture.send(ALICE, &text);
    fixture.expect(ALICE, "SIP/2.0 407 ");
    let right = credentials("Proxy-Authorization", "alice", "right");
    fixture.send(ALICE, &format!("{}\n{right}", text.replace("bKa", "bKb")));
    let got = fixture.expect(BOB, "MESSAGE ");
    assert_eq!(value(&got, "From"), format!("{anonymous};tag=a1"));
    // The connection has proved an account, so the next one needs no credentials.
    fixture.send(ALICE, &text.replace("bKa", "bKc"));
    fixture.expect(BOB, "MESSAGE ");
    assert_eq!(fixture.events(), []);
    // Another who has proved nothing.
    let wrong = credentials("Proxy-Authorization", "alice", "wrong");
    fixture.send(
        STRANGER,
        &format!("{}\n{wrong}", text.replace("bKa", "bKd")),
    );
    fixture.expect(STRANGER, "SIP/2.0 407 ");
    fixture.assert_nothing_left();
}

#[test]
fn contacts_are_opaque_since_the_connection_is_the_way_to_the_phone() {
    for contact in [
        "sip:9901#1@10.0.0.2",
        "sip:bob@my_phone.local",
        "sip:bob@[fe80::1%eth0]:5061;transport=tls",
        "sip:bob@10.0.0.2:5061;x=\u{e9}",
        "sips:bob@10.0.0.2",
        "sip:10.0.0.2",
        "sip:b%ob@10.0.0.2;ob",
        "sip:bob@..",
    ] {
        let mut fixture = Fixture::without_authentication();
        let branch = fixture.branch();
        fixture.send(
            BOB,
            &format!(
                "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TLS 10.0.0.2;branch={branch}\n\
                 From: <sip:bob@example.com>;tag=r\nTo: <sip:bob@example.com>\n\
                 Call-ID: r\nCSeq: 1 REGISTER\nContact: <{contact}>;Expires=\"600\""
            ),
        );
        let answer = fixture.expect(BOB, "SIP/2.0 200 OK");
        assert_eq!(
            values(&answer, "Contact"),
            [format!("<{contact}>;expires=600")]
        );
        fixture.send(ALICE, &request("MESSAGE", "z9hG4bKc", ""));
        let sip = contact.replace("sips:bob@10.0.0.2", "sip:bob@10.0.0.2;transport=tls");
        fixture.expect(BOB, &format!("MESSAGE {sip} SIP/2.0"));
        fixture.assert_nothing_left();
    }
}
