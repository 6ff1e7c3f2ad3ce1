//! A shutdown ends, in the time it was given and a little, with every connection accounted for.

use async_std::task::{block_on, spawn, yield_now};
use futures_util::FutureExt;
use sipward::control::{Shutdown, Snapshot};
use sipward::sip::Message;
use sipward::{CloseCause, Discard, Event, EventKind, Ready, RefusalCause, SipSession};
use sipward_tests::peer::lab::{Caller, Lab, lab};
use sipward_tests::peer::{Hosting, bed, closed, in_time, ready, request};
use std::future::IntoFuture;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

struct Hanging;

impl SipSession for Hanging {
    async fn message(&mut self, _: Message) {
        std::future::pending().await
    }
}

/// A lab with one session whose handler hangs.
async fn hung() -> (Lab, Caller) {
    let application = Hosting(|_: &Ready, _| Hanging);
    let lab = lab(application, |builder| builder).await;
    let mut caller = lab.call().await;
    let id = ready(&lab.events).await.connection.id;
    caller.send(request("OPTIONS", "")).await;
    in_time(async {
        while lab
            .handle
            .inspect(id)
            .await
            .unwrap()
            .unwrap()
            .summary
            .stats
            .messages_in
            == 0
        {}
    })
    .await;
    (lab, caller)
}

#[test]
fn idle_sessions_are_told_and_leave_at_once() {
    block_on(async {
        let bed = bed().await;
        let mut phones: Vec<_> = (0..10).map(|_| bed.phone()).collect();
        for _ in &phones {
            ready(&bed.events).await;
        }
        let began = Instant::now();
        let handle = bed.handle.clone();
        let shutdown = spawn(async move { handle.shutdown(seconds(60)).await });
        for phone in &mut phones {
            assert_eq!(phone.rest(), (Vec::new(), true));
        }
        drop(phones);
        let report = in_time(shutdown).await;
        assert!(
            began.elapsed() < seconds(10),
            "nobody waits for the deadline"
        );
        assert_eq!((report.inbound.ready, report.inbound.closed), (10, 10));
        for _ in 0..10 {
            assert_eq!(closed(&bed.events).await.cause, CloseCause::Drain);
        }
    });
}

#[test]
fn a_second_shutdown_shortens_the_first() {
    block_on(async {
        let (lab, mut caller) = hung().await;
        let (one, two) = (lab.handle.clone(), lab.handle.clone());
        let first = spawn(async move { one.shutdown(seconds(3600)).await });
        lab.armed(seconds(3600)).await;
        let second = spawn(async move { two.shutdown(seconds(2)).await });
        lab.armed(seconds(2)).await;
        lab.clock.advance(seconds(2));
        assert_eq!(in_time(caller.rest()).await, (Vec::new(), true));
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(
            (&end.cause, end.duration),
            (&CloseCause::DrainDeadline, seconds(2))
        );
        assert_eq!(in_time(first).await, in_time(second).await);
    });
}

#[test]
fn a_second_shutdown_cannot_prolong_the_first() {
    block_on(async {
        let (lab, mut caller) = hung().await;
        let (one, two) = (lab.handle.clone(), lab.handle.clone());
        let first = spawn(async move { one.shutdown(seconds(5)).await });
        lab.armed(seconds(5)).await;
        let second = spawn(async move { two.shutdown(seconds(3600)).await });
        // Answered, and so taken in.
        let begun = lab.handle.address().send(Shutdown {
            deadline: seconds(3600),
        });
        let begun = in_time(begun.into_future()).await.unwrap();
        lab.clock.advance(seconds(5));
        in_time(caller.rest()).await;
        drop(caller);
        assert_eq!(closed(&lab.events).await.duration, seconds(5));
        let report = in_time(begun.finished()).await;
        assert_eq!(in_time(first).await, report);
        assert_eq!(in_time(second).await, report);
    });
}

#[test]
fn nobody_is_let_in_while_it_goes_on() {
    block_on(async {
        let (lab, mut caller) = hung().await;
        let handle = lab.handle.clone();
        let shutdown = spawn(async move { handle.shutdown(seconds(8)).await });
        lab.armed(seconds(8)).await;
        in_time(lab.events.next_of(EventKind::Draining)).await;
        assert!(lab.handle.snapshot().await.unwrap().draining);
        for _ in 0..20 {
            let mut late = lab.dial();
            assert!(in_time(late.shake_hands()).await.is_err());
        }
        lab.clock.advance(seconds(8));
        in_time(caller.rest()).await;
        drop(caller);
        let report = in_time(shutdown).await;
        assert_eq!((report.inbound.ready, report.inbound.closed), (1, 1));
        assert!(report.inbound.balanced());
        for event in in_time(lab.events.rest()).await {
            if let Event::Refused(refused) = event {
                assert_eq!(refused.cause, RefusalCause::Draining);
            }
        }
    });
}

#[test]
fn connections_that_arrive_as_it_begins_are_accounted_for() {
    block_on(async {
        for _ in 0..10 {
            let lab = lab(Discard, |builder| builder).await;
            let (dialler, client) = (lab.dialler.clone(), lab.authority.client());
            let crowd = spawn(async move {
                for _ in 0..20 {
                    let wire = dialler.connect("192.0.2.1:1".parse().unwrap());
                    let mut caller = Caller::new(wire, Arc::clone(&client));
                    let _ = in_time(caller.shake_hands()).await;
                }
            });
            for _ in 0..10 {
                yield_now().await;
            }
            let report = in_time(lab.handle.shutdown(seconds(8))).await;
            in_time(crowd).await;
            assert!(report.inbound.balanced());
            assert_eq!((report.inbound.open, report.inbound.handshaking), (0, 0));
            let events = in_time(lab.events.rest()).await;
            let of = |kind| events.iter().filter(|event| event.kind() == kind).count() as u64;
            assert_eq!(of(EventKind::Accepted), report.inbound.begun);
            assert_eq!(of(EventKind::Refused), report.inbound.refused);
            assert_eq!(of(EventKind::HandshakeFailed), report.inbound.failed);
            assert_eq!(of(EventKind::Ready), report.inbound.ready);
            assert_eq!(of(EventKind::Closed), report.inbound.closed);
            assert_eq!(of(EventKind::Discrepancy), 0);
        }
    });
}

#[test]
fn dropping_the_last_handle_is_a_shutdown() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        let clone = lab.handle.clone();
        drop(lab.handle);
        assert_eq!(clone.snapshot().await.unwrap().inbound.open, 1);
        assert!(!clone.snapshot().await.unwrap().draining);
        drop(clone);
        let draining = in_time(lab.events.next_of(EventKind::Draining)).await;
        let Event::Draining { open, deadline } = draining else {
            unreachable!()
        };
        assert_eq!((open, deadline), (1, seconds(8)));
        assert_eq!(in_time(caller.rest()).await, (Vec::new(), true));
        drop(caller);
        let stopped = in_time(lab.events.next_of(EventKind::Stopped)).await;
        let Event::Stopped { inbound, panic, .. } = stopped else {
            unreachable!()
        };
        assert_eq!((inbound.closed, panic), (1, None));
    });
}

#[test]
fn a_handler_that_blocks_its_thread_cannot_block_the_shutdown() {
    struct Blocking(Arc<Mutex<mpsc::Receiver<()>>>);
    impl SipSession for Blocking {
        async fn message(&mut self, _: Message) {
            let _ = self.0.lock().unwrap().recv();
        }
    }
    block_on(async {
        let (release, blocked) = mpsc::channel();
        let blocked = Arc::new(Mutex::new(blocked));
        let application = Hosting(move |_: &Ready, _| Blocking(Arc::clone(&blocked)));
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        caller.send(request("OPTIONS", "")).await;
        in_time(async {
            while lab
                .handle
                .inspect(id)
                .await
                .unwrap()
                .unwrap()
                .summary
                .stats
                .messages_in
                == 0
            {}
        })
        .await;
        let handle = lab.handle.clone();
        let mut shutdown = spawn(async move { handle.shutdown(seconds(8)).await });
        lab.armed(seconds(8)).await;
        // No later wish prolongs it.
        let begun = lab.handle.address().send(Shutdown {
            deadline: seconds(3600),
        });
        in_time(begun.into_future()).await.unwrap();
        let began = lab.clock.now();
        let mut ended = None;
        let report = in_time(async {
            loop {
                lab.clock.advance(Duration::from_millis(100));
                if lab.handle.snapshot().await.is_err() {
                    ended.get_or_insert(lab.clock.now());
                }
                if let Some(report) = (&mut shutdown).now_or_never() {
                    return report;
                }
            }
        })
        .await;
        assert!(ended.unwrap_or(began) - began < seconds(600));
        assert_eq!((report.inbound.open, report.inbound.closed), (1, 0));
        assert!(report.inbound.balanced());
        release.send(()).unwrap();
    });
}

#[test]
fn a_supervisor_that_has_ended_says_the_same_to_everybody() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let figures = in_time(lab.handle.address().send(Snapshot).into_future()).await;
        assert!(figures.is_ok(), "xtra users ask its address");
        let first = in_time(lab.handle.shutdown(Duration::ZERO)).await;
        assert_eq!(in_time(lab.handle.shutdown(seconds(8))).await, first);
        assert_eq!(in_time(lab.handle.wait()).await, first);
        assert!(lab.handle.snapshot().await.is_err());
    });
}
