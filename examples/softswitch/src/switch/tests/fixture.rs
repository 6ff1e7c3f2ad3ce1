//! A switch and its phones. A test sends messages as a phone, and looks at the recorded messages
//! that a phone has got.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use sipward::sip::{Message, Name};

use super::authenticators::{FixedPassword, NoAuthentication};
use crate::switch::event::DropReason;
use crate::switch::{
    Authenticator, Effects, FlowId, Incoming, Source, Switch, SwitchConfig, SwitchEvent, Unsendable,
};

/// Records the effects of the switch.
#[derive(Default)]
pub(super) struct RecordedEffects {
    sent: BTreeMap<FlowId, VecDeque<String>>,
    dead: BTreeSet<FlowId>,
    full: BTreeSet<FlowId>,
    pub(super) held: BTreeSet<FlowId>,
    pub(super) authenticated: BTreeSet<FlowId>,
    pub(super) events: Vec<SwitchEvent>,
    /// What each flow's peer knows the switch by; for others it is sip.example.com:5061.
    pub(super) addresses: BTreeMap<FlowId, Arc<str>>,
    /// The names that peers asked for in their TLS handshakes.
    pub(super) server_names: BTreeMap<FlowId, Arc<str>>,
    /// The last message that was sent.
    pub(super) last: Bytes,
}

impl Effects for RecordedEffects {
    fn send(&mut self, flow: FlowId, message: Bytes) -> Result<(), Unsendable> {
        if self.dead.contains(&flow) {
            return Err(Unsendable::Gone);
        }
        if self.full.contains(&flow) {
            return Err(Unsendable::Full);
        }
        assert_well_formed(&message);
        // Bytes that are no UTF-8 are looked at in the messages themselves.
        let text = String::from_utf8_lossy(&message).into_owned();
        self.sent.entry(flow).or_default().push_back(text);
        self.last = message;
        Ok(())
    }

    fn address(&self, flow: FlowId) -> Arc<str> {
        let usual = || Arc::from("sip.example.com:5061");
        self.addresses.get(&flow).map_or_else(usual, Arc::clone)
    }

    fn alive(&self, flow: FlowId) -> bool {
        !self.dead.contains(&flow)
    }

    fn server_name(&self, flow: FlowId) -> Option<Arc<str>> {
        self.server_names.get(&flow).cloned()
    }

    fn hold(&mut self, flow: FlowId) {
        assert!(self.held.insert(flow), "held twice");
    }

    fn release(&mut self, flow: FlowId) {
        assert!(self.held.remove(&flow), "released without being held");
    }

    fn authenticated(&mut self, flow: FlowId) {
        self.authenticated.insert(flow);
    }

    fn report(&mut self, event: SwitchEvent) {
        self.events.push(event);
    }
}

/// The connections of the tests: alice's, bob's, that of bob's second phone, and one without a
/// user.
pub(super) const ALICE: FlowId = FlowId(1);
pub(super) const BOB: FlowId = FlowId(2);
pub(super) const BOB_DESK: FlowId = FlowId(3);
pub(super) const STRANGER: FlowId = FlowId(9);

pub(super) struct Fixture {
    pub(super) switch: Switch,
    pub(super) effects: RecordedEffects,
    pub(super) now: Instant,
    branches: u32,
}

impl Fixture {
    /// A switch for example.com that asks for no credentials.
    pub(super) fn without_authentication() -> Fixture {
        Fixture::with(Box::new(NoAuthentication), |_| ())
    }

    /// A switch that asks for no credentials, with the limits that the test sets.
    pub(super) fn with_config(choose: impl FnOnce(&mut SwitchConfig)) -> Fixture {
        Fixture::with(Box::new(NoAuthentication), choose)
    }

    /// A switch that asks for credentials.
    pub(super) fn with_authentication() -> Fixture {
        Fixture::with(Box::new(FixedPassword), |_| ())
    }

    fn with(
        authenticator: Box<dyn Authenticator>,
        choose: impl FnOnce(&mut SwitchConfig),
    ) -> Fixture {
        let domains = vec!["example.com".to_owned()];
        let mut config = SwitchConfig::new(domains, [7; 32]);
        config.max_contacts = 3;
        choose(&mut config);
        Fixture {
            switch: Switch::new(config, authenticator),
            effects: RecordedEffects::default(),
            now: Instant::now(),
            branches: 0,
        }
    }

    /// A branch parameter that was not used yet.
    pub(super) fn branch(&mut self) -> String {
        self.branches += 1;
        format!("z9hG4bKphone{}", self.branches)
    }

    /// Sends lines as one message; Content-Length and the empty line are added.
    pub(super) fn send(&mut self, flow: FlowId, lines: &str) {
        self.send_with_body(flow, lines, "");
    }

    pub(super) fn send_with_body(&mut self, flow: FlowId, lines: &str, body: &str) {
        let lines: Vec<&str> = lines.trim().lines().collect();
        let head = format!(
            "{}\r\nContent-Length: {}\r\n\r\n",
            lines.join("\r\n"),
            body.len()
        );
        let message = Message::parse(Bytes::from(format!("{head}{body}")));
        self.receive(flow, &message.expect("a message that ends where it should"));
    }

    pub(super) fn receive(&mut self, flow: FlowId, message: &Message) {
        let source = Source {
            flow,
            peer: peer(flow),
        };
        let incoming = Incoming::read(source, message);
        let wall = SystemTime::UNIX_EPOCH;
        self.switch
            .receive(&incoming, self.now, wall, &mut self.effects);
    }

    /// Takes the oldest recorded message on a flow; it must begin with `start`.
    #[track_caller]
    pub(super) fn expect(&mut self, flow: FlowId, start: &str) -> String {
        let queue = self.effects.sent.entry(flow).or_default();
        let Some(message) = queue.pop_front() else {
            panic!("nothing on {flow:?}, wanted {start}");
        };
        assert!(
            message.starts_with(start),
            "on {flow:?} wanted {start}, got\n{message}"
        );
        message
    }

    /// Takes all recorded messages, each with the flow it was sent on.
    pub(super) fn take_sent(&mut self) -> Vec<(FlowId, String)> {
        let sent = std::mem::take(&mut self.effects.sent);
        let each = |(flow, queue): (FlowId, VecDeque<String>)| {
            queue.into_iter().map(move |message| (flow, message))
        };
        sent.into_iter().flat_map(each).collect()
    }

    #[track_caller]
    pub(super) fn expect_silence(&mut self) {
        for (flow, queue) in &self.effects.sent {
            assert!(queue.is_empty(), "on {flow:?}: {queue:#?}");
        }
    }

    /// How many messages were dropped for each reason since the last report. Lets a second pass.
    pub(super) fn drops(&mut self) -> Vec<(DropReason, u64)> {
        self.advance(Duration::from_secs(1));
        let drops = |event: &SwitchEvent| match event {
            SwitchEvent::MessagesDropped { reason, count } => Some((*reason, *count)),
            _ => None,
        };
        let found = self.effects.events.iter().filter_map(drops).collect();
        self.effects.events.retain(|event| drops(event).is_none());
        found
    }

    /// Lets time pass, and runs every timer that expires.
    pub(super) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.switch.next_timeout().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.switch.tick(self.now, &mut self.effects);
        }
        self.now = end;
    }

    /// The connection ends, and the switch learns of it.
    pub(super) fn disconnect(&mut self, flow: FlowId) {
        self.disconnect_unnoticed(flow);
        self.effects.held.remove(&flow);
        self.switch.flow_ended(flow, self.now, &mut self.effects);
    }

    /// The connection ends, and the switch has not learned of it yet.
    pub(super) fn disconnect_unnoticed(&mut self, flow: FlowId) {
        self.effects.dead.insert(flow);
        self.effects.sent.remove(&flow);
    }

    /// The peer stops reading, so its queue is full.
    pub(super) fn stop_reading(&mut self, flow: FlowId) {
        self.effects.full.insert(flow);
    }

    /// The events since the last look, except those of refused requests.
    pub(super) fn events(&mut self) -> Vec<SwitchEvent> {
        let is_refusal = |event: &SwitchEvent| matches!(event, SwitchEvent::RequestRefused { .. });
        let mut events = std::mem::take(&mut self.effects.events);
        events.retain(|event| !is_refusal(event));
        events
    }

    /// Status, reason, method and user of the requests that were refused since the last look.
    pub(super) fn refusals(&mut self) -> Vec<(u16, String, String, String)> {
        let refusal = |event: &SwitchEvent| match event.clone() {
            SwitchEvent::RequestRefused {
                status,
                reason,
                method,
                user,
                ..
            } => Some((status, reason, method, user)),
            _ => None,
        };
        let found = self.effects.events.iter().filter_map(refusal).collect();
        self.effects.events.retain(|event| refusal(event).is_none());
        found
    }

    /// Registers a user at sip:USER@10.0.0.FLOW and takes the response.
    #[track_caller]
    pub(super) fn register(&mut self, flow: FlowId, user: &str) {
        let branch = self.branch();
        let credentials = credentials("Authorization", user, "right");
        self.send(
            flow,
            &format!(
                "REGISTER sip:example.com SIP/2.0\n\
                 Via: SIP/2.0/TLS 10.0.0.{id};branch={branch}\n\
                 From: <sip:{user}@example.com>;tag=r\n\
                 To: <sip:{user}@example.com>\n\
                 Call-ID: register-{id}-{branch}\n\
                 CSeq: 1 REGISTER\n\
                 {credentials}\n\
                 Contact: <sip:{user}@10.0.0.{id}>",
                id = flow.0,
            ),
        );
        self.expect(flow, "SIP/2.0 200 OK");
        self.effects.events.clear();
    }

    /// Ends all flows and lets all timers expire; then no state may be left.
    #[track_caller]
    pub(super) fn assert_nothing_left(mut self) {
        for flow in [ALICE, BOB, BOB_DESK, STRANGER] {
            self.disconnect(flow);
        }
        self.advance(Duration::from_secs(8000));
        assert!(self.switch.is_empty(), "something is remembered");
        assert_eq!(self.switch.next_timeout(), None);
        assert!(self.effects.held.is_empty());
    }
}

/// The peer address of a flow.
pub(super) fn peer(flow: FlowId) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, flow.0 as u8], 50_000 + flow.0 as u16))
}

pub(super) fn credentials(header: &str, user: &str, response: &str) -> String {
    format!("{header}: Digest username=\"{user}\", realm=\"example.com\", response=\"{response}\"")
}

/// The values of a header in order.
pub(super) fn values<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let head = message.split("\r\n\r\n").next().unwrap_or("");
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .collect()
}

#[track_caller]
pub(super) fn value<'a>(message: &'a str, name: &str) -> &'a str {
    match values(message, name)[..] {
        [value] => value,
        ref other => panic!("{} {name} headers in\n{message}", other.len()),
    }
}

/// The response of a phone to a request; `tag` is added to a To without one, `more` are whole
/// lines.
pub(super) fn response(request: &str, status: &str, tag: &str, more: &str) -> String {
    let mut lines = vec![format!("SIP/2.0 {status}")];
    for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
        for value in values(request, name) {
            let tagged = if name == "To" && !value.contains(";tag=") {
                format!(";tag={tag}")
            } else {
                String::new()
            };
            lines.push(format!("{name}: {value}{tagged}"));
        }
    }
    if !more.is_empty() {
        lines.push(more.to_owned());
    }
    lines.join("\n")
}

#[track_caller]
fn assert_well_formed(message: &Bytes) {
    let text = String::from_utf8_lossy(message).into_owned();
    let message = Message::parse(message.clone()).expect("one whole message");
    assert_eq!(message.defect(), None, "in\n{text}");
    assert_eq!(message.all(Name::ContentLength).count(), 1, "in\n{text}");
}
