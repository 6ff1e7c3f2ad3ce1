//! Whole calls between two registered parties, each with a connection. This client is both of them.

use super::callee::Callee;
use super::caller::Caller;
use super::registration::Registration;
use super::{Outbox, Scenario};
use crate::accounts::Account;
use crate::client::Step;
use crate::failure::Failure;
use crate::identifiers::Identifiers;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// The session description of offer and answer. No media flows.
pub const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                           m=audio 9 RTP/AVP 0 8\r\na=inactive\r\n";

/// The first connection is the caller's, the second is the callee's.
pub struct Call {
    caller: Caller,
    callee: Callee,
    parties: [Registration; 2],
    contacts: [String; 2],
    registered: usize,
}

impl Call {
    /// The first account calls the second.
    pub fn new([caller, callee]: [Account; 2], ids: Identifiers) -> Self {
        Self {
            caller: Caller::new(caller.clone(), callee.address(), ids.clone()),
            callee: Callee::new(ids.clone()),
            parties: [
                Registration::new(caller, ids.clone(), 0),
                Registration::new(callee, ids, 1),
            ],
            contacts: Default::default(),
            registered: 0,
        }
    }
}

impl Scenario for Call {
    const LEGS: usize = 2;

    fn prepare(&mut self, locals: &[SocketAddr], outbox: &mut Outbox) -> Step {
        self.registered = 0;
        for (leg, party) in self.parties.iter_mut().enumerate() {
            party.set_local(locals[leg]);
            party.write_request(outbox.leg(leg));
            self.contacts[leg] = party.contact();
        }
        self.caller
            .set_local(locals[0].to_string(), self.contacts[0].clone());
        Step::Pending
    }

    fn begin(&mut self, outbox: &mut Outbox) {
        self.caller.write_invite(outbox.leg(0));
    }

    fn receive(&mut self, leg: usize, frame: Frame, outbox: &mut Outbox) -> Result<Step, Failure> {
        let Frame::Message(message) = frame else {
            return Ok(Step::Pending);
        };
        if message.is_request() {
            let contact = &self.contacts[leg];
            self.callee
                .receive(&message, contact, DESCRIPTION, outbox.leg(leg));
            return Ok(Step::Pending);
        }
        if self.registered < self.parties.len() {
            if !self.parties[leg].receive(&message, outbox.leg(leg))? {
                return Ok(Step::Pending);
            }
            self.registered += 1;
            let all = self.registered == self.parties.len();
            return Ok(if all { Step::Ready } else { Step::Pending });
        }
        if !self.caller.receive(&message, outbox.leg(0))? {
            return Ok(Step::Pending);
        }
        if !self.callee.is_acknowledged() {
            return Err(Failure::Nonsense(
                "the callee's BYE came before its ACK, or that never".to_owned(),
            ));
        }
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Accounts;
    use crate::sip::field;
    use bytes::Bytes;
    use sipward::sip::{Framer, Limits, Message};

    /// A server that relays everything to the other party with a Record-Route of three hops in two
    /// lines. It accepts REGISTER, and challenges the first INVITE if `challenges`.
    struct Pair {
        call: Call,
        outbox: Outbox,
        seen: Vec<String>,
        challenges: bool,
    }

    fn pair() -> Pair {
        let accounts = Accounts::new(&["p{}:x".to_owned()], "a.b", None).unwrap();
        let call = Call::new([accounts.of(0), accounts.of(1)], Identifiers::new(1, 1));
        Pair {
            call,
            outbox: Outbox::default(),
            seen: Vec::new(),
            challenges: false,
        }
    }

    impl Pair {
        fn run(&mut self) -> Result<Step, Failure> {
            loop {
                let mut quiet = true;
                for leg in 0..2 {
                    for message in messages(self.outbox.leg(leg)) {
                        quiet = false;
                        let (to, reply) = self.relay(leg, &message);
                        let frame = Frame::Message(reply);
                        let step = self.call.receive(to, frame, &mut self.outbox)?;
                        if step != Step::Pending {
                            return Ok(step);
                        }
                    }
                }
                if quiet {
                    return Ok(Step::Pending);
                }
            }
        }

        fn relay(&mut self, leg: usize, message: &Message) -> (usize, Message) {
            let line = String::from_utf8_lossy(message.start_line());
            self.seen.push(line.into_owned());
            let text = str::from_utf8(message.bytes()).unwrap();
            let cseq = field(message, "CSeq", "").unwrap();
            let call_id = field(message, "Call-ID", "").unwrap();
            let answer = |status: &str| {
                parse(&format!(
                    "SIP/2.0 {status}\r\nTo: <sip:a>;tag=9\r\nCSeq: {cseq}\r\nCall-ID: {call_id}\r\n\
                     Proxy-Authenticate: Digest realm=\"a\", nonce=\"n\", qop=\"auth\"\r\n\
                     Content-Length: 0\r\n\r\n"
                ))
            };
            match message.method() {
                Some("REGISTER") => (leg, answer("200 OK")),
                Some("INVITE") if std::mem::take(&mut self.challenges) => (leg, answer("407 Who")),
                Some("INVITE") => {
                    let route = "\r\nRecord-Route: <sip:1;lr>\r\nRecord-Route: <sip:2;lr>, <sip:3;lr>\r\nMax";
                    (1 - leg, parse(&text.replacen("\r\nMax", route, 1)))
                }
                _ => (1 - leg, message.clone()),
            }
        }
    }

    fn parse(text: &str) -> Message {
        Message::parse(Bytes::from(text.to_owned())).unwrap()
    }

    fn messages(bytes: &mut Vec<u8>) -> Vec<Message> {
        let mut framer = Framer::new(Limits::default());
        framer.push(&std::mem::take(bytes));
        let mut messages = Vec::new();
        while let Some(Frame::Message(message)) = framer.next_frame().unwrap() {
            messages.push(message);
        }
        messages
    }

    fn prepared() -> Pair {
        let mut pair = pair();
        let locals = [
            "127.0.0.1:1".parse().unwrap(),
            "127.0.0.1:2".parse().unwrap(),
        ];
        pair.call.prepare(&locals, &mut pair.outbox);
        assert_eq!(pair.run(), Ok(Step::Ready));
        pair.seen.clear();
        pair
    }

    #[test]
    fn a_call_is_invite_180_200_ack_bye_200() {
        let mut pair = prepared();
        for _ in 0..2 {
            pair.call.begin(&mut pair.outbox);
            assert_eq!(pair.run(), Ok(Step::Done));
            let seen = std::mem::take(&mut pair.seen);
            let expected = [
                "INVITE sip:p1@a.b SIP/2.0",
                "SIP/2.0 180 Ringing",
                "SIP/2.0 200 OK",
                "ACK sip:p1@127.0.0.1:2;transport=tls SIP/2.0",
                "BYE sip:p1@127.0.0.1:2;transport=tls SIP/2.0",
                "SIP/2.0 200 OK",
            ];
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn ack_and_bye_have_the_reversed_route() {
        let mut pair = prepared();
        pair.call.begin(&mut pair.outbox);
        let [invite] = messages(pair.outbox.leg(0)).try_into().unwrap();
        let (_, invite) = pair.relay(0, &invite);
        pair.call
            .receive(1, Frame::Message(invite), &mut pair.outbox)
            .unwrap();
        for answer in messages(pair.outbox.leg(1)) {
            pair.call
                .receive(0, Frame::Message(answer), &mut pair.outbox)
                .unwrap();
        }
        for request in messages(pair.outbox.leg(0)) {
            let text = str::from_utf8(request.bytes()).unwrap();
            assert!(
                text.contains("Route: <sip:3;lr>\r\nRoute: <sip:2;lr>\r\nRoute: <sip:1;lr>\r\n"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_challenged_invite_is_acknowledged_and_sent_again_with_credentials() {
        let mut pair = prepared();
        pair.challenges = true;
        pair.call.begin(&mut pair.outbox);
        assert_eq!(pair.run(), Ok(Step::Done));
        assert!(pair.seen[1].starts_with("ACK "), "{:?}", pair.seen);
        assert!(pair.seen[2].starts_with("INVITE "), "{:?}", pair.seen);
    }
}
