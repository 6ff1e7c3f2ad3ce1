//! Going down is as orderly as coming up: nobody new, handshakes cancelled, the idle closed one after
//! the other, the busy left to finish, the rest cut at the deadline, and a report of how many ended
//! how. In virtual time.

mod peer;

use async_std::task::{block_on, yield_now};
use peer::{Bed, bed_with, in_time};
use sipward::control::Report;
use sipward::sip::Message;
use sipward::testing::ManualClock;
use sipward::{
    Application, Busy, Cancelled, Event, EventKind, Flow, HandshakeCause, Ready, SipSession,
};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(8);

/// Sessions are busy from their first message until the test lets them go.
#[derive(Clone, Default)]
struct Calls {
    going_on: Arc<Mutex<Vec<Busy>>>,
    told: Arc<Mutex<Vec<Duration>>>,
}

impl Application for Calls {
    type Session = Call;

    fn open(&self, _: &Ready, flow: Flow) -> Call {
        Call(flow, self.clone())
    }

    fn draining(&self, deadline: Duration) {
        self.told.lock().unwrap().push(deadline);
    }
}

struct Call(Flow, Calls);

impl SipSession for Call {
    async fn message(&mut self, message: Message) {
        self.1.going_on.lock().unwrap().push(self.0.busy());
        self.0.send(message.into_bytes()).unwrap();
    }
}

async fn draining_bed() -> (Bed, Calls, ManualClock) {
    let calls = Calls::default();
    let clock = ManualClock::new();
    let bed = bed_with(calls.clone(), |builder| builder.clock(clock.clone())).await;
    (bed, calls, clock)
}

/// Begins a drain; its report is what the task gives.
async fn drain(bed: &Bed) -> async_std::task::JoinHandle<Report> {
    let handle = bed.handle.clone();
    let drained = async_std::task::spawn(async move { handle.drain(DEADLINE).await });
    in_time(bed.events.next_of(EventKind::Draining)).await;
    drained
}

/// Moves the clock on, in steps small enough for every timer, until an event of this kind.
async fn until(bed: &Bed, clock: &ManualClock, kind: EventKind) -> (Event, Duration) {
    let began = clock.now();
    in_time(async {
        let mut next = Box::pin(bed.events.next_of(kind));
        loop {
            if let Some(event) = futures_lite::future::poll_once(&mut next).await {
                return (event, clock.now() - began);
            }
            clock.advance(Duration::from_millis(10));
            for _ in 0..50 {
                yield_now().await;
            }
        }
    })
    .await
}

#[test]
fn the_application_is_told_and_nobody_new_comes_in() {
    block_on(async {
        let (bed, calls, clock) = draining_bed().await;
        let mut phone = bed.phone();
        phone.send(peer::request("INVITE", ""));
        phone.expect(peer::request("INVITE", ""));
        let drained = drain(&bed).await;
        assert_eq!(*calls.told.lock().unwrap(), [DEADLINE]);
        until(&bed, &clock, EventKind::ListenerClosed).await;
        assert!(TcpStream::connect(bed.address()).is_err());
        calls.going_on.lock().unwrap().clear();
        until(&bed, &clock, EventKind::Closed).await;
        assert!(in_time(drained).await.inbound.balanced());
    });
}

#[test]
fn a_handshake_is_cancelled_at_once() {
    block_on(async {
        let (bed, _, _) = draining_bed().await;
        let _silent = bed.tcp();
        in_time(bed.events.next_of(EventKind::Accepted)).await;
        let drained = drain(&bed).await;
        let event = in_time(bed.events.next_of(EventKind::HandshakeFailed)).await;
        let Event::HandshakeFailed(failed) = event else {
            unreachable!()
        };
        assert_eq!(failed.cause, HandshakeCause::Cancelled(Cancelled::Drain));
        assert_eq!(in_time(drained).await.endings, [("cancelled", 1)]);
    });
}

#[test]
fn idle_sessions_are_closed_one_after_the_other_over_half_the_time() {
    block_on(async {
        let (bed, _, clock) = draining_bed().await;
        let phones: Vec<_> = (0..8).map(|_| bed.phone()).collect();
        for _ in &phones {
            in_time(bed.events.next_of(EventKind::Ready)).await;
        }
        // Each phone ends its half as soon as we have ended ours.
        let leaving = phones.into_iter().map(|mut phone| {
            std::thread::spawn(move || {
                let (_, said_goodbye) = phone.rest();
                said_goodbye
            })
        });
        let leaving: Vec<_> = leaving.collect();
        let drained = drain(&bed).await;
        let began = clock.now();
        let mut closed = Vec::new();
        for _ in 0..8 {
            until(&bed, &clock, EventKind::Closed).await;
            closed.push(clock.now() - began);
        }
        let (first, last) = (closed[0], closed[7]);
        assert!(first < DEADLINE / 4, "the first goes soon: {closed:?}");
        assert!(last > DEADLINE / 4, "they are spread: {closed:?}");
        assert!(last <= DEADLINE * 3 / 4, "over about half: {closed:?}");
        for phone in leaving {
            assert!(phone.join().unwrap(), "each is told goodbye");
        }
        assert_eq!(in_time(drained).await.endings, [("drain", 8)]);
    });
}

#[test]
fn a_busy_session_may_finish_and_one_that_does_not_is_cut_at_the_deadline() {
    block_on(async {
        let (bed, calls, clock) = draining_bed().await;
        let mut phones = [bed.phone(), bed.phone()];
        for phone in &mut phones {
            phone.send(peer::request("INVITE", ""));
            phone.expect(peer::request("INVITE", ""));
        }
        let drained = drain(&bed).await;
        let (progress, _) = until(&bed, &clock, EventKind::DrainProgress).await;
        assert!(matches!(
            progress,
            Event::DrainProgress {
                open: 2,
                busy: 2,
                ..
            }
        ));
        calls.going_on.lock().unwrap().pop();
        let (closed, _) = until(&bed, &clock, EventKind::Closed).await;
        let Event::Closed(closed) = closed else {
            unreachable!()
        };
        assert_eq!(closed.cause.name(), "drain");
        until(&bed, &clock, EventKind::Closed).await;
        let report = in_time(drained).await;
        assert_eq!(report.endings, [("drain", 1), ("drain_deadline", 1)]);
        assert!(report.inbound.balanced());
    });
}

#[test]
fn a_second_drain_can_only_shorten_the_first() {
    block_on(async {
        let (bed, _calls, clock) = draining_bed().await;
        let mut phone = bed.phone();
        phone.send(peer::request("INVITE", ""));
        phone.expect(peer::request("INVITE", ""));
        let drained = drain(&bed).await;
        let handle = bed.handle.clone();
        let forced = async_std::task::spawn(async move { handle.drain(Duration::ZERO).await });
        let (closed, after) = until(&bed, &clock, EventKind::Closed).await;
        assert!(after < DEADLINE);
        let Event::Closed(closed) = closed else {
            unreachable!()
        };
        assert_eq!(closed.cause.name(), "drain_deadline");
        assert_eq!(in_time(drained).await, in_time(forced).await);
    });
}
