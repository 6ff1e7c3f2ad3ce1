//! The application under the law: it does what the peer's request says, all kinds of harm included.

use super::world::{Life, Marks, World};
use sipward::sip::Message;
use sipward::{Application, CloseCause, Closed, Flow, Ready, SipSession};
use std::future::pending;
use std::panic::panic_any;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub const ANSWER: &str = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

/// What every message of a panic injected here begins with.
pub const INJECTED: &str = "injected: ";

pub struct Switchboard(pub Arc<World>);

pub struct Conversation {
    world: Arc<World>,
    flow: Flow,
    panics_when_closed: bool,
    panics_when_dropped: bool,
}

/// A message whose memory panics when it is given back.
struct Mine(Vec<u8>);

/// What a panic carries, and panics in turn when it is dropped.
struct Payload;

impl Application for Switchboard {
    type Session = Conversation;

    fn open(&self, ready: &Ready, flow: Flow) -> Conversation {
        let id = ready.connection.id.number();
        let life = Life {
            opened: self.0.clock.now(),
            dropped: None,
            panic: None,
        };
        self.0.state().lives.insert(id, life);
        let port = ready.connection.peer.port();
        let unwelcome = self.0.state().unwelcome.contains(&port);
        if unwelcome {
            self.0.panics(id, "panic in open");
            panic!("{INJECTED}panic in open");
        }
        Conversation {
            world: Arc::clone(&self.0),
            flow,
            panics_when_closed: false,
            panics_when_dropped: false,
        }
    }
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        let world = Arc::clone(&self.world);
        let id = self.flow.id().number();
        match message.method() {
            Some("OPTIONS") => {
                let _ = self.flow.send(ANSWER);
            }
            Some("SLOW") => {
                world.tally.injected("slow handler");
                for _ in 0..3 {
                    async_std::task::yield_now().await;
                }
                let _ = self.flow.send(ANSWER);
            }
            Some("HANG") => {
                world.tally.injected("hung handler");
                pending().await
            }
            Some("BYE") => {
                world.tally.injected("close by flow");
                let port = self.flow.connection().peer.port();
                world.state().told_to_close.insert(port);
                self.flow
                    .close(CloseCause::Operator, Duration::from_secs(1));
            }
            Some("STAY") => {
                world.tally.injected("flow kept past the end");
                let _ = self.flow.send(ANSWER);
                world.state().flows.push(self.flow.clone());
            }
            Some("HOLD") => {
                world.tally.injected("flow held open");
                let hold = self.flow.keep_open();
                world.state().holds.push(hold);
            }
            Some("BUSY") => {
                world.tally.injected("busy flow");
                let busy = self.flow.busy();
                world.state().busy.push(busy);
            }
            Some("WAIL") => self.panics_when_closed = true,
            Some("GRIEVE") => self.panics_when_dropped = true,
            Some("BOOM") => {
                world.panics(id, "panic in handler");
                panic!("{INJECTED}panic in handler");
            }
            Some("MINE") => {
                world.panics(id, "panic in queued message");
                let _ = self
                    .flow
                    .send(bytes::Bytes::from_owner(Mine(ANSWER.into())));
                panic!("{INJECTED}panic in queued message");
            }
            Some("PAYLOAD") => {
                world.panics(id, "panic in panic's payload");
                panic_any(Payload);
            }
            _ => {}
        }
    }

    fn closed(self, closed: &Closed) {
        if self.panics_when_closed {
            self.world
                .panics(closed.connection.id.number(), "panic in closed");
            panic!("{INJECTED}panic in closed");
        }
    }
}

impl Drop for Conversation {
    /// Dropping takes a moment: whoever says before it that the session has ended says it too early.
    fn drop(&mut self) {
        self.world.clock.advance(Duration::from_micros(1));
        let now = self.world.clock.now();
        let id = self.flow.id().number();
        if let Some(life) = self.world.state().lives.get_mut(&id) {
            life.dropped = Some(now);
        }
        // A second panic on top of another would end the process, in any program.
        if self.panics_when_dropped && !thread::panicking() {
            self.world.panics(id, "panic in conversation's drop");
            panic!("{INJECTED}panic in conversation's drop");
        }
    }
}

impl Drop for Switchboard {
    fn drop(&mut self) {
        Marks::set(&self.0.marks.application_dropped);
    }
}

impl AsRef<[u8]> for Mine {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{INJECTED}panic in queued message");
        }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{INJECTED}panic in panic's payload");
        }
    }
}
