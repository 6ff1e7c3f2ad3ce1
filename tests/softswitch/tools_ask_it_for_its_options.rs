//! sofia-sip's `sip-options` and OpenSSL's `s_client`, at their defaults, ask a switch whose domain resolves
//! nowhere for its options.

use sipward_tests::real::program::{Program, command};
use sipward_tests::real::switch::{ALICE_AND_BOB, Softswitch};

#[test]
#[ignore = "needs sofia-sip-bin"]
fn sip_options_is_answered_for_sip_and_sips() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let address = switch.address;
    for target in [
        format!("sips:{address}"),
        format!("sip:{address};transport=tls"),
    ] {
        let mut tool = command("sip-options");
        tool.env("HOME", switch.home.path())
            .args(["--all", "--contact=sips:127.0.0.1:*;transport=tls"])
            .args(["--from=sip:probe@example.com", &target]);
        let mut tool = Program::tool("sofia-sip-bin", &mut tool);
        tool.says("SIP/2.0 200 OK");
        tool.says(&format!("Contact: <sip:{address};transport=tls>"));
        tool.succeeds();
    }
    switch.events.wait_for(2, "closed");
    assert!(switch.events.of_kind("request_refused").is_empty());
    switch.stop();
}

#[test]
#[ignore = "needs openssl"]
fn what_is_typed_into_s_client_is_answered() {
    let switch = Softswitch::start(&ALICE_AND_BOB);
    let mut openssl = command("openssl");
    openssl
        .args([
            "s_client",
            "-quiet",
            "-no_ign_eof",
            "-verify_return_error",
            "-CAfile",
        ])
        .arg(switch.authority())
        .args(["-connect", &switch.address.to_string()]);
    let mut client = Program::tool("openssl", &mut openssl);
    for (method, more, answer) in [
        ("OPTIONS", "", "SIP/2.0 200 OK"),
        (
            "REGISTER",
            "Contact: <sip:alice@192.0.2.9>\r",
            "SIP/2.0 401 Unauthorized",
        ),
        ("MESSAGE", "", "SIP/2.0 403 Not Relaying"),
    ] {
        let to = match method {
            "REGISTER" => "sip:alice@example.com",
            _ => "sip:example.com",
        };
        let uri = if method == "MESSAGE" {
            "sip:x@elsewhere"
        } else {
            "sip:example.com"
        };
        // s_client takes an R at the beginning for a command of its own.
        client.type_line(&format!(
            "\r\n{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS typed;branch=z9hG4bK{method}\r\n\
             From: <sip:alice@example.com>;tag=1\r\nTo: <{to}>\r\nCall-ID: {method}\r\n\
             CSeq: 1 {method}\r"
        ));
        if !more.is_empty() {
            client.type_line(more);
        }
        client.type_line("Content-Length: 0\r\n\r");
        client.says(answer);
    }
    client.kill();
    switch.events.wait_for(1, "closed");
    switch.stop();
}
