//! Promise: what a phone writes where the switch need not read it reaches the other phone byte for byte,
//! and ends nobody's session; what ends a session is answered first.

use sipward::sip::{Message, Name};
use sipward_tests::peer::Phone;
use sipward_tests::real::switch::Softswitch;
use std::io::Read;
use std::sync::Arc;

/// A switch whose domain resolves nowhere, with two phones, bob's registered.
struct Site {
    switch: Softswitch,
    alice: Phone,
    bob: Phone,
    sent: u32,
}

impl Site {
    fn open() -> Self {
        let switch = Softswitch::start(&["--no-auth", "--domain", "example.com"]);
        let config = switch.trusting();
        let connect = || Phone::connect(switch.address, Arc::clone(&config)).unwrap();
        let (alice, bob) = (connect(), connect());
        let mut site = Self {
            switch,
            alice,
            bob,
            sent: 0,
        };
        let register = site.request(
            b"REGISTER sip:example.com",
            b"Contact: <sip:bob@192.0.2.9>\r\n",
        );
        site.bob.send(register);
        assert_eq!(hear(&mut site.bob).status(), Some(200));
        site
    }

    /// A request from alice to bob, or of bob's to his registrar: both have this To.
    fn request(&mut self, start: &[u8], more: &[u8]) -> Vec<u8> {
        self.sent += 1;
        let start_text = String::from_utf8_lossy(start);
        let method = start_text.split(' ').next().unwrap_or_default();
        let fields = format!(
            " SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK{sent}\r\n\
             From: <sip:alice@example.com>;tag=a\r\nCall-ID: {sent}\r\nCSeq: {sent} {method}\r\n",
            sent = self.sent,
        );
        let has_to = more.windows(5).any(|at| at == b"\nTo: ") || more.starts_with(b"To: ");
        let to: &[u8] = match has_to {
            true => b"",
            false => b"To: <sip:bob@example.com>\r\n",
        };
        [
            start,
            fields.as_bytes(),
            to,
            more,
            b"Content-Length: 0\r\n\r\n",
        ]
        .concat()
    }

    /// Both phones are still served: a MESSAGE with these fields reaches bob and is answered.
    fn passes(&mut self, start: &[u8], more: &[u8], in_response: &[u8]) {
        let request = self.request(start, more);
        self.alice.send(request);
        let got = hear(&mut self.bob);
        assert!(
            got.head().windows(more.len()).any(|at| at == more),
            "{}",
            String::from_utf8_lossy(got.head())
        );
        let ok = got.respond(200, "OK").unwrap().build();
        let (line, rest) = ok.split_at(ok.iter().position(|byte| *byte == b'\n').unwrap() + 1);
        self.bob.send([line, in_response, rest].concat());
        let answer = hear(&mut self.alice);
        assert_eq!(answer.status(), Some(200));
        assert!(
            answer
                .head()
                .windows(in_response.len().max(1))
                .any(|at| at == in_response || in_response.is_empty())
        );
    }

    fn close(mut self) {
        self.alice.hang_up();
        self.bob.hang_up();
        drop((self.alice, self.bob));
        self.switch.stop();
    }
}

/// The next message; keep-alives between messages are left out.
fn hear(phone: &mut Phone) -> Message {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(b"\r\n\r\n") || heard.len() == 4 {
        if heard == b"\r\n\r\n" {
            heard.clear();
        }
        phone.stream.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    Message::parse(heard.into()).unwrap()
}

const MESSAGE: &[u8] = b"MESSAGE sip:bob@example.com";

#[test]
fn bytes_beyond_ascii_and_escaped_controls_are_carried() {
    let mut site = Site::open();
    for more in [
        &b"Subject: Gr\xfc\xdfe\r\n"[..],
        b"To: \"a\\\x07b\" <sip:bob@example.com>\r\n",
        b"To: \"J\xfcrgen\" <sip:bob@example.com>\r\n",
        b"User-Agent: \xff\xfe\r\n",
        b"X-Note: \"\\\x7f\\\x01\"\r\n",
        b"Organization: folded\r\n\tover\r\n  lines\r\n",
        b"Subject:\r\n",
        b"x-unknown : \xc3\xa9\r\n",
    ] {
        site.passes(MESSAGE, more, b"");
    }
    site.passes(MESSAGE, b"Subject: plain\r\n", b"Server: K\xf6ln\r\n");
    site.passes(
        MESSAGE,
        b"Subject: plain\r\n",
        b"Warning: 399 x \"gr\\\x08\xfc\xdf\"\r\n",
    );
    site.close();
}

#[test]
fn methods_are_any_token() {
    let mut site = Site::open();
    for start in [
        &b"!interesting-Method0123456789_*+`.%indeed'~ sip:bob@example.com"[..],
        b"x sip:bob@example.com",
        b"NEWMETHOD sip:bob@example.com",
    ] {
        site.passes(start, b"Subject: odd\r\n", b"");
    }
    // Some phones would take this one for a MESSAGE, and the switch does not.
    let request = site.request(b"message sip:bob@example.com", b"");
    site.alice.send(request);
    let answer = hear(&mut site.alice);
    assert_eq!(answer.start_line(), b"SIP/2.0 400 Bad Method");
    site.close();
}

#[test]
fn stray_bytes_between_messages_end_nothing() {
    let mut site = Site::open();
    for stray in [
        &b"\0"[..],
        b"\r\n\0",
        b"\r\n\r\n\0",
        b"\r\n\r\n",
        b" \r\n",
        b"\t\t\r\n\r\n",
        b"\n",
        b"\r\n\r\n\r\n\0\0\r\n",
    ] {
        site.alice.send(stray);
        let request = site.request(MESSAGE, b"Subject: after\r\n");
        site.alice.send(request);
        assert_eq!(hear(&mut site.bob).method(), Some("MESSAGE"), "{stray:?}");
    }
    let mut heard = vec![0; 2];
    site.alice.stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, b"\r\n", "a double CRLF is answered");
    assert!(site.switch.events.of_kind("closed").is_empty());
    site.close();
}

#[test]
fn what_two_readers_could_read_differently_is_answered_and_the_session_goes_on() {
    let mut site = Site::open();
    for (start, more, expected) in [
        (
            MESSAGE,
            &b"Subject: a\0b\r\n"[..],
            "400 Control Character In Header",
        ),
        (
            MESSAGE,
            b"Subject: a\x7fb\r\n",
            "400 Control Character In Header",
        ),
        (
            MESSAGE,
            b"Subject: a\nX: b\r\n",
            "400 Line Feed Without Carriage Return",
        ),
        (MESSAGE, b"no colon here\r\n", "400 Bad Header Line"),
        (
            b"MESSAGE sip:bob@example.com;a b",
            b"",
            "400 Bad Request-Line",
        ),
        (b"MESSAGE  sip:bob@example.com", b"", "400 Bad Request-Line"),
    ] {
        let request = site.request(start, more);
        site.alice.send(request);
        let answer = hear(&mut site.alice);
        let line = String::from_utf8_lossy(answer.start_line()).into_owned();
        assert_eq!(line, format!("SIP/2.0 {expected}"));
        assert_eq!(answer.all(Name::Via).count(), 1);
    }
    let events = site.switch.events.wait_for(6, "request_refused");
    assert_eq!(events[0].text("reason"), "Control Character In Header");
    assert_eq!(events[0].text("user"), "alice");
    site.switch
        .program
        .complains("request_refused: Bad Request");
    site.passes(MESSAGE, b"Subject: goes on\r\n", b"");
    site.close();
}

#[test]
fn what_ends_a_session_is_answered_first_and_the_log_says_where_it_was() {
    let mut site = Site::open();
    for (more, status) in [
        (&b"Content-Length: 66000\r\n"[..], 513),
        (b"Content-Length: -1\r\n", 400),
        (b"Content-Length: 1\r\n", 400),
        (b"Content-Type: text/plain\r\nContent-Length: x\r\n", 400),
    ] {
        let config = site.switch.trusting();
        let mut phone = Phone::connect(site.switch.address, config).unwrap();
        let request = site.request(MESSAGE, more);
        phone.send(request);
        let (heard, _) = phone.rest();
        let answer = Message::parse(heard.into()).unwrap();
        assert_eq!(
            answer.status(),
            Some(status),
            "{}",
            String::from_utf8_lossy(more)
        );
        for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
            assert_eq!(answer.all(name).count(), 1, "{name:?}");
        }
    }
    let closed = site.switch.events.wait_for(4, "closed");
    assert!(closed.iter().all(|end| end.text("cause") == "framing"));
    site.switch.program.complains("line at byte ");
    site.switch.program.complains("which begins with 0x43");
    site.close();
}
