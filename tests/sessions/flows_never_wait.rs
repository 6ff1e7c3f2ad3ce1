//! A flow never waits: it queues within its budget, gives back what does not fit, wakes its session
//! from anywhere, and keeps nothing when that has ended.

use async_std::task::block_on;
use bytes::Bytes;
use sipward::sip::Message;
use sipward::{Application, Builder, CloseCause, Discard, Flow, Ready, SendError, SipSession};
use sipward_tests::peer::lab::{Caller, Lab, lab};
use sipward_tests::peer::{Hosting, closed, in_time, ready, request, until};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BUDGET: usize = 10_000;

/// The flows of all sessions, in the order they were opened.
#[derive(Clone, Default)]
struct Flows(Arc<Mutex<Vec<Flow>>>);

impl Flows {
    fn nth(&self, number: usize) -> Flow {
        self.0.lock().unwrap()[number].clone()
    }
}

fn collecting(flows: &Flows) -> impl Application {
    let flows = flows.clone();
    Hosting(move |_: &Ready, flow| {
        flows.0.lock().unwrap().push(flow);
        Discard
    })
}

fn small<A: Application>(builder: Builder<A>) -> Builder<A> {
    builder.flow_budget(BUDGET)
}

/// A session whose client does not read, and whose flow is full.
async fn full(lab: &Lab, flows: &Flows) -> (Caller, usize) {
    let caller = lab.call().await;
    ready(&lab.events).await;
    until(|| !flows.0.lock().unwrap().is_empty()).await;
    let flow = flows.nth(0);
    let mut sent = 0;
    let mut refused_in_a_row = 0;
    // TLS, tap and pipe take some of it; the flow is full once that stays so.
    while refused_in_a_row < 100 {
        match flow.send(request("MESSAGE", &format!("{sent:0>1000}"))) {
            Ok(()) => {
                sent += 1;
                refused_in_a_row = 0;
            }
            Err(SendError::Full(_)) => {
                refused_in_a_row += 1;
                lab.handle.snapshot().await.unwrap();
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(flow.queued() > BUDGET - 2000);
    (caller, sent)
}

#[test]
fn a_message_from_another_task_wakes_a_sleeping_session() {
    block_on(async {
        let flows = Flows::default();
        let lab = lab(collecting(&flows), |builder| builder).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        // It sleeps once its deadline is armed.
        lab.armed(Duration::from_secs(60)).await;
        for round in 0..100 {
            let flow = flows.nth(0);
            let notice = request("NOTIFY", &round.to_string());
            let text = notice.clone();
            let thread = std::thread::spawn(move || flow.send(text));
            caller.expect(notice).await;
            thread.join().unwrap().unwrap();
        }
    });
}

#[test]
fn messages_leave_in_the_order_they_were_queued() {
    block_on(async {
        let flows = Flows::default();
        let lab = lab(collecting(&flows), |builder| builder).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        until(|| !flows.0.lock().unwrap().is_empty()).await;
        let flow = flows.nth(0);
        let all: Vec<String> = (0..200)
            .map(|n| request("NOTIFY", &n.to_string()))
            .collect();
        for notice in &all {
            flow.send(notice.clone()).unwrap();
        }
        caller.expect(all.concat()).await;
    });
}

#[test]
fn a_full_flow_gives_the_message_back_and_works_again_once_the_peer_reads() {
    block_on(async {
        let flows = Flows::default();
        let lab = lab(collecting(&flows), small).await;
        let (mut caller, sent) = full(&lab, &flows).await;
        let flow = flows.nth(0);
        let back = flow.send(Bytes::from(vec![b'x'; BUDGET])).unwrap_err();
        assert!(matches!(&back, SendError::Full(message) if message.len() == BUDGET));

        let expected = |n| request("MESSAGE", &format!("{n:0>1000}"));
        for number in 0..sent {
            caller.expect(expected(number)).await;
        }
        flow.send(expected(sent)).unwrap();
        caller.expect(expected(sent)).await;
        assert!(flow.is_open());
    });
}

#[test]
fn a_flow_that_has_ended_gives_everything_back_and_holds_nothing() {
    block_on(async {
        let flows = Flows::default();
        let lab = lab(collecting(&flows), small).await;
        let (caller, _) = full(&lab, &flows).await;
        let flow = flows.nth(0);
        let owned = Arc::new(vec![b'x'; 50]);
        let watched = Bytes::from_owner(Watched(Arc::clone(&owned)));
        // The flow is too full for one of its long messages, not for this.
        flow.send(watched.clone()).unwrap();
        drop(watched);
        assert_eq!(Arc::strong_count(&owned), 2, "it waits in the queue");

        caller.wire.reset();
        assert_eq!(closed(&lab.events).await.cause, CloseCause::Reset);
        assert_eq!(Arc::strong_count(&owned), 1, "the queue is gone");
        assert_eq!(flow.queued(), 0);
        assert!(!flow.is_open());
        let back = flow.send("late").unwrap_err();
        assert_eq!(back, SendError::Closed(Bytes::from("late")));
    });
}

struct Watched(Arc<Vec<u8>>);

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Answers every message with nine of its size, and counts those that did not fit.
struct Generous {
    flow: Flow,
    lost: Arc<AtomicUsize>,
    handled: Arc<AtomicUsize>,
}

impl SipSession for Generous {
    async fn message(&mut self, message: Message) {
        for _ in 0..9 {
            if self.flow.send(message.bytes().clone()).is_err() {
                self.lost.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.handled.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_handler_that_fills_its_own_flow_does_not_stop() {
    block_on(async {
        let (lost, handled) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let (notes, count) = (Arc::clone(&lost), Arc::clone(&handled));
        let application = Hosting(move |_: &Ready, flow| Generous {
            flow,
            lost: Arc::clone(&notes),
            handled: Arc::clone(&count),
        });
        let lab = lab(application, small).await;
        let mut caller = lab.call().await;
        // 100 messages, none of their answers read: more than pipe, TLS and flow can hold.
        for _ in 0..100 {
            caller.send(request("MESSAGE", &"b".repeat(1000))).await;
        }
        until(|| handled.load(Ordering::SeqCst) == 100).await;
        assert!(lost.load(Ordering::SeqCst) > 0);
        let answers = 900 - lost.load(Ordering::SeqCst);
        let expected = request("MESSAGE", &"b".repeat(1000));
        for _ in 0..answers {
            caller.expect(&expected).await;
        }
    });
}

/// Sends what it hears to every other session.
struct Crossing {
    own: Flow,
    all: Flows,
    handled: Arc<AtomicUsize>,
}

impl SipSession for Crossing {
    async fn message(&mut self, message: Message) {
        let flows = self.all.0.lock().unwrap().clone();
        for flow in flows.iter().filter(|flow| **flow != self.own) {
            for _ in 0..9 {
                let _ = flow.send(message.bytes().clone());
            }
        }
        self.handled.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn two_sessions_that_fill_each_others_flow_do_not_stop() {
    block_on(async {
        let flows = Flows::default();
        let handled = Arc::new(AtomicUsize::new(0));
        let (all, count) = (flows.clone(), Arc::clone(&handled));
        let application = Hosting(move |_: &Ready, flow: Flow| {
            all.0.lock().unwrap().push(flow.clone());
            Crossing {
                own: flow,
                all: all.clone(),
                handled: Arc::clone(&count),
            }
        });
        let lab = lab(application, small).await;
        let (mut one, mut two) = (lab.call().await, lab.call().await);
        until(|| flows.0.lock().unwrap().len() == 2).await;
        // Neither reads.
        for _ in 0..100 {
            one.send(request("MESSAGE", &"1".repeat(1000))).await;
            two.send(request("MESSAGE", &"2".repeat(1000))).await;
        }
        until(|| handled.load(Ordering::SeqCst) == 200).await;
        one.expect(request("MESSAGE", &"2".repeat(1000))).await;
        two.expect(request("MESSAGE", &"1".repeat(1000))).await;
        let report = async {
            drop((one, two));
            lab.handle.shutdown(Duration::ZERO).await
        };
        assert!(in_time(report).await.inbound.balanced());
    });
}

#[test]
fn a_flow_can_close_its_session_and_what_it_queued_before_still_leaves() {
    block_on(async {
        let flows = Flows::default();
        let lab = lab(collecting(&flows), |builder| builder).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        until(|| !flows.0.lock().unwrap().is_empty()).await;
        let flow = flows.nth(0);
        flow.send(request("BYE", "")).unwrap();
        flow.close(CloseCause::Replaced, Duration::from_secs(1));
        assert_eq!(caller.rest().await, (request("BYE", "").into_bytes(), true));
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::Replaced);
    });
}
