//! Observers watch from a thread of their own: one that panics is reported and gone, one that
//! blocks stalls nobody until its backlog is full, and then only those who have yet to come in.

use async_std::task::{block_on, spawn, yield_now};
use futures_lite::FutureExt;
use sipward::{Discard, Event, EventKind, HandshakeCause, Observer};
use sipward_tests::peer::lab::lab;
use sipward_tests::peer::{bed_with, closed, echo, failed, in_time, ready, request};
use std::io::Write;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Panics at the first session.
struct Fragile;

impl Observer for Fragile {
    fn observe(&mut self, event: &Event) {
        assert!(event.kind() != EventKind::Ready, "cannot count that far");
    }
}

#[test]
fn one_that_panics_is_reported_and_the_others_see_everything() {
    block_on(async {
        let bed = bed_with(echo(), |builder| builder.observer(Fragile)).await;
        let mut phone = bed.phone();
        ready(&bed.events).await;
        let told = in_time(bed.events.next_of(EventKind::ObserverFailed)).await;
        let Event::ObserverFailed { observer, message } = told else {
            unreachable!()
        };
        assert_eq!((observer, message.as_str()), (1, "cannot count that far"));

        phone.send(request("OPTIONS", ""));
        phone.expect(request("OPTIONS", ""));
        let mut second = bed.phone();
        ready(&bed.events).await;
        second.hang_up();
        drop(second);
        closed(&bed.events).await;
        drop(phone);
        let report = in_time(bed.handle.shutdown(Duration::from_secs(1))).await;
        assert_eq!(report.panic, None);
        assert_eq!((report.inbound.ready, report.inbound.closed), (2, 2));
        let rest = in_time(bed.events.rest()).await;
        let again = rest
            .iter()
            .filter(|e| e.kind() == EventKind::ObserverFailed);
        assert_eq!(again.count(), 0, "it gets no more events");
        assert_eq!(rest.last().unwrap().kind(), EventKind::Stopped);
    });
}

#[test]
fn one_that_panicked_while_behind_does_not_keep_the_door_shut() {
    struct Slow(Receiver<()>);
    impl Observer for Slow {
        fn observe(&mut self, event: &Event) {
            if event.kind() == EventKind::Ready {
                let _ = self.0.recv();
                panic!("and then it broke");
            }
        }
    }
    block_on(async {
        let (release, blocked) = channel();
        let lab = lab(echo(), |builder| {
            builder.observer(Slow(blocked)).event_backlog(2)
        })
        .await;
        let mut callers = Vec::new();
        let begun = async || lab.handle.snapshot().await.unwrap().inbound.begun;
        let mut dialled = 0;
        // Until somebody is not let in.
        while dialled == begun().await {
            callers.push(lab.dial());
            dialled += 1;
            let shaking = callers.last_mut().unwrap().shake_hands();
            let _ = async_std::future::timeout(Duration::from_millis(100), shaking).await;
        }
        release.send(()).unwrap();
        in_time(async { while begun().await < dialled {} }).await;
    });
}

/// Passes on one event for each permission.
struct Blocked(Receiver<()>);

impl Observer for Blocked {
    fn observe(&mut self, _: &Event) {
        let _ = self.0.recv();
    }
}

fn blocked() -> (Sender<()>, Blocked) {
    let (permission, permissions) = channel();
    (permission, Blocked(permissions))
}

#[test]
fn one_that_blocks_stalls_no_handshake_and_no_message_within_its_backlog() {
    block_on(async {
        let (permission, observer) = blocked();
        let bed = bed_with(echo(), |builder| builder.observer(observer)).await;
        for round in 0..50 {
            let mut phone = bed.phone();
            let hello = request("OPTIONS", &round.to_string());
            phone.send(&hello);
            phone.expect(&hello);
            let mut plain = bed.tcp();
            plain.write_all(b"OPTIONS sip:a SIP/2.0\r\n").unwrap();
            drop(plain);
            let cause = &failed(&bed.events).await.failure.cause;
            assert!(matches!(cause, HandshakeCause::Plaintext(_)));
            phone.hang_up();
            drop(phone);
            closed(&bed.events).await;
        }
        let figures = bed.handle.snapshot().await.unwrap();
        assert!(figures.undelivered_events >= 200);
        drop(permission);
        in_time(async { while bed.handle.snapshot().await.unwrap().undelivered_events > 0 {} })
            .await;
    });
}

#[test]
fn above_its_backlog_nobody_new_comes_in_and_those_inside_go_on() {
    block_on(async {
        let (permission, observer) = blocked();
        let lab = lab(echo(), |builder| {
            builder.observer(observer).event_backlog(11)
        })
        .await;
        let begun = async || lab.handle.snapshot().await.unwrap().inbound.begun;
        let mut callers = Vec::new();
        // The limits, listening, and two for each of these: one event is in its hands, the others wait.
        for _ in 0..6 {
            callers.push(lab.call().await);
            ready(&lab.events).await;
        }
        // Shown to the recorder, and by now to the other as well.
        assert_eq!(begun().await, 6);
        let mut late = lab.dial();
        for _ in 0..200 {
            yield_now().await;
            assert_eq!(begun().await, 6);
        }
        let hello = request("OPTIONS", "inside");
        for caller in &mut callers {
            caller.send(&hello).await;
            caller.expect(&hello).await;
        }
        callers.truncate(1);
        for _ in 0..5 {
            closed(&lab.events).await;
        }
        assert_eq!(begun().await, 6);

        drop(permission);
        in_time(late.shake_hands()).await.unwrap();
        assert_eq!(begun().await, 7);
    });
}

#[test]
fn one_that_blocks_for_ever_delays_the_end_by_a_second_after_the_others() {
    block_on(async {
        let (_never, observer) = blocked();
        let lab = lab(Discard, |builder| builder.observer(observer)).await;
        let handle = lab.handle.clone();
        let shutdown = spawn(async move { handle.shutdown(Duration::ZERO).await });
        let mut shutdown = pin!(shutdown);
        // The other observer gets on within the first of these seconds, in the next nobody does.
        for _ in 0..2 {
            let ended = async {
                shutdown.as_mut().await;
                true
            };
            let armed = async {
                lab.armed(Duration::from_secs(1)).await;
                false
            };
            if ended.or(armed).await {
                return;
            }
            lab.clock.advance(Duration::from_secs(1));
        }
        in_time(shutdown).await;
    });
}

/// Says what it is shown, and needs a permission for each.
struct Slow(Receiver<()>, Sender<EventKind>);

impl Observer for Slow {
    fn observe(&mut self, event: &Event) {
        let _ = self.1.send(event.kind());
        let _ = self.0.recv();
    }
}

#[test]
fn one_that_is_slow_and_gets_on_is_waited_for_to_its_last_event() {
    block_on(async {
        let (permission, permissions) = channel();
        let (sender, seen) = channel();
        let lab = lab(Discard, |builder| {
            builder.observer(Slow(permissions, sender))
        })
        .await;
        let handle = lab.handle.clone();
        let shutdown = spawn(async move { handle.shutdown(Duration::ZERO).await });
        assert_eq!(seen.recv().unwrap(), EventKind::LimitsSet);
        // Within each second it gets one event further.
        for next in [EventKind::Listening, EventKind::Draining] {
            lab.armed(Duration::from_secs(1)).await;
            permission.send(()).unwrap();
            assert_eq!(seen.recv().unwrap(), next);
            lab.clock.advance(Duration::from_secs(1));
        }
        lab.armed(Duration::from_secs(1)).await;
        drop(permission);
        in_time(shutdown).await;
        assert_eq!(seen.iter().last(), Some(EventKind::Stopped));
    });
}

#[test]
fn every_observer_sees_the_same_events_in_the_same_order() {
    block_on(async {
        let (other, observer) = sipward::testing::Recorder::new();
        let lab = lab(Discard, |builder| builder.observer(observer)).await;
        for round in 0..20 {
            let caller = lab.dial();
            if round % 2 == 0 {
                drop(caller);
                failed(&lab.events).await;
            } else {
                let mut caller = caller;
                in_time(caller.shake_hands()).await.unwrap();
                ready(&lab.events).await;
                drop(caller);
                closed(&lab.events).await;
            }
        }
        in_time(lab.handle.shutdown(Duration::ZERO)).await;
        let seen = in_time(other.rest()).await;
        let kinds: Vec<EventKind> = seen.iter().map(Event::kind).collect();
        let mut expected = vec![EventKind::LimitsSet, EventKind::Listening];
        for _ in 0..10 {
            expected.extend([EventKind::Accepted, EventKind::HandshakeFailed]);
            expected.extend([EventKind::Accepted, EventKind::Ready, EventKind::Closed]);
        }
        expected.extend([
            EventKind::Draining,
            EventKind::ListenerClosed,
            EventKind::Stopped,
        ]);
        assert_eq!(kinds, expected);
    });
}
