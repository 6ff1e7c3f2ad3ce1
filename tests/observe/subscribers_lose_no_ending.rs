//! A subscription gets what its filter lets through. One that is not read pauses accepting; single
//! `accepted` and `refused` are shed and counted, beginnings and endings of sessions never.

use async_std::task::{block_on, yield_now};
use sipward::{AdmissionLimits, Discard, Event, EventFilter, EventKind, Subscription};
use sipward_tests::peer::lab::{Caller, Lab, lab};
use sipward_tests::peer::{closed, failed, in_time, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

async fn subscribe(lab: &Lab, kinds: &[EventKind], capacity: usize) -> Subscription {
    let filter = EventFilter::all().with_kinds(kinds.iter().copied());
    lab.handle.subscribe(filter, capacity).await.unwrap()
}

async fn begun(lab: &Lab) -> u64 {
    lab.handle.snapshot().await.unwrap().inbound.begun
}

/// Waits until that many connections have been accepted.
async fn accepted(lab: &Lab, count: u64) {
    in_time(async { while begun(lab).await < count {} }).await;
}

/// As many looks as anything that is going to happen needs.
async fn nobody_else_comes_in(lab: &Lab, count: u64) {
    for _ in 0..200 {
        yield_now().await;
        assert_eq!(begun(lab).await, count);
    }
}

#[test]
fn the_filter_decides_by_kind_connection_and_source() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let first = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        let kinds = [EventKind::Ready, EventKind::Closed];
        let mut kinds = subscribe(&lab, &kinds, 100).await;
        let one = EventFilter::all().with_connection(id);
        let mut one = lab.handle.subscribe(one, 100).await.unwrap();
        let far = EventFilter::all().with_peer("198.51.100.7".parse().unwrap());
        let mut far = lab.handle.subscribe(far, 100).await.unwrap();
        let mut all = lab.handle.subscribe(EventFilter::all(), 100).await.unwrap();

        let mut second = lab.dial_from("198.51.100.7:5061");
        in_time(second.shake_hands()).await.unwrap();
        ready(&lab.events).await;
        drop(first);
        closed(&lab.events).await;
        drop(second);
        let report = in_time(lab.handle.shutdown(Duration::ZERO)).await;
        assert!(report.inbound.balanced());

        use EventKind::{Accepted, Closed, Draining, ListenerClosed, Ready, Stopped};
        assert_eq!(rest(&mut kinds).await, [Ready, Closed, Closed]);
        assert_eq!(rest(&mut one).await, [Closed]);
        assert_eq!(rest(&mut far).await, [Accepted, Ready, Closed]);
        let mut seen = rest(&mut all).await;
        assert_eq!(seen.pop(), Some(Stopped));
        for kind in [Accepted, Ready, Draining, ListenerClosed] {
            assert!(seen.contains(&kind), "{kind:?} in {seen:?}");
        }
    });
}

/// The kinds of everything up to the supervisor's end.
async fn rest(subscription: &mut Subscription) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    while let Some(event) = in_time(subscription.next()).await {
        kinds.push(event.kind());
    }
    kinds
}

#[test]
fn one_that_is_not_read_pauses_accepting_and_reading_it_resumes() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut behind = subscribe(&lab, &[EventKind::Ready], 4).await;
        let mut callers = Vec::new();
        // The fifth finds four waiting.
        for _ in 0..5 {
            callers.push(lab.call().await);
            ready(&lab.events).await;
        }
        // Shown to the recorder, not yet to all others.
        begun(&lab).await;
        let _waiting = lab.dial();
        nobody_else_comes_in(&lab, 5).await;

        // Half of its capacity has to be free again.
        for _ in 0..2 {
            in_time(behind.next()).await.unwrap();
        }
        nobody_else_comes_in(&lab, 5).await;
        in_time(behind.next()).await.unwrap();
        accepted(&lab, 6).await;
        assert_eq!(behind.shed(), 0);
    });
}

#[test]
fn dropping_one_that_was_not_read_resumes_accepting() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let behind = subscribe(&lab, &[EventKind::Ready], 1).await;
        let _callers = [lab.call().await, lab.call().await];
        for _ in 0..2 {
            ready(&lab.events).await;
        }
        // Shown to the recorder, not yet to all others.
        begun(&lab).await;
        let _waiting = lab.dial();
        nobody_else_comes_in(&lab, 2).await;
        drop(behind);
        accepted(&lab, 3).await;
    });
}

#[test]
fn accepting_resumes_only_when_nobody_is_behind_any_more() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let one = subscribe(&lab, &[EventKind::Ready], 1).await;
        let two = subscribe(&lab, &[EventKind::Ready], 1).await;
        let _callers = [lab.call().await, lab.call().await];
        for _ in 0..2 {
            ready(&lab.events).await;
        }
        // Shown to the recorder, not yet to all others.
        begun(&lab).await;
        let _waiting = lab.dial();
        drop(one);
        nobody_else_comes_in(&lab, 2).await;
        drop(two);
        accepted(&lab, 3).await;
    });
}

#[test]
fn accepted_and_refused_are_shed_above_the_capacity_and_counted() {
    block_on(async {
        let lab = lab(Discard, |builder| {
            builder.limits(AdmissionLimits::default().with_connections(2))
        })
        .await;
        let mut accepts = subscribe(&lab, &[EventKind::Accepted], 1).await;
        let _first = lab.dial();
        accepted(&lab, 1).await;
        let _second = lab.dial();
        accepted(&lab, 2).await;
        assert_eq!(accepts.shed(), 1);
        let first = in_time(accepts.next()).await.unwrap();
        assert_eq!(first.connection().unwrap().id.number(), 1);
        drop(accepts);

        let refusals = subscribe(&lab, &[EventKind::Refused], 1).await;
        let _third = lab.dial();
        accepted(&lab, 3).await;
        let _fourth = lab.dial();
        accepted(&lab, 4).await;
        assert_eq!(refusals.shed(), 1);
    });
}

#[test]
fn beginnings_and_endings_of_sessions_are_never_shed() {
    block_on(async {
        const EACH: usize = 10;
        let lab = lab(Discard, |builder| builder).await;
        let open: Vec<Caller> = connect(&lab, EACH, Stage::Open).await;
        let brink = connect(&lab, EACH, Stage::Brink).await;
        let silent = connect(&lab, EACH, Stage::Discard).await;
        accepted(&lab, 3 * EACH as u64).await;
        for _ in 0..EACH {
            ready(&lab.events).await;
        }
        let kinds = [
            EventKind::HandshakeFailed,
            EventKind::Ready,
            EventKind::Closed,
        ];
        let mut behind = subscribe(&lab, &kinds, 1).await;
        drop(silent);
        for _ in 0..EACH {
            failed(&lab.events).await;
        }
        let mut established = Vec::new();
        for mut caller in brink {
            in_time(caller.push()).await.unwrap();
            established.push(caller);
            ready(&lab.events).await;
        }
        drop(open);
        for _ in 0..EACH {
            closed(&lab.events).await;
        }
        for kind in kinds {
            for _ in 0..EACH {
                assert_eq!(in_time(behind.next()).await.unwrap().kind(), kind);
            }
        }
        assert_eq!(behind.shed(), 0);
    });
}

enum Stage {
    Discard,
    /// All but its last flight has been sent.
    Brink,
    Open,
}

async fn connect(lab: &Lab, count: usize, stage: Stage) -> Vec<Caller> {
    let mut callers = Vec::new();
    for _ in 0..count {
        let mut caller = lab.dial();
        match stage {
            Stage::Discard => {}
            Stage::Open => in_time(caller.shake_hands()).await.unwrap(),
            Stage::Brink => {
                in_time(caller.push()).await.unwrap();
                while caller.tls.is_handshaking() {
                    in_time(caller.pull()).await.unwrap();
                }
            }
        }
        callers.push(caller);
    }
    callers
}

#[test]
fn accepting_never_stays_paused_however_closely_a_reader_follows() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut close_behind = subscribe(&lab, &[EventKind::Accepted], 1).await;
        let reader = std::thread::spawn(move || while close_behind.next_blocking().is_some() {});
        for round in 1..=3000 {
            drop(lab.dial());
            if round % 3 == 0 {
                accepted(&lab, round).await;
            }
        }
        accepted(&lab, 3000).await;
        in_time(lab.handle.shutdown(Duration::ZERO)).await;
        reader.join().unwrap();
    });
}

#[test]
fn accepting_never_stays_paused_when_a_subscription_is_dropped() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let done = Arc::new(AtomicBool::new(false));
        let (handle, stop) = (lab.handle.clone(), Arc::clone(&done));
        let coming_and_going = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let filter = EventFilter::all().with_kinds([EventKind::Accepted]);
                drop(block_on(handle.subscribe(filter, 1)).unwrap());
            }
        });
        for round in 1..=1000 {
            drop(lab.dial());
            accepted(&lab, round).await;
        }
        done.store(true, Ordering::SeqCst);
        coming_and_going.join().unwrap();
    });
}

#[test]
fn a_subscription_ends_with_the_supervisor() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut all = lab.handle.subscribe(EventFilter::all(), 100).await.unwrap();
        in_time(lab.handle.shutdown(Duration::ZERO)).await;
        let mut last = None;
        while let Some(event) = in_time(all.next()).await {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::Stopped { panic: None, .. })));
    });
}
