//! Promise: the softswitch's log says who registers, and who merely stays registered at debug level
//! alone; the event stream says everything.

use sipward_tests::peer::Phone;
use sipward_tests::real::switch::Softswitch;
use std::io::Read;

/// A REGISTER of this contact, answered.
fn register(phone: &mut Phone, cseq: u32, contact: &str) {
    phone.send(format!(
        "REGISTER sip:127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/TLS 192.0.2.9:5061;branch=z9hG4bK{cseq}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@127.0.0.1>;tag=r\r\n\
         To: <sip:bob@127.0.0.1>\r\n\
         Call-ID: r\r\n\
         CSeq: {cseq} REGISTER\r\n\
         Contact: <sip:{contact}@192.0.2.9:5061;transport=tls>;reg-id=1;+sip.instance=\"<urn:uuid:0>\"\r\n\
         Content-Length: 0\r\n\r\n"
    ));
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        phone.stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"SIP/2.0 200"));
}

/// The contacts in lines of this level that say `registered`.
fn registered(log: &str, level: &str) -> Vec<String> {
    log.lines()
        .filter(|line| line.contains(&format!(" {level} registered ")))
        .filter_map(|line| line.split_once("sip:")?.1.split_once('@'))
        .map(|(contact, _)| contact.to_owned())
        .collect()
}

/// What is logged at this level of a phone that registers, twice again, and then as another contact.
fn logged_at(level: &str) -> String {
    let options = ["--no-auth", "--log", "pretty", "--log-level", level];
    let mut switch = Softswitch::start(&options);
    let mut phone = Phone::connect(switch.address, switch.trusting()).unwrap();
    for (cseq, contact) in [(1, "one"), (2, "one"), (3, "one"), (4, "two")] {
        register(&mut phone, cseq, contact);
    }
    phone.hang_up();
    switch.program.complains("unregistered source");
    switch.program.complains("why=flow_ended");
    let log = switch.program.errors.so_far();
    assert_eq!(switch.events.wait_for(4, "registered").len(), 4);
    switch.stop();
    log
}

#[test]
fn only_what_is_new_is_logged_at_info_level() {
    let log = logged_at("info");
    assert_eq!(registered(&log, "INFO "), ["one", "two"], "{log}");
    assert_eq!(registered(&log, "DEBUG").len(), 0, "{log}");
}

#[test]
fn at_debug_level_refreshes_are_logged_too() {
    let log = logged_at("debug");
    assert_eq!(registered(&log, "INFO "), ["one", "two"], "{log}");
    assert_eq!(registered(&log, "DEBUG"), ["one", "one"], "{log}");
}
