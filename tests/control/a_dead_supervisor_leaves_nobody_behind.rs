//! A panic inside the supervisor ends every connection in order: each handshake and each session
//! gets its last event, every socket closes, and whoever holds a handle learns of it.

use async_std::task::block_on;
use sipward::control::{CloseReason, SessionFilter, Target};
use sipward::sip::Message;
use sipward::{
    Cancelled, CloseCause, Discard, Event, EventFilter, EventKind, Flow, HandshakeCause, Ready,
    SendError, SipSession, Stopped,
};
use sipward_tests::peer;
use sipward_tests::peer::lab::lab;
use sipward_tests::peer::{Hosting, bed_with, in_time, ready, request, until};
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn every_session_and_every_handshake_ends_as_supervisor_gone() {
    block_on(async {
        let bed = bed_with(Discard, |builder| builder).await;
        let mut phones: Vec<_> = (0..5).map(|_| bed.phone()).collect();
        for _ in &phones {
            ready(&bed.events).await;
        }
        let mut silent: Vec<_> = (0..5).map(|_| bed.tcp()).collect();
        for _ in &silent {
            in_time(bed.events.next_of(EventKind::Accepted)).await;
        }

        in_time(bed.handle.panic_supervisor()).await;
        let phones = async_std::task::spawn_blocking(move || {
            phones.iter_mut().map(peer::Phone::rest).collect::<Vec<_>>()
        });
        for (heard, clean) in in_time(phones).await {
            assert_eq!(heard, b"");
            assert!(clean, "close_notify is said even then");
        }
        for socket in &mut silent {
            assert_eq!(socket.read(&mut [0]).unwrap(), 0);
        }
        let report = in_time(bed.handle.wait()).await;
        assert_eq!(report.panic.as_deref(), Some("told to panic"));
        let counts = report.inbound;
        assert_eq!((counts.begun, counts.ready, counts.closed), (10, 5, 5));
        assert_eq!((counts.failed, counts.open, counts.handshaking), (5, 0, 0));
        assert!(counts.balanced());

        let events = in_time(bed.events.rest()).await;
        let mut gone = 0;
        for event in &events {
            match event {
                Event::Closed(closed) => {
                    assert_eq!(closed.cause, CloseCause::SupervisorGone);
                    gone += 1;
                }
                Event::HandshakeFailed(failed) => {
                    let cancelled = Cancelled::SupervisorGone;
                    assert_eq!(failed.failure.cause, HandshakeCause::Cancelled(cancelled));
                    gone += 1;
                }
                _ => {}
            }
        }
        assert_eq!(gone, 10);
        match events.last() {
            Some(Event::Stopped { panic, inbound, .. }) => {
                assert_eq!(panic.as_deref(), Some("told to panic"));
                assert_eq!(*inbound, counts);
            }
            other => panic!("the last event is {other:?}"),
        }
    });
}

#[test]
fn whoever_asks_a_dead_supervisor_is_told_so() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let _caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        let handle = lab.handle.clone();
        in_time(handle.panic_supervisor()).await;

        in_time(async {
            assert_eq!(handle.snapshot().await.unwrap_err(), Stopped);
            assert_eq!(handle.inspect(id).await.unwrap_err(), Stopped);
            assert_eq!(handle.send(id, "late").await, Err(Stopped));
            let all = SessionFilter::default();
            assert_eq!(handle.sessions(all, None, 0).await.unwrap_err(), Stopped);
            let close = handle.close(
                Target::Connection(id),
                CloseReason::Operator,
                Duration::ZERO,
            );
            assert_eq!(close.await, Err(Stopped));
            let subscribe = handle.subscribe(EventFilter::all(), 1);
            assert_eq!(subscribe.await.unwrap_err(), Stopped);
        })
        .await;
        drop(_caller);
        let report = in_time(handle.shutdown(Duration::from_secs(8))).await;
        assert_eq!(report.panic.as_deref(), Some("told to panic"));
    });
}

#[test]
fn asks_under_way_when_it_dies_are_answered_or_ended() {
    block_on(async {
        for _ in 0..20 {
            let lab = lab(Discard, |builder| builder).await;
            let asks: Vec<_> = (0..20)
                .map(|number| {
                    let handle = lab.handle.clone();
                    async_std::task::spawn(async move {
                        if number == 10 {
                            handle.panic_supervisor().await;
                        }
                        handle.snapshot().await.is_ok()
                    })
                })
                .collect();
            for ask in asks {
                in_time(ask).await;
            }
            in_time(lab.handle.wait()).await;
        }
    });
}

struct Hanging;

impl SipSession for Hanging {
    async fn message(&mut self, _: Message) {
        std::future::pending().await
    }
}

#[test]
fn a_hanging_handler_does_not_outlive_it_and_flows_take_nothing_more() {
    block_on(async {
        let flows: Arc<Mutex<Vec<Flow>>> = Arc::default();
        let kept = Arc::clone(&flows);
        let application = Hosting(move |_: &Ready, flow| {
            kept.lock().unwrap().push(flow);
            Hanging
        });
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        caller.send(request("OPTIONS", "")).await;
        let id = ready(&lab.events).await.connection.id;
        loop {
            let seen = lab.handle.inspect(id).await.unwrap().unwrap();
            if seen.summary.stats.messages_in == 1 {
                break;
            }
        }
        in_time(lab.handle.panic_supervisor()).await;
        assert_eq!(caller.rest().await, (Vec::new(), true));
        drop(caller);
        let report = in_time(lab.handle.wait()).await;
        assert!(report.inbound.balanced());
        assert_eq!(report.inbound.closed, 1);
        let flow = flows.lock().unwrap().pop().unwrap();
        assert!(matches!(flow.send("late"), Err(SendError::Closed(_))));
    });
}

#[test]
fn nobody_is_let_in_after_it_has_died() {
    block_on(async {
        let bed = bed_with(Discard, |builder| builder).await;
        in_time(bed.handle.panic_supervisor()).await;
        let report = in_time(bed.handle.wait()).await;
        assert_eq!(report.inbound.begun, 0);
        let address = bed.address();
        // Its listener closes with it.
        until(|| std::net::TcpStream::connect(address).is_err()).await;
    });
}

#[test]
fn connections_that_arrive_while_it_dies_are_accounted_for() {
    block_on(async {
        for _ in 0..10 {
            let lab = lab(Discard, |builder| builder).await;
            let dialler = lab.dialler.clone();
            let client = lab.authority.client();
            let crowd = async_std::task::spawn(async move {
                for _ in 0..20 {
                    let wire = dialler.connect("192.0.2.1:1".parse().unwrap());
                    let mut caller = peer::lab::Caller::new(wire, Arc::clone(&client));
                    let _ = in_time(caller.shake_hands()).await;
                }
            });
            async_std::task::yield_now().await;
            in_time(lab.handle.panic_supervisor()).await;
            in_time(crowd).await;
            let report = in_time(lab.handle.wait()).await;
            assert!(report.inbound.balanced());
            assert_eq!((report.inbound.open, report.inbound.handshaking), (0, 0));
        }
    });
}
