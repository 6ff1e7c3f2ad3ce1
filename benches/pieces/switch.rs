//! What the softswitch makes of requests: responses of its own, registrations, calls. The texts that
//! phones would send are made within the measured part, and cut into messages there, because the
//! switch reads the header fields that the framing has found. What the framing takes alone is a piece
//! of its own for each.

use super::{OPTIONS, Piece, digest};
use bytes::Bytes;
use sipward::sip::Message;
use softswitch::auth::SharedAuthenticator;
use softswitch::auth::digest::hash::Algorithm;
use softswitch::switch::{
    AuthResult, Authenticator, Effects, FlowId, Incoming, Source, Switch, SwitchConfig,
    SwitchEvent, Unsendable,
};
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

pub const PIECES: &[Piece] = &[
    Piece {
        name: "framing alone: OPTIONS",
        prepare: || framing(|bench| bench.receive(ALICE, Bytes::from_static(OPTIONS.as_bytes()))),
    },
    Piece {
        name: "framing alone: REGISTER",
        prepare: || framing(|bench| bench.register(ALICE, "alice", "")),
    },
    Piece {
        name: "framing alone: INVITE 180 200 ACK BYE 200",
        prepare: || {
            framing(|bench| {
                bench.register(BOB, "bob", "");
                bench.received.clear();
                bench.call();
            })
        },
    },
    Piece {
        name: "framing and switch: OPTIONS, 200",
        prepare: || {
            let mut bench = SwitchBench::open();
            let options = Bytes::from_static(OPTIONS.as_bytes());
            Box::new(move || {
                bench.receive(ALICE, options.clone());
                assert!(bench.taken(ALICE).starts_with("SIP/2.0 200"));
            })
        },
    },
    Piece {
        name: "framing and switch: REGISTER again, 200",
        prepare: || {
            let mut bench = SwitchBench::open();
            Box::new(move || bench.register(ALICE, "alice", ""))
        },
    },
    Piece {
        name: "framing and switch: REGISTER again with digest, MD5, 200",
        prepare: || {
            let server = digest::server();
            let phone = digest::Answers::of_alice(&server, Algorithm::Md5, "wonderland");
            let server = Arc::new(Mutex::new(server));
            let authenticator = SharedAuthenticator::new("example.com".to_owned(), server);
            let mut bench = SwitchBench::with_authenticator(Box::new(authenticator));
            let mut count = 0;
            Box::new(move || {
                count += 1;
                let line = format!("Authorization: {}\r\n", phone.credentials(count));
                bench.register(ALICE, "alice", &line);
            })
        },
    },
    Piece {
        name: "framing and switch: INVITE 100 180 200 ACK BYE 200",
        prepare: || {
            let mut bench = SwitchBench::open();
            bench.register(BOB, "bob", "");
            Box::new(move || bench.call())
        },
    },
];

const ALICE: FlowId = FlowId(1);
const BOB: FlowId = FlowId(2);

/// Cuts the messages that the switch receives meanwhile, and does nothing else.
fn framing(receive: impl FnOnce(&mut SwitchBench)) -> Box<dyn FnMut()> {
    let mut bench = SwitchBench::open();
    bench.records = true;
    receive(&mut bench);
    let received = bench.received;
    Box::new(move || {
        for message in &received {
            drop(black_box(Message::parse(message.clone())));
        }
    })
}

/// A switch and the phones of alice and bob.
struct SwitchBench {
    switch: Switch,
    phones: Phones,
    now: Instant,
    requests: u64,
    records: bool,
    received: Vec<Bytes>,
}

/// What each phone was sent last.
struct Phones {
    last: [Bytes; 2],
    address: Arc<str>,
}

impl Effects for Phones {
    fn send(&mut self, flow: FlowId, message: Bytes) -> Result<(), Unsendable> {
        self.last[usize::from(flow == BOB)] = message;
        Ok(())
    }

    fn alive(&self, _: FlowId) -> bool {
        true
    }

    fn address(&self, _: FlowId) -> Arc<str> {
        Arc::clone(&self.address)
    }

    fn server_name(&self, _: FlowId) -> Option<Arc<str>> {
        None
    }

    fn hold(&mut self, _: FlowId) {}

    fn release(&mut self, _: FlowId) {}

    fn authenticated(&mut self, _: FlowId) {}

    fn report(&mut self, event: SwitchEvent) {
        black_box(event);
    }
}

impl SwitchBench {
    /// A switch that asks for no credentials.
    fn open() -> Self {
        Self::with_authenticator(Box::new(NoAuthentication))
    }

    fn with_authenticator(authenticator: Box<dyn Authenticator>) -> Self {
        let domains = vec!["example.com".to_owned()];
        let mut config = SwitchConfig::new(domains, [7; 32]);
        // The phones do not register again, so their bindings must last for the whole run.
        config.max_expires_s = 2_000_000_000;
        config.default_expires_s = config.max_expires_s;
        Self {
            switch: Switch::new(config, authenticator),
            phones: Phones {
                last: Default::default(),
                address: "sip.example.com:5061".into(),
            },
            now: Instant::now(),
            requests: 0,
            records: false,
            received: Vec::new(),
        }
    }

    fn receive(&mut self, from: FlowId, message: impl Into<Bytes>) {
        let message = message.into();
        if self.records {
            self.received.push(message.clone());
        }
        let message = Message::parse(message).expect("a whole message");
        let source = Source {
            flow: from,
            peer: SocketAddr::from(([10, 0, 0, 7], 50611)),
        };
        let incoming = Incoming::read(source, &message);
        let wall = digest::now();
        self.switch
            .receive(&incoming, self.now, wall, &mut self.phones);
    }

    /// What this phone was sent last.
    fn taken(&mut self, phone: FlowId) -> String {
        let last = std::mem::take(&mut self.phones.last[usize::from(phone == BOB)]);
        String::from_utf8(last.into()).expect("UTF-8")
    }

    fn register(&mut self, phone: FlowId, user: &str, credentials: &str) {
        let dialog = format!(
            "From: <sip:{user}@example.com>;tag=r\r\n\
             To: <sip:{user}@example.com>\r\n\
             Call-ID: register-{user}\r\n\
             Contact: <sip:{user}@10.0.0.7:50611;transport=TLS;ob>\r\n\
             {credentials}"
        );
        self.request(phone, "REGISTER", "sip:example.com", &dialog);
        let answer = self.taken(phone);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }

    fn request(&mut self, from: FlowId, method: &str, uri: &str, lines: &str) {
        self.requests += 1;
        let number = self.requests;
        self.receive(
            from,
            format!(
                "{method} {uri} SIP/2.0\r\n\
                 Via: SIP/2.0/TLS 10.0.0.7:50611;branch=z9hG4bK{number:016x};rport\r\n\
                 Max-Forwards: 70\r\n\
                 {lines}\
                 CSeq: {number} {method}\r\n\
                 Content-Length: 0\r\n\r\n"
            ),
        );
    }

    fn call(&mut self) {
        let dialog = format!(
            "From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
             To: <sip:bob@example.com>\r\n\
             Call-ID: call-{:016x}\r\n\
             Contact: <sip:alice@10.0.0.7:50611;transport=TLS;ob>\r\n",
            self.requests
        );
        self.request(ALICE, "INVITE", "sip:bob@example.com", &dialog);
        let invite = self.taken(BOB);
        self.receive(BOB, response(&invite, "180 Ringing"));
        self.receive(BOB, response(&invite, "200 OK"));
        let ok = self.taken(ALICE);
        assert!(ok.starts_with("SIP/2.0 200"), "{ok}");

        let route = header(&ok, "Record-Route");
        let dialog = format!("Route: {route}\r\n{dialog}").replace("bob@example.com>", TO_BOB);
        let target = "sip:bob@10.0.0.7:50611;transport=TLS;ob";
        self.request(ALICE, "ACK", target, &dialog);
        self.request(ALICE, "BYE", target, &dialog);
        let bye = self.taken(BOB);
        self.receive(BOB, response(&bye, "200 OK"));
        let ok = self.taken(ALICE);
        assert!(ok.starts_with("SIP/2.0 200"), "{ok}");

        // Its transactions linger for 32 s.
        self.now += Duration::from_secs(64);
        self.switch.tick(self.now, &mut self.phones);
    }
}

const TO_BOB: &str = "bob@example.com>;tag=b";

/// The answer of bob's phone, with all the headers of the request.
fn response(request: &str, status: &str) -> String {
    let (_, lines) = request.split_once("\r\n").expect("a line");
    let lines = lines
        .replace(
            "To: <sip:bob@example.com>\r\n",
            "To: <sip:bob@example.com>;tag=b\r\n",
        )
        .replace("<sip:alice@10", "<sip:bob@10");
    format!("SIP/2.0 {status}\r\n{lines}")
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let mut lines = message.lines().filter_map(|line| line.split_once(": "));
    let line = lines.find(|(known, _)| *known == name);
    line.expect("the header").1
}

/// Asks for no credentials.
struct NoAuthentication;

impl Authenticator for NoAuthentication {
    fn is_open(&self) -> bool {
        true
    }

    fn knows(&self, _: &str) -> bool {
        true
    }

    fn realm(&self) -> &str {
        "example.com"
    }

    fn challenges(&self, _: SystemTime, _: bool, _: bool) -> Vec<String> {
        Vec::new()
    }

    fn verify(&mut self, _: &str, _: &[&[u8]], _: SystemTime) -> AuthResult {
        AuthResult::Missing
    }
}
