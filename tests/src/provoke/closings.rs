//! One real provocation of each cause a session of ours closes by.

use super::scene::{Client, SHORT, listen};
use super::{Heard, Provoked, Scene};
use crate::peer::{Authority, request};
use async_std::task::block_on;
use sipward::control::{CloseReason, Target};
use sipward::sip::Message;
use sipward::{Application, Builder, Deadlines, Discard, EventKind, Flow, Ready, SipSession};
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;

pub fn all() -> Vec<Provoked> {
    let mut all = by_the_peer();
    all.extend(by_a_deadline());
    all.extend(by_us());
    all
}

fn by_the_peer() -> Vec<Provoked> {
    vec![
        close("peer_closed", |_, mut client| {
            client.tls.send_close_notify();
            client.finish()
        }),
        close("truncated", |_, client| {
            client.socket.shutdown(Shutdown::Write).unwrap();
            client.finish()
        }),
        close("reset", |_, client| {
            let now = Some(Duration::ZERO);
            SockRef::from(&client.socket).set_linger(now).unwrap();
            Heard::NotThere
        }),
        close("framing", |_, mut client| {
            client.send("GET / HTTP/1.1\r\nHost: pbx.example.com\r\n\r\n");
            client.finish()
        }),
        close("misbehaved", |_, client| {
            let nonsense = [&[23, 3, 3, 0, 40], &[7; 40][..]].concat();
            std::io::Write::write_all(&mut &client.socket, &nonsense).unwrap();
            client.finish()
        }),
        rejected_late(),
    ]
}

fn by_a_deadline() -> Vec<Provoked> {
    let deadline = |cause, text: &'static str, shorten: fn(&mut Deadlines)| {
        let scene = Scene::new(Discard, Authority::policy, |builder, deadlines| {
            shorten(deadlines);
            builder
        });
        act(cause, &scene, |_, mut client| {
            client.send(text);
            client.finish()
        })
    };
    let request = "OPTIONS sip:bob@localhost SIP/2.0\r\nContent-Length: 0\r\n\r\n";
    vec![
        deadline("first_message_timeout", "", |all| all.first_message = SHORT),
        deadline("authentication_timeout", request, |all| {
            all.authentication = Some(SHORT);
        }),
        deadline(
            "partial_message_timeout",
            "REGISTER sip:localhost SIP/2.0\r\nContent-Length: 100\r\n\r\n",
            |all| all.partial_message = SHORT,
        ),
        deadline("idle_timeout", request, |all| all.idle = SHORT),
        flooded("write_stalled", |_, mut client| {
            client.send(request);
            Heard::NotThere
        }),
        flooded("half_closed_timeout", |_, mut client| {
            client.send(request);
            client.tls.send_close_notify();
            client.send("");
            Heard::NotThere
        }),
    ]
}

fn by_us() -> Vec<Provoked> {
    let told = |cause, reason| {
        close(cause, move |scene, client| {
            let everybody = Target::Source(client.socket.local_addr().unwrap().ip());
            block_on(scene.handle.close(everybody, reason, Duration::ZERO)).unwrap();
            client.finish()
        })
    };
    let drain_deadline = {
        let scene = Scene::new(Stuck, Authority::policy, |builder, _| builder);
        act("drain_deadline", &scene, |scene, mut client| {
            client.send(&request("OPTIONS", ""));
            client.hear();
            block_on(scene.handle.shutdown(SHORT));
            client.finish()
        })
    };
    let internal = {
        let scene = Scene::new(Panicking, Authority::policy, |builder, _| builder);
        act("internal", &scene, |_, mut client| {
            client.send(&request("OPTIONS", ""));
            client.finish()
        })
    };
    vec![
        told("operator", CloseReason::Operator),
        told("replaced", CloseReason::Replaced),
        told("certificate_revoked", CloseReason::CertificateRevoked),
        close("drain", |scene, client| {
            block_on(scene.handle.shutdown(Duration::from_secs(1)));
            client.finish()
        }),
        drain_deadline,
        internal,
        close("supervisor_gone", |scene, client| {
            block_on(scene.handle.panic_supervisor());
            client.finish()
        }),
    ]
}

/// TLS 1.3 clients may turn us down after our handshake is over; here for a record changed on its way.
fn rejected_late() -> Provoked {
    let scene = Scene::new(Discard, Authority::policy, |builder, _| builder);
    let mut client = Client::new(&scene, scene.authority.client(), "localhost");
    client.shake_hands();
    client.send("");
    scene.wait_for(EventKind::Ready);
    let mut ticket = client.hear_record();
    *ticket.last_mut().unwrap() ^= 1;
    client.tls.read_tls(&mut &ticket[..]).unwrap();
    client.tls.process_new_packets().unwrap_err();
    client.send("");
    let heard = listen(client.socket);
    let line = scene.line(EventKind::Closed);
    let books = scene.books();
    Provoked {
        cause: "rejected_by_peer",
        line,
        heard,
        books,
    }
}

fn close(cause: &'static str, what: impl Fn(&Scene, Client) -> Heard) -> Provoked {
    let choose = |builder: Builder<Discard>, _: &mut Deadlines| builder;
    act(cause, &Scene::new(Discard, Authority::policy, choose), what)
}

/// More is sent to the client than it takes.
fn flooded(cause: &'static str, what: impl Fn(&Scene, Client) -> Heard) -> Provoked {
    let scene = Scene::new(Flood, Authority::policy, |builder, deadlines| {
        deadlines.stalled_write = SHORT * 4;
        deadlines.half_closed = SHORT;
        builder.flow_budget(32 * 1024 * 1024)
    });
    act(cause, &scene, what)
}

fn act(cause: &'static str, scene: &Scene, what: impl Fn(&Scene, Client) -> Heard) -> Provoked {
    let mut client = Client::new(scene, scene.authority.client(), "localhost");
    client.shake_hands();
    scene.wait_for(EventKind::Ready);
    // A client that takes nothing stays; the others leave when they are done.
    let stays = matches!(cause, "write_stalled" | "half_closed_timeout");
    let kept = stays.then(|| client.socket.try_clone().unwrap());
    let heard = what(scene, client);
    let line = scene.line(EventKind::Closed);
    drop(kept);
    let books = scene.books();
    Provoked {
        cause,
        line,
        heard,
        books,
    }
}

/// Says that it is at work, and is never done.
struct Stuck;

struct Working(Flow);

impl Application for Stuck {
    type Session = Working;

    fn open(&self, _: &Ready, flow: Flow) -> Working {
        Working(flow)
    }
}

impl SipSession for Working {
    async fn message(&mut self, _: Message) {
        let trying = "SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\n";
        self.0.send(trying).unwrap();
        std::future::pending().await
    }
}

/// Panics at the first message.
struct Panicking;

impl Application for Panicking {
    type Session = Self;

    fn open(&self, _: &Ready, _: Flow) -> Self {
        Self
    }
}

impl SipSession for Panicking {
    async fn message(&mut self, _: Message) {
        panic!("no such dialog");
    }
}

/// Answers with more than socket buffers hold.
struct Flood;

struct Flooding(Flow);

impl Application for Flood {
    type Session = Flooding;

    fn open(&self, _: &Ready, flow: Flow) -> Flooding {
        Flooding(flow)
    }
}

impl SipSession for Flooding {
    async fn message(&mut self, _: Message) {
        let much = request("MESSAGE", &"x".repeat(60_000));
        for _ in 0..400 {
            self.0.send(much.clone()).unwrap();
        }
    }
}
