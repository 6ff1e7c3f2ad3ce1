//! A session serves nothing before the supervisor has answered its `Ready`; while a shutdown goes
//! on the answer is no, and the connection ends as a cancelled handshake.

use async_std::task::block_on;
use futures_util::FutureExt;
use sipward::{
    Cancelled, CloseCause, Discard, Event, EventFilter, EventKind, Flow, HandshakeCause, Ready,
    Subscription,
};
use sipward_tests::peer;
use sipward_tests::peer::lab::{Caller, lab};
use sipward_tests::peer::{Hosting, closed, failed, in_time, until};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn an_application_is_asked_only_after_the_supervisor_has_entered_the_session() {
    block_on(async {
        let watching: Arc<Mutex<Option<Subscription>>> = Arc::default();
        let entered: Arc<Mutex<Vec<bool>>> = Arc::default();
        let (watcher, notes) = (Arc::clone(&watching), Arc::clone(&entered));
        let application = Hosting(move |ready: &Ready, _: Flow| {
            let mut watching = watcher.lock().unwrap();
            let event = watching.as_mut().unwrap().next().now_or_never().flatten();
            let known =
                matches!(event, Some(Event::Ready(known)) if known.connection == ready.connection);
            notes.lock().unwrap().push(known);
            Discard
        });
        let lab = lab(application, |builder| builder).await;
        let only_ready = EventFilter::all().with_kinds([EventKind::Ready]);
        let subscription = lab.handle.subscribe(only_ready, 1000).await.unwrap();
        *watching.lock().unwrap() = Some(subscription);

        for round in 0..50 {
            let _caller = lab.call().await;
            until(|| entered.lock().unwrap().len() > round).await;
        }
        assert!(entered.lock().unwrap().iter().all(|known| *known));
    });
}

#[test]
fn a_handshake_that_succeeds_during_a_shutdown_is_cancelled_and_served_nothing() {
    block_on(async {
        for _ in 0..10 {
            let opened = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&opened);
            let application = Hosting(move |_: &Ready, _: Flow| {
                count.fetch_add(1, Ordering::SeqCst);
                Discard
            });
            let lab = lab(application, |builder| builder).await;
            let mut callers = Vec::new();
            for _ in 0..20 {
                callers.push(on_the_brink(lab.dial()).await);
            }
            // All last flights and the order to shut down are on their way at the same time.
            let handle = lab.handle.clone();
            let shutdown =
                async_std::task::spawn(
                    async move { handle.shutdown(Duration::from_secs(8)).await },
                );
            let mut gone = Vec::new();
            for mut caller in callers {
                let _ = caller.push().await;
                gone.push(caller);
            }
            for mut caller in gone {
                in_time(caller.rest()).await;
            }
            let report = in_time(shutdown).await;
            assert!(report.inbound.balanced());
            assert_eq!(report.inbound.begun, 20);

            let events = in_time(lab.events.rest()).await;
            let kinds: Vec<EventKind> = events.iter().map(Event::kind).collect();
            let draining = kinds.iter().position(|kind| *kind == EventKind::Draining);
            let after = &kinds[draining.unwrap()..];
            assert!(!after.contains(&EventKind::Ready), "{after:?}");
            let ready: BTreeSet<u64> = of_kind(&events, EventKind::Ready);
            assert!(opened.load(Ordering::SeqCst) <= ready.len());
            for event in &events {
                if let Event::HandshakeFailed(failed) = event {
                    let drained = HandshakeCause::Cancelled(Cancelled::Drain);
                    assert_eq!(failed.failure.cause, drained);
                }
            }
        }
    });
}

#[test]
fn a_handshake_going_on_is_cancelled_by_a_shutdown_and_by_a_close() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let first = lab.dial_from("192.0.2.8:1");
        in_time(lab.events.next_of(EventKind::Accepted)).await;
        let source = sipward::control::Target::Source("192.0.2.8".parse().unwrap());
        let reason = sipward::control::CloseReason::Operator;
        let told = lab.handle.close(source, reason, Duration::ZERO).await;
        assert_eq!(told, Ok(1));
        let cause = HandshakeCause::Cancelled(Cancelled::Operator);
        assert_eq!(failed(&lab.events).await.failure.cause, cause);
        drop(first);

        let _second = lab.dial();
        in_time(lab.events.next_of(EventKind::Accepted)).await;
        let report = in_time(lab.handle.shutdown(Duration::from_secs(8))).await;
        let cause = HandshakeCause::Cancelled(Cancelled::Drain);
        assert_eq!(failed(&lab.events).await.failure.cause, cause);
        assert_eq!((report.inbound.begun, report.inbound.failed), (2, 2));
    });
}

#[test]
fn a_message_sent_with_the_last_flight_waits_for_the_answer_and_is_served_after_it() {
    block_on(async {
        let lab = lab(peer::echo(), |builder| builder).await;
        let mut caller = on_the_brink(lab.dial()).await;
        let hello = peer::request("OPTIONS", "early");
        caller.send(&hello).await;
        caller.expect(&hello).await;
        caller.hang_up().await;
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::PeerClosed);
    });
}

/// A client that has everything for its last flight and has not sent it.
async fn on_the_brink(mut caller: Caller) -> Caller {
    in_time(caller.push()).await.unwrap();
    while caller.tls.is_handshaking() {
        in_time(caller.pull()).await.unwrap();
    }
    caller
}

fn of_kind(events: &[Event], kind: EventKind) -> BTreeSet<u64> {
    let events = events.iter().filter(|event| event.kind() == kind);
    let connections = events.filter_map(Event::connection);
    connections
        .map(|connection| connection.id.number())
        .collect()
}
