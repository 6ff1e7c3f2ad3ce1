//! One torture message on its way: through the framer into a switch, and what comes out.

use std::fmt::Write;

use sipward::sip::{Frame, Framer, Limits, Message};

use crate::switch::FlowId;
use crate::switch::tests::fixture::{ALICE, BOB, Fixture, response};

/// A torture message, and what is to become of it.
pub(super) struct Case {
    /// The name that the RFC gives it.
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    /// What the RFC says, in short.
    pub(super) says: &'static str,
    /// What is done with it, in the words of [`Trial::done`].
    pub(super) does: &'static str,
    /// What a reader has to know beside that; empty if there is nothing.
    pub(super) note: &'static str,
    pub(super) switch: fn() -> Fixture,
    /// The bytes, once their setting is prepared.
    pub(super) bytes: fn(&mut Fixture) -> Vec<u8>,
    /// What else has to be true.
    pub(super) also: fn(&Trial),
}

pub(super) fn case(name: &'static str, section: &'static str) -> Case {
    Case {
        name,
        section,
        says: "",
        does: "",
        note: "",
        switch: with_bob,
        bytes: |_| Vec::new(),
        also: |_| (),
    }
}

impl Case {
    pub(super) fn says(self, says: &'static str) -> Case {
        Case { says, ..self }
    }

    pub(super) fn sends(self, bytes: fn(&mut Fixture) -> Vec<u8>) -> Case {
        Case { bytes, ..self }
    }

    pub(super) fn at(self, switch: fn() -> Fixture) -> Case {
        Case { switch, ..self }
    }

    pub(super) fn does(self, does: &'static str) -> Case {
        Case { does, ..self }
    }

    pub(super) fn note(self, note: &'static str) -> Case {
        Case { note, ..self }
    }

    pub(super) fn also(self, also: fn(&Trial)) -> Case {
        Case { also, ..self }
    }

    pub(super) fn run(&self) -> Trial {
        let mut fixture = (self.switch)();
        let bytes = (self.bytes)(&mut fixture);
        Trial::of(fixture, &bytes)
    }
}

/// A switch for example.com and 2001:db8::10 that asks for no credentials, with bob on his
/// connection.
pub(super) fn with_bob() -> Fixture {
    let mut fixture = Fixture::with_config(|config| {
        config.domains.push("2001:db8::10".to_owned());
        config.domains.push("2001:db8::192.0.2.1".to_owned());
    });
    fixture.register(BOB, "bob");
    fixture
}

/// What became of the bytes.
pub(super) struct Trial {
    /// What was done with each message in them, in words.
    pub(super) done: String,
    /// Everything that was sent.
    pub(super) sent: Vec<String>,
    /// The last message that was sent, as bytes.
    pub(super) last: Vec<u8>,
}

impl Trial {
    /// Responses come from bob, requests from alice.
    pub(super) fn of(mut fixture: Fixture, bytes: &[u8]) -> Trial {
        let from = match bytes.starts_with(b"SIP/2.0 ") {
            true => BOB,
            false => ALICE,
        };
        fixture.take_sent();
        let mut framer = Framer::new(Limits::default());
        framer.push(bytes);
        let mut trial = Trial {
            done: String::new(),
            sent: Vec::new(),
            last: Vec::new(),
        };
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    trial.message(&mut fixture, from, &message);
                }
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(_) => {
                    trial.broken(framer.take_refusal());
                    break;
                }
            }
        }
        if framer.partial() > 0 {
            trial.did("waits for the rest, until the deadline closes the session");
        }
        trial.last = fixture.effects.last.to_vec();
        fixture.take_sent();
        fixture.assert_nothing_left();
        trial
    }

    fn message(&mut self, fixture: &mut Fixture, from: FlowId, message: &Message) {
        fixture.receive(from, message);
        let sent = fixture.take_sent();
        for (flow, text) in &sent {
            let line = text.lines().next().unwrap_or_default();
            match line.strip_prefix("SIP/2.0 ") {
                Some("100 Trying") => {}
                Some(answer) if *flow == from => {
                    let (status, reason) = answer.split_once(' ').expect("a reason phrase");
                    self.did(&format!("answers {status} `{reason}`"));
                }
                _ if line.starts_with("ACK ") => {}
                _ => self.did("forwards it"),
            }
        }
        for (reason, _) in fixture.drops() {
            self.did(&format!("drops it, counted as `{reason}`"));
        }
        self.sent.extend(sent.into_iter().map(|(_, text)| text));
    }

    fn broken(&mut self, refusal: Option<bytes::Bytes>) {
        if let Some(refusal) = refusal {
            let text = String::from_utf8_lossy(&refusal).into_owned();
            let line = text.lines().next().unwrap_or_default();
            let answer = line.strip_prefix("SIP/2.0 ").expect("a response");
            let (status, reason) = answer.split_once(' ').expect("a reason phrase");
            self.did(&format!("answers {status} `{reason}`"));
            self.sent.push(text);
        }
        self.did("closes the session");
    }

    fn did(&mut self, what: &str) {
        let between = if self.done.is_empty() { "" } else { "; " };
        // Writing to a String cannot fail.
        let _ = write!(self.done, "{between}{what}");
    }

    /// The last message that was sent.
    pub(super) fn text(&self) -> &str {
        self.sent.last().map_or("", String::as_str)
    }

    #[track_caller]
    pub(super) fn has(&self, part: &str) {
        let text = self.text();
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }

    #[track_caller]
    pub(super) fn lacks(&self, part: &str) {
        let text = self.text();
        assert!(!text.contains(part), "{part:?} in\n{text}");
    }
}

pub(super) const SDP: &str = "v=0\r\no=alice 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\n\
    t=0 0\r\nm=audio 49170 RTP/AVP 0\r\n";

/// The lines of a head as one message; `LENGTH` in them stands for the length of the body.
pub(super) fn message(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = head.replace("LENGTH", &body.len().to_string());
    let head = head.trim_end_matches('\n').replace('\n', "\r\n");
    [head.as_bytes(), b"\r\n\r\n", body].concat()
}

/// A REGISTER of bob, or another request from alice to bob, with the first text of each pair replaced
/// by the second.
#[track_caller]
pub(super) fn request(method: &str, changes: &[(&str, &str)], body: &str) -> Vec<u8> {
    let (uri, from) = match method {
        "REGISTER" => ("sip:example.com", "bob"),
        _ => ("sip:bob@example.com", "alice"),
    };
    let mut head = format!(
        "{method} {uri} SIP/2.0\n\
         Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bKtorture\n\
         Max-Forwards: 70\n\
         From: <sip:{from}@example.com>;tag=t1\n\
         To: <sip:bob@example.com>\n\
         Call-ID: torture@192.0.2.7\n\
         CSeq: 7 {method}\n\
         Contact: <sip:bob@192.0.2.7>\n\
         Content-Length: LENGTH\n"
    );
    for (there, instead) in changes {
        assert!(head.contains(there), "no {there:?} in\n{head}");
        head = head.replacen(there, instead, 1);
    }
    message(&head, body)
}

/// Bob's response to a call from alice, with the first text of each pair replaced by the second.
#[track_caller]
pub(super) fn answer(fixture: &mut Fixture, changes: &[(&str, &str)]) -> Vec<u8> {
    let invite = request("INVITE", &[], SDP);
    fixture.receive(ALICE, &Message::parse(invite.into()).expect("one message"));
    fixture.expect(ALICE, "SIP/2.0 100 ");
    let invite = fixture.expect(BOB, "INVITE ");
    let mut head = response(&invite, "200 OK", "b1", "Contact: <sip:bob@192.0.2.8>");
    head.push_str("\nContent-Length: LENGTH");
    for (there, instead) in changes {
        assert!(head.contains(there), "no {there:?} in\n{head}");
        head = head.replacen(there, instead, 1);
    }
    message(&head, "")
}
