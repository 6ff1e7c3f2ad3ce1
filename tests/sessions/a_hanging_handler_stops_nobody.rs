//! A handler is polled, never awaited: one that never finishes can still be closed, back-pressures
//! its own peer, and keeps nobody else waiting.

use async_std::task::block_on;
use futures_lite::AsyncWriteExt;
use sipward::control::{CloseReason, Target};
use sipward::sip::Message;
use sipward::{Application, CloseCause, ConnectionId, Flow, Ready, SipSession};
use sipward_tests::peer::lab::{Caller, Lab, lab};
use sipward_tests::peer::{Hosting, closed, in_time, ready, request, until};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Answers each message, and after the answer to HANG never comes back.
struct Hanging(Flow);

impl SipSession for Hanging {
    async fn message(&mut self, message: Message) {
        let hangs = message.method() == Some("HANG");
        let _ = self.0.send(message.into_bytes());
        if hangs {
            std::future::pending::<()>().await;
        }
    }
}

fn hanging() -> impl Application {
    Hosting(|_: &Ready, flow| Hanging(flow))
}

/// A session whose handler hangs.
async fn hung(lab: &Lab) -> (Caller, ConnectionId) {
    let mut caller = lab.call().await;
    let id = ready(&lab.events).await.connection.id;
    caller.send(request("HANG", "")).await;
    // What it had queued before it hung has left.
    caller.expect(request("HANG", "")).await;
    (caller, id)
}

#[test]
fn it_can_be_closed_at_once_and_the_peer_hears_a_goodbye() {
    block_on(async {
        let lab = lab(hanging(), |builder| builder).await;
        let (mut caller, id) = hung(&lab).await;
        let (target, reason) = (Target::Connection(id), CloseReason::Operator);
        let told = lab.handle.close(target, reason, Duration::ZERO).await;
        assert_eq!(told, Ok(1));
        assert_eq!(caller.rest().await, (Vec::new(), true));
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(
            (end.cause.clone(), end.stats.messages_in),
            (CloseCause::Operator, 1)
        );
    });
}

#[test]
fn it_has_the_grace_of_a_close_and_not_a_moment_more() {
    block_on(async {
        let lab = lab(hanging(), |builder| builder).await;
        let (mut caller, id) = hung(&lab).await;
        let (target, reason) = (Target::Connection(id), CloseReason::Replaced);
        let grace = Duration::from_secs(5);
        let told = lab.handle.close(target, reason, grace).await;
        assert_eq!(told, Ok(1));
        lab.armed(grace).await;
        assert_eq!(lab.handle.snapshot().await.unwrap().inbound.open, 1);
        lab.clock.advance(grace);
        assert_eq!(caller.rest().await, (Vec::new(), true));
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(
            (end.cause.clone(), end.duration),
            (CloseCause::Replaced, grace)
        );
    });
}

#[test]
fn it_is_cut_by_the_deadline_of_a_shutdown() {
    block_on(async {
        let lab = lab(hanging(), |builder| builder).await;
        let (mut caller, _) = hung(&lab).await;
        let handle = lab.handle.clone();
        let deadline = Duration::from_secs(8);
        let shutdown = async_std::task::spawn(async move { handle.shutdown(deadline).await });
        lab.armed(deadline).await;
        assert_eq!(lab.handle.snapshot().await.unwrap().inbound.open, 1);
        lab.clock.advance(deadline);
        caller.rest().await;
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(end.duration, deadline);
        assert_eq!(end.cause, CloseCause::DrainDeadline);
        let report = in_time(shutdown).await;
        assert_eq!((report.inbound.open, report.inbound.closed), (0, 1));
    });
}

#[test]
fn a_handler_that_finishes_within_the_grace_has_its_last_words_sent() {
    struct Slow(Flow, Arc<AtomicBool>);
    impl SipSession for Slow {
        async fn message(&mut self, message: Message) {
            until(|| self.1.load(Ordering::SeqCst)).await;
            let _ = self.0.send(message.into_bytes());
        }
    }
    block_on(async {
        let go = Arc::new(AtomicBool::new(false));
        let gate = Arc::clone(&go);
        let application = Hosting(move |_: &Ready, flow| Slow(flow, Arc::clone(&gate)));
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 1).await;
        let (target, reason) = (Target::Connection(id), CloseReason::Operator);
        let grace = Duration::from_secs(5);
        lab.handle.close(target, reason, grace).await.unwrap();
        lab.armed(grace).await;
        go.store(true, Ordering::SeqCst);
        let (heard, clean) = caller.rest().await;
        assert_eq!(heard, request("OPTIONS", "").as_bytes());
        assert!(clean);
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::Operator);
    });
}

#[test]
fn nothing_more_is_read_from_its_peer() {
    block_on(async {
        let lab = lab(hanging(), |builder| builder).await;
        let (mut caller, id) = hung(&lab).await;
        let before = lab.handle.inspect(id).await.unwrap().unwrap().summary;

        // The pipe between them holds 64 KiB; the rest of a larger message cannot leave.
        let large = request("MESSAGE", &"b".repeat(60_000));
        let sending = async {
            for _ in 0..4 {
                std::io::Write::write_all(&mut caller.tls.writer(), large.as_bytes()).unwrap();
                let flight = caller.flight();
                caller.wire.write_all(&flight).await.unwrap();
            }
        };
        let sent = async_std::future::timeout(Duration::from_millis(100), sending).await;
        assert!(sent.is_err(), "240 KB have left through a full pipe");

        let after = lab.handle.inspect(id).await.unwrap().unwrap().summary;
        assert_eq!(after.stats.messages_in, 1);
        assert_eq!(after.stats.bytes_in, before.stats.bytes_in);
    });
}

#[test]
fn other_sessions_go_on() {
    block_on(async {
        let lab = lab(hanging(), |builder| builder).await;
        let mut hanging = Vec::new();
        for _ in 0..20 {
            hanging.push(hung(&lab).await);
        }
        let mut caller = lab.call().await;
        for round in 0..20 {
            let hello = request("OPTIONS", &format!("round {round}"));
            caller.send(&hello).await;
            caller.expect(&hello).await;
        }
        let report = async {
            drop((hanging, caller));
            lab.handle.shutdown(Duration::ZERO).await
        };
        assert!(in_time(report).await.inbound.balanced());
    });
}

#[test]
fn what_others_send_on_its_flow_still_leaves() {
    block_on(async {
        let lab = lab(hanging(), |builder| builder).await;
        let (mut caller, id) = hung(&lab).await;
        let notice = request("NOTIFY", "from outside");
        let sent = lab.handle.send(id, notice.clone()).await;
        assert_eq!(sent, Ok(sipward::control::SendOutcome::Queued));
        caller.expect(notice).await;
    });
}

/// Notes what it is given; fails when a message comes before the last is done.
struct OneAtATime {
    busy: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl SipSession for OneAtATime {
    async fn message(&mut self, message: Message) {
        assert_eq!(self.busy.fetch_add(1, Ordering::SeqCst), 0);
        for _ in 0..3 {
            async_std::task::yield_now().await;
        }
        let body = String::from_utf8(message.body().to_vec()).unwrap();
        self.seen.lock().unwrap().push(body);
        assert_eq!(self.busy.fetch_sub(1, Ordering::SeqCst), 1);
    }
}

#[test]
fn messages_come_one_at_a_time_and_in_order() {
    block_on(async {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&seen);
        let application = Hosting(move |_: &Ready, _| OneAtATime {
            busy: Arc::default(),
            seen: Arc::clone(&notes),
        });
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        let numbers: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let all: String = numbers.iter().map(|n| request("MESSAGE", n)).collect();
        caller.send(all).await;
        until(|| seen.lock().unwrap().len() == numbers.len()).await;
        assert_eq!(*seen.lock().unwrap(), numbers);
    });
}

async fn messages(lab: &Lab, id: ConnectionId, count: u64) {
    in_time(async {
        loop {
            let seen = lab.handle.inspect(id).await.unwrap().unwrap();
            if seen.summary.stats.messages_in == count {
                return;
            }
        }
    })
    .await;
}
