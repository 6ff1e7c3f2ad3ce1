//! Record-Route, Via and Contact say the address that the peer itself connected to (RFC 5658).

use std::sync::Arc;

use super::dialog::{AnsweredCall, invite, request};
use super::fixture::{ALICE, BOB, Fixture, response, value, values};

fn two_sides() -> Fixture {
    let mut fixture = Fixture::without_authentication();
    let addresses = &mut fixture.effects.addresses;
    addresses.insert(ALICE, Arc::from("192.168.1.5:5061"));
    addresses.insert(BOB, Arc::from("[2001:db8::5]:5071"));
    fixture.register(BOB, "bob");
    fixture
}

#[test]
fn sides_that_differ_get_an_entry_each_and_each_sends_to_its_own() {
    let mut fixture = two_sides();
    fixture.send(ALICE, &invite("z9hG4bKr", ""));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let got = fixture.expect(BOB, "INVITE ");
    let [for_bob, for_alice] = values(&got, "Record-Route")[..] else {
        panic!("{got}");
    };
    assert!(
        for_bob.contains("@[2001:db8::5]:5071;transport=tls;lr>"),
        "{for_bob}"
    );
    assert!(
        for_alice.contains("@192.168.1.5:5061;transport=tls;lr>"),
        "{for_alice}"
    );
    assert!(values(&got, "Via")[0].starts_with("SIP/2.0/TLS [2001:db8::5]:5071;"));
    fixture.send(
        BOB,
        &response(&got, "200 OK", "b1", "Contact: <sip:bob@192.168.2.2>"),
    );
    let ok = fixture.expect(ALICE, "SIP/2.0 200 ");

    // The caller turns the order around (RFC 3261 12.1.2), the callee keeps it.
    for (from, to, tags, routes) in [
        (ALICE, BOB, ["From", "To"], [for_alice, for_bob]),
        (BOB, ALICE, ["To", "From"], [for_bob, for_alice]),
    ] {
        for joined in [true, false] {
            let branch = fixture.branch();
            let route = match joined {
                true => format!("Route: {}, {}", routes[0], routes[1]),
                false => format!("Route: {}\nRoute: {}", routes[0], routes[1]),
            };
            fixture.send(
                from,
                &format!(
                    "INFO sip:peer@192.168.9.9 SIP/2.0\nVia: SIP/2.0/TLS 10.0.0.1;branch={branch}\n\
                     {route}\nFrom: {}\nTo: {}\nCall-ID: call-1\nCSeq: 9 INFO",
                    value(&ok, tags[0]),
                    value(&ok, tags[1]),
                ),
            );
            let got = fixture.expect(to, "INFO sip:peer@192.168.9.9 ");
            assert!(values(&got, "Route").is_empty(), "{got}");
            fixture.send(to, &response(&got, "200 OK", "", ""));
            fixture.expect(from, "SIP/2.0 200 ");
        }
    }
    fixture.assert_nothing_left();
}

#[test]
fn sides_that_agree_get_one_entry() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let call = AnsweredCall::answered(&mut fixture, ALICE, BOB);
    assert_eq!(values(&call.invite, "Record-Route").len(), 1);
    call.hang_up(&mut fixture, false);
    fixture.assert_nothing_left();
}

#[test]
fn the_address_a_phone_connected_to_is_a_name_of_the_switch() {
    let mut fixture = two_sides();
    let route = "Route: <sip:192.168.1.5:5061;transport=tls;lr>";
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bKm", route));
    let got = fixture.expect(BOB, "MESSAGE ");
    assert!(values(&got, "Route").is_empty());
    let options = request("OPTIONS", "z9hG4bKo", "").replace(
        "OPTIONS sip:bob@example.com",
        "OPTIONS sip:192.168.1.5:5061",
    );
    fixture.send(ALICE, &options);
    let answer = fixture.expect(ALICE, "SIP/2.0 200 OK");
    assert_eq!(
        value(&answer, "Contact"),
        "<sip:192.168.1.5:5061;transport=tls>"
    );
    // It is no domain, and another's address is no name at all.
    let elsewhere = options
        .replace("192.168.1.5", "192.168.1.6")
        .replace("bKo", "bKp");
    fixture.send(ALICE, &elsewhere);
    fixture.expect(ALICE, "SIP/2.0 403 Not Relaying");
    fixture.assert_nothing_left();
}

#[test]
fn the_name_a_phone_asked_for_in_its_handshake_is_a_name_of_the_switch() {
    let mut fixture = Fixture::without_authentication();
    fixture.register(BOB, "bob");
    let route = "Route: <sip:proxy.example.net;transport=tls;lr>";
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bK1", route));
    fixture.expect(ALICE, "SIP/2.0 403 Not Relaying");
    let name = Arc::from("Proxy.example.net");
    fixture.effects.server_names.insert(ALICE, name);
    fixture.send(ALICE, &request("MESSAGE", "z9hG4bK2", route));
    let got = fixture.expect(BOB, "MESSAGE ");
    assert!(values(&got, "Route").is_empty());
    fixture.assert_nothing_left();
}
