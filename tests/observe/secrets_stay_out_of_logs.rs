//! Nothing secret is ever logged, at any level: no key, no credentials, no body of a message. Nor
//! does it stand in what `{:?}` prints of anything public, which ends in somebody's log sooner or
//! later.

use async_std::task::block_on;
use log::LevelFilter;
use sipward::control::{self, SessionFilter};
use sipward::sip::{Frame, Framer, Limits, Message};
use sipward::testing::Recorder;
use sipward::{
    Application, EventFilter, EventKind, Flow, LogObserver, Ready, SipSession, Supervisor,
    TlsPolicy,
};
use sipward_tests::journal::Journal;
use sipward_tests::peer::{Authority, Phone, in_time, tcp};
use std::fmt::Debug;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const RESPONSE: &str = "6629fae49393a05397450978507c4ef1";
const BODY: &str = "password=correct-horse-battery-staple";

fn register() -> String {
    format!(
        "REGISTER sip:localhost SIP/2.0\r\n\
         Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1\r\n\
         Authorization: Digest username=\"alice\", response=\"{RESPONSE}\"\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    )
}

/// Everything that must not be found, from a key in PEM.
fn secrets(key: &str) -> Vec<String> {
    let mut secrets = vec![
        "Authorization".to_owned(),
        RESPONSE.to_owned(),
        "correct-horse".to_owned(),
        "PRIVATE KEY".to_owned(),
    ];
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    let base64: Vec<&str> = lines.collect();
    secrets.extend(base64.iter().map(|line| (*line).to_owned()));
    // And as bytes would be printed that somebody derived `Debug` for.
    let key = rcgen::KeyPair::from_pem(key).unwrap();
    let der = key.serialize_der();
    let middle = &der[der.len() / 3..][..8];
    let listed = format!("{middle:?}");
    secrets.push(listed.trim_matches(['[', ']']).to_owned());
    for text in [RESPONSE, BODY] {
        let listed = format!("{:?}", &text.as_bytes()[4..14]);
        secrets.push(listed.trim_matches(['[', ']']).to_owned());
    }
    secrets
}

#[track_caller]
fn assert_none(secrets: &[String], what: &str, text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "{what} shows `{secret}`:\n{text}");
    }
}

/// Answers every message with itself, prints it, and keeps the flow for the test.
struct Echo(Arc<Mutex<Vec<String>>>);

struct Conversation {
    flow: Flow,
    printed: Arc<Mutex<Vec<String>>>,
}

impl Application for Echo {
    type Session = Conversation;

    fn open(&self, ready: &Ready, flow: Flow) -> Conversation {
        let printed = Arc::clone(&self.0);
        printed.lock().unwrap().push(format!("{ready:?} {flow:?}"));
        Conversation { flow, printed }
    }
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        let mut printed = self.printed.lock().unwrap();
        printed.push(format!("{message:?} {message:#?}"));
        self.flow.send(message.into_bytes()).unwrap();
        let too_much = vec![b'x'; 100_000];
        let too_much = [register().into_bytes(), too_much].concat();
        let refused = self.flow.send(too_much).unwrap_err();
        printed.push(format!("{refused:?} {refused} {:?}", self.flow));
    }
}

#[test]
fn a_session_with_credentials_leaves_none_in_any_log() {
    let journal = Journal::open(LevelFilter::Trace);
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["localhost"]);
    let secrets = secrets(&key);
    let printed = Arc::new(Mutex::new(Vec::new()));
    let policy = TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())
        .unwrap()
        .with_identity("pbx.example.com", chain.as_bytes(), key.as_bytes())
        .unwrap();
    let show = |what: &dyn Debug| printed.lock().unwrap().push(format!("{what:?} {what:#?}"));
    show(&policy);
    let (events, observer) = Recorder::new();
    let builder = Supervisor::builder(policy)
        .listen("127.0.0.1:0")
        .flow_budget(50_000)
        .log(LogObserver::new().with_interval(Duration::ZERO))
        .observer(observer)
        .application(Echo(Arc::clone(&printed)));
    show(&builder);

    block_on(in_time(async {
        let handle = builder.start().await.unwrap();
        let subscription = handle.subscribe(EventFilter::all(), 100).await.unwrap();
        let address = handle.listeners()[0];
        let mut phone = Phone::connect(address, authority.client()).unwrap();
        phone.send(register());
        phone.expect(register());

        show(&handle.snapshot().await.unwrap());
        let page = handle
            .sessions(SessionFilter::default(), None, 10)
            .await
            .unwrap();
        let id = page.sessions[0].connection.id;
        show(&page);
        let message = register().into_bytes().into();
        let order = control::SendMessage { id, message };
        show(&order);
        show(&handle.address().send(order).await.unwrap());
        phone.expect(register());
        show(&handle.inspect(id).await.unwrap());

        // One that cannot be framed, one in clear, and one that breaks TLS.
        phone.send(register().replace("Content-Length: ", "Content-Length: x"));
        phone.rest();
        drop(phone);
        events.next_of(EventKind::Closed).await;
        let mut plain = tcp(address);
        plain.write_all(register().as_bytes()).unwrap();
        plain.read_to_end(&mut Vec::new()).unwrap();
        drop(plain);
        events.next_of(EventKind::HandshakeFailed).await;
        let mut phone = Phone::connect(address, authority.client()).unwrap();
        events.next_of(EventKind::Ready).await;
        phone.stream.sock.write_all(register().as_bytes()).unwrap();
        phone.rest();
        drop(phone);
        events.next_of(EventKind::Closed).await;

        show(&handle);
        show(&handle.shutdown(Duration::from_secs(1)).await);
        show(&subscription);
        let mut subscription = subscription;
        while let Some(event) = subscription.next().await {
            show(&event);
            show(&event.fields());
        }
    }));

    let printed = printed.lock().unwrap();
    assert!(printed.len() > 20);
    for text in &*printed {
        assert_none(&secrets, "Debug", text);
    }
    let logged = journal.everything();
    for wanted in [
        "ready",
        "closed: framing",
        "handshake_failed: plaintext",
        "closed: misbehaved",
    ] {
        let found = logged.iter().any(|line| line.text.starts_with(wanted));
        assert!(found, "the session was logged: {wanted}");
    }
    for line in &logged {
        assert_none(&secrets, &line.target, &line.text);
    }
}

#[test]
fn a_framer_prints_neither_what_it_holds_nor_what_it_gives() {
    let secrets = [RESPONSE, "Authorization", "correct-horse"].map(str::to_owned);
    let mut framer = Framer::new(Limits::default());
    let register = register();
    framer.push(&register.as_bytes()[..register.len() - 1]);
    assert_eq!(framer.next_frame(), Ok(None));
    assert_none(&secrets, "a framer", &format!("{framer:?}"));
    framer.push(b"e");
    let frame = framer.next_frame().unwrap().unwrap();
    assert_none(
        &secrets,
        "a frame",
        &format!("{frame:?} {:?}", Some(&frame)),
    );
    assert!(matches!(frame, Frame::Message(_)));
}

#[test]
fn a_key_that_cannot_be_used_is_not_shown_with_the_error() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["localhost"]);
    let (_, other) = authority.issue(&["localhost"]);
    let secrets = [secrets(&key), secrets(&other)].concat();
    // The words an error has for an operator name what is expected; only values are secret.
    let values: Vec<String> = secrets
        .into_iter()
        .filter(|secret| secret != "PRIVATE KEY")
        .collect();
    let broken = key.replace("-----END", "----END");
    let unreadable = TlsPolicy::from_pem(chain.as_bytes(), broken.as_bytes()).unwrap_err();
    let policy = TlsPolicy::from_pem(chain.as_bytes(), other.as_bytes()).unwrap();
    let mismatched = policy.validate().unwrap_err();
    for error in [unreadable, mismatched] {
        assert_none(
            &values,
            "an error",
            &format!("{error} {error:?} {error:#?}"),
        );
    }
}
