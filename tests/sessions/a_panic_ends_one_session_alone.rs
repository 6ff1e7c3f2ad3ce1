//! A panic of the application ends the session it happened in and nothing else; and whatever ends
//! a session, all it held is gone before its last event.

use async_std::task::block_on;
use sipward::sip::Message;
use sipward::{AdmissionLimits, CloseCause, Closed, Event, Flow, Observer, Ready, SipSession};
use sipward_tests::peer;
use sipward_tests::peer::lab::lab;
use sipward_tests::peer::{Hosting, bed_with, closed, echo, in_time, ready, request, until};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where the conversation panics.
#[derive(Clone, Copy, PartialEq)]
enum Fuse {
    Message,
    AfterAwait,
    Drop,
    Closed,
}

struct Bomb {
    flow: Flow,
    fuse: Fuse,
    armed: bool,
}

impl SipSession for Bomb {
    async fn message(&mut self, message: Message) {
        if message.method() == Some("BOOM") {
            match self.fuse {
                Fuse::Message => panic!("no dial tone"),
                Fuse::AfterAwait => {
                    async_std::task::yield_now().await;
                    panic!("no dial tone")
                }
                Fuse::Drop | Fuse::Closed => self.armed = true,
            }
        }
        let _ = self.flow.send(message.into_bytes());
    }

    fn closed(self, _: &Closed) {
        assert!(!(self.armed && self.fuse == Fuse::Closed), "no dial tone");
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.armed && self.fuse == Fuse::Drop {
            panic!("no dial tone");
        }
    }
}

/// One session meets the panic, a second one is open all the while, a third comes later.
fn one_ends_and_the_others_go_on(fuse: Fuse, ends: impl Fn(&mut peer::Phone)) {
    block_on(async {
        let application = Hosting(move |_: &Ready, flow| Bomb {
            flow,
            fuse,
            armed: false,
        });
        let bed = bed_with(application, |builder| builder).await;
        let mut other = bed.phone();
        ready(&bed.events).await;
        let mut victim = bed.phone();
        let id = ready(&bed.events).await.connection.id;

        victim.send(request("BOOM", ""));
        ends(&mut victim);
        let end = closed(&bed.events).await;
        assert_eq!(end.connection.id, id);
        assert_eq!(end.cause, CloseCause::Internal("no dial tone".to_owned()));
        assert_eq!(end.stats.messages_in, 1);

        other.send(request("OPTIONS", "still here"));
        other.expect(request("OPTIONS", "still here"));
        let mut third = bed.phone();
        third.send(request("OPTIONS", "and me"));
        third.expect(request("OPTIONS", "and me"));
        drop((other, third));
        let report = in_time(bed.handle.shutdown(Duration::from_secs(2))).await;
        assert_eq!(report.panic, None);
        assert_eq!((report.inbound.ready, report.inbound.closed), (3, 3));
        assert!(report.inbound.balanced());
    });
}

#[test]
fn a_panic_in_a_handler_is_the_cause_of_that_end_and_of_no_other() {
    one_ends_and_the_others_go_on(Fuse::Message, |_| {});
}

#[test]
fn a_panic_after_an_await_is_no_different() {
    one_ends_and_the_others_go_on(Fuse::AfterAwait, |_| {});
}

#[test]
fn a_panic_in_the_destructor_of_a_conversation_is_caught() {
    one_ends_and_the_others_go_on(Fuse::Drop, |phone| {
        phone.expect(request("BOOM", ""));
        phone.hang_up();
    });
}

#[test]
fn a_panic_in_closed_is_caught() {
    one_ends_and_the_others_go_on(Fuse::Closed, |phone| {
        phone.expect(request("BOOM", ""));
        phone.hang_up();
    });
}

#[test]
fn a_panic_while_a_conversation_is_opened_ends_that_session_alone() {
    block_on(async {
        let opened = AtomicUsize::new(0);
        let application = Hosting(move |_: &Ready, flow| {
            let number = opened.fetch_add(1, Ordering::SeqCst);
            assert!(number != 1, "the second is one too many");
            peer::Echo(flow)
        });
        let bed = bed_with(application, |builder| builder).await;
        let mut first = bed.phone();
        ready(&bed.events).await;
        let mut second = bed.phone();
        let id = ready(&bed.events).await.connection.id;
        let end = closed(&bed.events).await;
        assert_eq!(end.connection.id, id);
        let message = "the second is one too many".to_owned();
        assert_eq!(end.cause, CloseCause::Internal(message));
        assert!(second.rest().0.is_empty());

        first.send(request("OPTIONS", "still here"));
        first.expect(request("OPTIONS", "still here"));
        let mut third = bed.phone();
        third.send(request("OPTIONS", "and me"));
        third.expect(request("OPTIONS", "and me"));
    });
}

/// Notes in which order things go.
#[derive(Clone, Default)]
struct Notes {
    order: Arc<Mutex<Vec<&'static str>>>,
    /// Whether the handler of a message has begun.
    begun: Arc<AtomicBool>,
}

impl Notes {
    fn note(&self, what: &'static str) {
        self.order.lock().unwrap().push(what);
    }
}

struct Noted(Notes);

impl SipSession for Noted {
    async fn message(&mut self, message: Message) {
        assert!(message.method() != Some("BOOM"), "no dial tone");
        if message.method() == Some("OPTIONS") {
            self.0.begun.store(true, Ordering::SeqCst);
        }
        if message.method() == Some("HANG") {
            let _held = Held(self.0.clone());
            self.0.begun.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
    }

    fn closed(self, _: &Closed) {
        self.0.note("closed() was called");
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note("conversation dropped");
    }
}

struct Held(Notes);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.note("handler dropped");
    }
}

impl Observer for Notes {
    fn observe(&mut self, event: &Event) {
        if let Event::Closed(_) = event {
            self.note("closed event");
        }
    }
}

#[test]
fn handler_and_conversation_are_gone_before_the_last_event() {
    for (method, expected) in [
        (
            "OPTIONS",
            &[
                "closed() was called",
                "conversation dropped",
                "closed event",
            ][..],
        ),
        ("BOOM", &["conversation dropped", "closed event"]),
        (
            "HANG",
            &[
                "handler dropped",
                "closed() was called",
                "conversation dropped",
                "closed event",
            ],
        ),
    ] {
        block_on(async {
            let notes = Notes::default();
            let (theirs, observer) = (notes.clone(), notes.clone());
            let application = Hosting(move |_: &Ready, _| Noted(theirs.clone()));
            let bed = bed_with(application, |builder| builder.observer(observer)).await;
            let mut phone = bed.phone();
            phone.send(request(method, ""));
            let id = ready(&bed.events).await.connection.id;
            if method != "BOOM" {
                in_time(until(|| notes.begun.load(Ordering::SeqCst))).await;
                let target = sipward::control::Target::Connection(id);
                let reason = sipward::control::CloseReason::Operator;
                let told = bed.handle.close(target, reason, Duration::ZERO).await;
                assert_eq!(told, Ok(1));
            }
            closed(&bed.events).await;
            // The observers are independent of each other: this one sees it at its own pace.
            in_time(bed.handle.shutdown(Duration::from_secs(1))).await;
            assert_eq!(*notes.order.lock().unwrap(), expected, "after {method}");
        });
    }
}

#[test]
fn the_permit_and_the_socket_are_given_back_before_the_last_event() {
    block_on(async {
        for round in 0..30 {
            let lab = lab(echo(), |builder| {
                builder.limits(AdmissionLimits::default().with_connections(1))
            })
            .await;
            let mut caller = lab.call().await;
            let established = ready(&lab.events).await;
            let permits = lab.handle.snapshot().await.unwrap().permits;
            assert_eq!(permits, 1);
            if round % 2 == 0 {
                caller.send("no SIP\r\n").await;
                caller.rest().await;
                caller.wire.finish();
            } else {
                let target = sipward::control::Target::Connection(established.connection.id);
                let reason = sipward::control::CloseReason::Operator;
                let told = lab.handle.close(target, reason, Duration::ZERO).await;
                assert_eq!(told, Ok(1));
            }
            closed(&lab.events).await;
            let figures = lab.handle.snapshot().await.unwrap();
            assert_eq!(figures.permits, 0);
            // Writing fails at once only when the other end has been dropped.
            let written = futures_lite::AsyncWriteExt::write(&mut caller.wire, b"x").await;
            if round % 2 == 1 {
                assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
            }
            // The place is free, and the next comes in.
            let mut next = lab.call().await;
            next.send(request("OPTIONS", "")).await;
            next.expect(request("OPTIONS", "")).await;
        }
    });
}

#[test]
fn a_peer_sees_the_end_of_a_session_that_panicked() {
    block_on(async {
        let application = Hosting(|_: &Ready, flow| Bomb {
            flow,
            fuse: Fuse::Message,
            armed: false,
        });
        let bed = bed_with(application, |builder| builder).await;
        let mut phone = bed.phone();
        phone.send(request("BOOM", ""));
        closed(&bed.events).await;
        phone.stream.sock.set_nonblocking(true).unwrap();
        let (heard, clean) = phone.rest();
        assert!(heard.is_empty());
        assert!(!clean, "a panicked session says no goodbye");
    });
}
