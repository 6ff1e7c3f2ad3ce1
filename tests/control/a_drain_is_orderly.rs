//! Going down is as orderly as coming up: nobody new, handshakes cancelled, the idle closed one after
//! the other, the busy left to finish, the rest cut at the deadline, and a report of how many ended
//! how. In virtual time.

use async_std::task::block_on;
use sipward::control::Report;
use sipward::sip::Message;
use sipward::testing::ManualClock;
use sipward::{
    Application, Busy, Cancelled, Closed, Event, EventKind, Flow, HandshakeCause, Ready, SipSession,
};
use sipward_tests::peer;
use sipward_tests::peer::{Bed, Phone, bed_with, in_time};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
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

async fn closed(bed: &Bed) -> Arc<Closed> {
    match in_time(bed.events.next_of(EventKind::Closed)).await {
        Event::Closed(closed) => closed,
        _ => unreachable!(),
    }
}

/// Leaves as soon as it is told goodbye, in a thread of its own; whether it was told.
fn leaves_when_told(mut phone: Phone) -> JoinHandle<bool> {
    std::thread::spawn(move || {
        let (_, said_goodbye) = phone.rest();
        said_goodbye
    })
}

/// A phone in a call.
fn calling(bed: &Bed) -> Phone {
    let mut phone = bed.phone();
    phone.send(peer::request("INVITE", ""));
    phone.expect(peer::request("INVITE", ""));
    phone
}

#[test]
fn the_application_is_told_and_nobody_new_comes_in() {
    block_on(async {
        let (bed, calls, clock) = draining_bed().await;
        let phone = leaves_when_told(calling(&bed));
        let drained = drain(&bed).await;
        in_time(bed.events.next_of(EventKind::ListenerClosed)).await;
        assert_eq!(*calls.told.lock().unwrap(), [DEADLINE]);
        assert!(TcpStream::connect(bed.address()).is_err());
        calls.going_on.lock().unwrap().clear();
        clock.advance(DEADLINE / 2);
        assert_eq!(closed(&bed).await.cause.name(), "drain");
        assert!(phone.join().unwrap());
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
        assert_eq!(
            failed.failure.cause,
            HandshakeCause::Cancelled(Cancelled::Drain)
        );
        assert_eq!(in_time(drained).await.endings, [("cancelled", 1)]);
    });
}

#[test]
fn idle_sessions_are_closed_one_after_the_other_over_half_the_time() {
    block_on(async {
        let (bed, _, clock) = draining_bed().await;
        let phones: Vec<_> = (0..8).map(|_| leaves_when_told(bed.phone())).collect();
        for _ in &phones {
            in_time(bed.events.next_of(EventKind::Ready)).await;
        }
        let drained = drain(&bed).await;
        let open = async || {
            let figures = in_time(bed.handle.snapshot()).await;
            figures.unwrap().inbound.open
        };
        closed(&bed).await;
        assert_eq!(open().await, 7, "the first goes at once, alone");
        clock.advance(DEADLINE / 4);
        for _ in 0..4 {
            closed(&bed).await;
        }
        assert_eq!(open().await, 3, "half of them in half of the half");
        clock.advance(DEADLINE / 4);
        for _ in 0..3 {
            closed(&bed).await;
        }
        for phone in phones {
            assert!(phone.join().unwrap(), "each is told goodbye");
        }
        assert_eq!(in_time(drained).await.endings, [("drain", 8)]);
    });
}

#[test]
fn a_busy_session_may_finish_and_one_that_does_not_is_cut_at_the_deadline() {
    block_on(async {
        let (bed, calls, clock) = draining_bed().await;
        let finishes = leaves_when_told(calling(&bed));
        let _goes_on = leaves_when_told(calling(&bed));
        let drained = drain(&bed).await;
        clock.advance(Duration::from_secs(1));
        let progress = in_time(bed.events.next_of(EventKind::DrainProgress)).await;
        assert!(matches!(
            progress,
            Event::DrainProgress {
                open: 2,
                busy: 2,
                ..
            }
        ));
        drop(calls.going_on.lock().unwrap().remove(0));
        clock.advance(DEADLINE / 2);
        assert_eq!(closed(&bed).await.cause.name(), "drain");
        assert!(finishes.join().unwrap());
        clock.advance(DEADLINE);
        assert_eq!(closed(&bed).await.cause.name(), "drain_deadline");
        let report = in_time(drained).await;
        assert_eq!(report.endings, [("drain", 1), ("drain_deadline", 1)]);
        assert!(report.inbound.balanced());
    });
}

#[test]
fn a_second_drain_can_only_shorten_the_first() {
    block_on(async {
        let (bed, _calls, _clock) = draining_bed().await;
        let _phone = leaves_when_told(calling(&bed));
        let drained = drain(&bed).await;
        let forced = in_time(bed.handle.drain(Duration::ZERO)).await;
        let closed = closed(&bed).await;
        assert_eq!(closed.cause.name(), "drain_deadline");
        assert!(closed.duration < DEADLINE);
        assert_eq!(in_time(drained).await, forced);
    });
}
