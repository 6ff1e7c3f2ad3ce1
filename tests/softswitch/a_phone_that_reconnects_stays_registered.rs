//! Promise: a binding ends with the connection it names, and with no other: a phone that comes back
//! before its old connection is closed stays registered (RFC 5626 section 5.3).

use sipward_tests::peer::Phone;
use sipward_tests::real::switch::Softswitch;
use std::io::Read;
use std::sync::Arc;

/// A whole message, its head in lower case.
fn hear(phone: &mut Phone) -> String {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(b"\r\n\r\n") {
        phone.stream.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    String::from_utf8(heard).unwrap().to_ascii_lowercase()
}

fn message(method: &str, uri: &str, from: &str, to: &str, cseq: u32, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\n\
         Via: SIP/2.0/TLS 192.0.2.9:5061;branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:{from}@127.0.0.1>;tag={from}\r\n\
         To: <sip:{to}@127.0.0.1>\r\n\
         Call-ID: of-{from}\r\n\
         CSeq: {cseq} {method}\r\n\
         {more}Content-Length: 0\r\n\r\n"
    )
}

/// Registers Bob; `more` are parameters of his Contact, which is nowhere.
fn register(phone: &mut Phone, cseq: u32, more: &str) {
    let contact = format!("Contact: <sip:bob@192.0.2.9:5061;transport=tls>{more}\r\n");
    phone.send(message(
        "REGISTER",
        "sip:127.0.0.1",
        "bob",
        "bob",
        cseq,
        &contact,
    ));
    let answer = hear(phone);
    assert!(answer.starts_with("sip/2.0 200"), "{answer}");
}

fn a_phone_that_reconnects_is_called_on_its_new_connection(more: &str) {
    let switch = Softswitch::start(&["--no-auth"]);
    let config = switch.trusting();
    let connect = || Phone::connect(switch.address, Arc::clone(&config)).unwrap();
    let mut old = connect();
    register(&mut old, 1, more);
    let mut new = connect();
    register(&mut new, 2, more);

    old.hang_up();
    assert_eq!(old.rest(), (Vec::new(), true));
    drop(old);
    switch.events.wait_for(1, "closed");
    let mut alice = connect();
    alice.send(message(
        "MESSAGE",
        "sip:bob@127.0.0.1",
        "alice",
        "bob",
        1,
        "",
    ));
    let heard = hear(&mut new);
    assert!(
        heard.starts_with("message sip:bob@192.0.2.9:5061"),
        "{heard}"
    );
    assert!(switch.events.of_kind("unregistered").is_empty());

    new.hang_up();
    let gone = switch.events.wait_for(1, "unregistered");
    assert_eq!(gone[0].text("why"), "flow_ended");
    drop((new, alice));
    switch.stop();
}

#[test]
fn a_phone_known_by_its_contact_stays_registered() {
    a_phone_that_reconnects_is_called_on_its_new_connection("");
}

#[test]
fn a_phone_known_by_its_instance_stays_registered() {
    a_phone_that_reconnects_is_called_on_its_new_connection(
        ";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\"",
    );
}
