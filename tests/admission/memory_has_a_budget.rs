//! What connections may hold together is bounded when an operator says so: newcomers are refused
//! with the figures, who is in already stays, and what was counted is counted back.

use async_std::task::block_on;
use futures_lite::AsyncWriteExt;
use sipward::sip::Message;
use sipward::{
    AdmissionLimits, Application, Discard, Event, EventKind, Flow, Ready, RefusalCause, SipSession,
};
use sipward_tests::peer::lab::{Lab, lab};
use sipward_tests::peer::{Hosting, closed, echo, failed, in_time, ready, request, until};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a handshake and a session that has buffered nothing count, in bytes.
const HANDSHAKE: usize = 80 * 1024;
const SESSION: usize = 12 * 1024;

async fn with_budget<A: Application>(application: A, budget: usize) -> Lab {
    let mut limits = AdmissionLimits::default();
    limits.memory = Some(budget);
    lab(application, |builder| builder.limits(limits)).await
}

async fn counted(lab: &Lab) -> usize {
    lab.handle.snapshot().await.unwrap().memory
}

async fn refused(lab: &Lab) -> (RefusalCause, u64, u64) {
    match in_time(lab.events.next_of(EventKind::Refused)).await {
        Event::Refused(refused) => (refused.cause, refused.limit, refused.current),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newcomer_above_the_budget_is_refused_with_both_figures_and_let_in_when_others_have_left() {
    block_on(async {
        let budget = 2 * HANDSHAKE + SESSION;
        let lab = with_budget(Discard, budget).await;
        let caller = lab.call().await;
        ready(&lab.events).await;
        assert_eq!(counted(&lab).await, SESSION);
        let one = lab.dial();
        let other = lab.dial();
        for _ in 0..2 {
            in_time(lab.events.next_of(EventKind::Accepted)).await;
        }
        assert_eq!(counted(&lab).await, budget);

        let _refused = lab.dial();
        let figures = (RefusalCause::MemoryBudget, budget as u64, budget as u64);
        assert_eq!(refused(&lab).await, figures);

        drop((one, other));
        failed(&lab.events).await;
        failed(&lab.events).await;
        assert_eq!(counted(&lab).await, SESSION);
        let _second = lab.call().await;
        ready(&lab.events).await;
        drop(caller);
        closed(&lab.events).await;
        assert_eq!(counted(&lab).await, SESSION);
    });
}

#[test]
fn a_budget_of_less_than_one_handshake_lets_nobody_in() {
    block_on(async {
        let lab = with_budget(Discard, HANDSHAKE - 1).await;
        let _refused = lab.dial();
        let figures = (RefusalCause::MemoryBudget, HANDSHAKE as u64 - 1, 0);
        assert_eq!(refused(&lab).await, figures);
    });
}

#[test]
fn a_budget_lowered_below_what_is_held_ends_no_session() {
    block_on(async {
        let lab = with_budget(echo(), 10 * HANDSHAKE).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        let mut limits = lab.handle.snapshot().await.unwrap().limits;
        limits.memory = Some(1);
        let before = lab.handle.set_limits(limits).await.unwrap();
        assert_eq!(before.memory, Some(10 * HANDSHAKE));
        let message = request("OPTIONS", "");
        caller.send(&message).await;
        caller.expect(&message).await;
    });
}

#[test]
fn the_part_of_a_message_that_has_come_counts_until_the_message_is_served() {
    block_on(async {
        let lab = with_budget(echo(), 10 * HANDSHAKE).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        let message = request("MESSAGE", &"m".repeat(40_000));
        let (begun, rest) = message.split_at(30_000);
        caller.send(begun).await;
        let whole = SESSION + 40 * 1024;
        wait_until_it_counts(&lab, |counted| counted > whole - 8 * 1024).await;
        let page = lab.handle.sessions(Default::default(), None, 1).await;
        let summary = &page.unwrap().sessions[0];
        assert_eq!(
            (summary.connection.id, summary.memory),
            (id, counted(&lab).await)
        );
        caller.send(rest).await;
        caller.expect(&message).await;
        wait_until_it_counts(&lab, |counted| counted == SESSION).await;
    });
}

#[test]
fn what_tls_holds_of_a_record_that_is_not_whole_counts() {
    block_on(async {
        let lab = with_budget(Discard, 10 * HANDSHAKE).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        caller.tls.writer().write_all(&[b'm'; 16_000]).unwrap();
        let record = caller.flight();
        caller.wire.write_all(&record[..9000]).await.unwrap();
        wait_until_it_counts(&lab, |counted| counted == SESSION + 8 * 1024).await;
    });
}

/// Answers one request with as many messages as its flow takes.
struct Talkative {
    flow: Flow,
    taken: Arc<AtomicUsize>,
}

impl SipSession for Talkative {
    async fn message(&mut self, _: Message) {
        let message = request("MESSAGE", &"m".repeat(8000));
        while self.flow.send(message.clone()).is_ok() {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn what_a_peer_does_not_read_counts_and_is_bounded_by_its_flow() {
    block_on(async {
        let taken = Arc::new(AtomicUsize::new(0));
        let application = Hosting({
            let taken = Arc::clone(&taken);
            move |_: &Ready, flow| Talkative {
                flow,
                taken: Arc::clone(&taken),
            }
        });
        let lab = with_budget(application, 100 * HANDSHAKE).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        // What TLS takes of the queue makes room for what the next request adds.
        for _ in 0..20 {
            caller.send(request("OPTIONS", "")).await;
        }
        until(|| taken.load(Ordering::Relaxed) * 8000 > 256 * 1024).await;
        // Queued, the message after that, and at TLS two buffers of 64 KiB, of which the one that
        // grows may have twice the room.
        let most = SESSION + (256 + 8 + 4 * 64 + 64) * 1024;
        wait_until_it_counts(&lab, |counted| counted > SESSION + 200 * 1024).await;
        assert!(counted(&lab).await <= most, "{}", counted(&lab).await);

        drop(caller);
        closed(&lab.events).await;
        assert_eq!(counted(&lab).await, 0);
    });
}

async fn wait_until_it_counts(lab: &Lab, so: impl Fn(usize) -> bool) {
    in_time(async {
        while !so(counted(lab).await) {
            async_std::task::yield_now().await;
        }
    })
    .await;
}
