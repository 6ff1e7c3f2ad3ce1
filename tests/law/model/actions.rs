//! What happens in a history: each action is one thing that a peer, the network, an operator or fate
//! does, and says so before it is done.

use super::client::Client;
use super::history::{History, SOURCE};
use sipward_tests::peer::request;
use std::net::SocketAddr;
use std::time::Duration;

/// Requests the application answers or does nothing about, and those it comes to harm by.
const METHODS: [&str; 14] = [
    "OPTIONS", "OPTIONS", "SLOW", "HANG", "BYE", "STAY", "HOLD", "BUSY", "WAIL", "GRIEVE", "BOOM",
    "MINE", "PAYLOAD", "INFO",
];

/// Bytes that are not SIP.
const MALFORMED: [&str; 3] = [
    "OPTIONS sip:bob@localhost SIP/3.0\r\n\r\n",
    "BYE sip:bob@localhost SIP/2.0\r\nContent-Length: -1\r\n\r\n",
    "what is this\n\n",
];

/// Every deadline there is lies within the longest of these.
const STEPS: [u64; 7] = [1, 2, 5, 11, 31, 61, 301];

impl History {
    pub async fn do_something(&mut self) {
        match self.chance.below(20) {
            0..4 => self.dial(),
            4..16 => self.let_a_client_act().await,
            16 | 17 => self.pass_time().await,
            18 => self.steer().await,
            _ if self.chance.one_in(3) => self.end_it().await,
            _ => self.dial(),
        }
    }

    pub fn dial(&mut self) {
        if self.clients.len() == 6 {
            return;
        }
        let port = 40_000 + self.clients.len() as u16;
        let capacity = self.chance.pick(&[7, 64, 700, 65_536, 65_536, 65_536]);
        self.did(format!("dial from {port} over {capacity} bytes"));
        let stream = self
            .dialler
            .connect_through(SocketAddr::new(SOURCE, port), capacity);
        let mut client = Client::new(port, stream, &self.ground.client);
        client.narrow = capacity <= 64;
        if client.socket.is_held_by_the_server() {
            self.world.tally.injected("dialled");
        } else {
            self.world.tally.injected("dialled in vain");
        }
        let mut state = self.world.state();
        state.sockets.insert(port, client.socket.clone());
        if self.chance.one_in(12) {
            state.unwelcome.insert(port);
        }
        drop(state);
        self.clients.push(client);
    }

    async fn let_a_client_act(&mut self) {
        if self.clients.is_empty() {
            return self.dial();
        }
        // Whoever is through the handshake has more to do than others.
        let mut at = self.chance.below(self.clients.len());
        if !self.clients[at].is_established() {
            at = self.chance.below(self.clients.len());
        }
        let (established, begun) = (self.clients[at].is_established(), self.clients[at].begun);
        if self.clients[at].over {
            return;
        }
        if self.chance.one_in(7) {
            return self.leave(at);
        }
        if established {
            self.talk(at).await;
        } else if begun {
            self.resume(at);
        } else {
            self.begin_somehow(at).await;
        }
    }

    async fn begin_somehow(&mut self, at: usize) {
        let port = self.clients[at].port;
        match self.chance.below(10) {
            0 => {
                self.did(format!("{port} sends garbage"));
                self.world.tally.injected("garbage");
                let count = 1 + self.chance.below(300);
                let garbage = self.chance.bytes(count);
                self.clients[at].send_raw(&garbage);
            }
            1 => {
                self.did(format!("{port} speaks in clear"));
                self.world.tally.injected("plaintext");
                self.clients[at].send_raw(request("REGISTER", "").as_bytes());
                self.settle().await;
                let client = &self.clients[at];
                let listens = !client.narrow && client.socket.is_ours();
                if listens && client.received == 0 && self.judge().plaintext.contains(&port) {
                    let what = format!("{port} spoke in clear and was not told so");
                    self.judge().breach(what);
                }
            }
            2 => {
                self.did(format!("{port} is silent"));
                self.world.tally.injected("silence");
            }
            3 => {
                let count = self.chance.below(250);
                self.did(format!("{port} sends {count} bytes of its hello"));
                self.world.tally.injected("stalled hello");
                let rest = self.clients[at].send_a_part_of_the_hello(count);
                self.clients[at].mute = true;
                self.hellos.insert(port, rest);
            }
            4..8 if self.clients[at].narrow => {
                self.did(format!("{port} shakes hands and stops reading"));
                self.world.tally.injected("reading stops");
                self.clients[at].stops_reading = true;
                self.clients[at].begun = true;
                self.world.state().stops_reading.insert(port);
                let established = |history: &mut Self| {
                    let client = &history.clients[at];
                    client.over || client.is_established()
                };
                self.eventually_or_quiet(established).await;
            }
            _ => self.shake_hands(at).await,
        }
        self.clients[at].advance();
    }

    async fn shake_hands(&mut self, at: usize) {
        let port = self.clients[at].port;
        self.did(format!("{port} shakes hands"));
        self.clients[at].begun = true;
        self.settle().await;
        if !self.clients[at].is_established() {
            return;
        }
        self.world.tally.injected("good handshake");
        let welcome = !self.world.state().unwelcome.contains(&port);
        if welcome && self.serves() && self.chance.one_in(2) {
            self.did(format!("{port} asks and is answered"));
            self.clients[at].send(request("OPTIONS", ""));
            let answered = |history: &mut Self| {
                let client = &history.clients[at];
                client.over || !client.heard.is_empty()
            };
            self.eventually(answered).await;
            if self.clients[at].heard.is_empty() {
                let what = format!("{port} was let in and its request not answered");
                return self.judge().breach(what);
            }
            self.world.tally.injected("answered request");
        }
    }

    /// A client that stopped in the middle goes on.
    fn resume(&mut self, at: usize) {
        let port = self.clients[at].port;
        if let Some(rest) = self.hellos.remove(&port) {
            self.did(format!("{port} sends the rest of its hello"));
            self.world.tally.injected("resumed hello");
            self.clients[at].send_raw(&rest);
            self.clients[at].mute = false;
        }
    }

    async fn talk(&mut self, at: usize) {
        let port = self.clients[at].port;
        if self.clients[at].stops_reading && self.chance.one_in(2) {
            self.did(format!("{port} reads on"));
            self.world.state().stops_reading.remove(&port);
            self.clients[at].stops_reading = false;
            return;
        }
        let injected = match self.chance.below(8) {
            0 => {
                self.did(format!("{port} pings"));
                let pings = "\r\n\r\n".repeat(1 + self.chance.below(80));
                self.clients[at].send(pings);
                "ping"
            }
            1 => {
                let malformed = self.chance.pick(&MALFORMED);
                self.did(format!("{port} sends {malformed:?}"));
                self.clients[at].send(malformed);
                "malformed message"
            }
            2 => {
                self.did(format!("{port} sends a message in part"));
                let whole = request("OPTIONS", "body");
                let count = 1 + self.chance.below(whole.len() - 1);
                self.clients[at].send(&whole[..count]);
                if self.chance.one_in(2) {
                    "partial message"
                } else {
                    self.turns(4).await;
                    self.clients[at].send(&whole[count..]);
                    "message in pieces"
                }
            }
            _ => {
                let method = self.chance.pick(&METHODS);
                self.did(format!("{port} sends {method}"));
                self.clients[at].send(request(method, ""));
                "whole message"
            }
        };
        self.world.tally.injected(injected);
        self.clients[at].advance();
    }

    /// A client goes, in one of the ways there are.
    fn leave(&mut self, at: usize) {
        let port = self.clients[at].port;
        let way = self
            .chance
            .pick(&["close_notify", "fin", "rst", "half-close", "task dropped"]);
        self.did(format!("{port} goes: {way}"));
        self.world.tally.injected(way);
        let client = &mut self.clients[at];
        match way {
            "close_notify" => {
                client.say_close_notify();
                client.advance();
                client.socket.finish();
            }
            "half-close" => client.socket.finish(),
            "fin" => drop(client.socket.take()),
            "rst" => {
                if let Some(stream) = client.socket.take() {
                    stream.reset();
                }
            }
            _ => {
                self.world.state().doomed.insert(port);
                if let Some(stream) = client.socket.take() {
                    stream.doom_reader();
                }
            }
        }
    }

    async fn pass_time(&mut self) {
        // Where nobody can tell that all have done what the last step made them do, a shutdown's
        // last deadline must not come.
        if self.ground.threads > 1 && !self.serves() {
            return;
        }
        self.settle().await;
        let seconds = self.chance.pick(&STEPS);
        self.did(format!("{seconds} s pass"));
        self.world.tally.injected("time passed");
        self.world.clock.advance(Duration::from_secs(seconds));
    }

    /// Until this is so, or everybody sleeps and it is not.
    async fn eventually_or_quiet(&mut self, mut so: impl FnMut(&mut Self) -> bool) {
        let mut quiet = 0;
        while quiet < 12 && !so(self) {
            quiet = if self.turns(1).await { 0 } else { quiet + 1 };
        }
    }
}
