//! Every ten seconds the supervisor compares its books with the permits its sessions hold, and says
//! so when they disagree; a healthy system, busy or quiet, never does.

use async_std::task::{block_on, yield_now};
use sipward::testing::{Dialler, ManualClock, MemoryStream, Recorder};
use sipward::{Event, EventFilter, EventKind, Handle, Supervisor};
use sipward_tests::peer::{Authority, in_time};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const BETWEEN_AUDITS: Duration = Duration::from_secs(10);

/// What does not agree is looked at again after this, and said when it has not agreed 20 times.
const AGAIN: Duration = Duration::from_millis(500);

struct Bed {
    handle: Handle,
    dialler: Dialler,
    clock: ManualClock,
    events: Recorder,
}

async fn bed() -> Bed {
    let clock = ManualClock::new();
    let (events, observer) = Recorder::new();
    let (builder, dialler) = Supervisor::builder(Authority::new().policy())
        .without_log()
        .observer(observer)
        .clock(clock.clone())
        .listen_in_memory();
    let handle = builder.start().await.unwrap();
    Bed {
        handle,
        dialler,
        clock,
        events,
    }
}

impl Bed {
    async fn dial(&self) -> MemoryStream {
        let stream = self
            .dialler
            .connect(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
        in_time(self.events.next_of(EventKind::Accepted)).await;
        stream
    }

    /// Lets this time pass, and the supervisor look if it is time to.
    async fn pass(&self, time: Duration) {
        let now = self.clock.now() + time;
        self.clock.advance(time);
        // Its next alarm is set once it has looked.
        let looked = async {
            while !self.clock.alarms().iter().any(|alarm| *alarm > now) {
                yield_now().await;
            }
        };
        in_time(looked).await;
    }

    /// Waits until so many connections are open in the ledger.
    async fn count_is(&self, open: usize) {
        let counted = async {
            while self.handle.snapshot().await.unwrap().inbound.handshaking != open as u64 {
                yield_now().await;
            }
        };
        in_time(counted).await;
    }

    /// Waits until every permit is that of a connection in the ledger.
    async fn settles(&self) {
        let settled = async {
            loop {
                let figures = self.handle.snapshot().await.unwrap();
                let open = figures.inbound.handshaking + figures.inbound.open;
                if figures.permits as u64 == open {
                    return;
                }
                yield_now().await;
            }
        };
        in_time(settled).await;
    }

    /// Every event to the end.
    async fn end(self) -> Vec<Event> {
        in_time(self.handle.shutdown(Duration::ZERO)).await;
        in_time(self.events.rest()).await
    }
}

fn discrepancies(events: &[Event]) -> Vec<&str> {
    let what = events.iter().filter_map(|event| match event {
        Event::Discrepancy { what, .. } => Some(what.as_str()),
        _ => None,
    });
    what.collect()
}

#[test]
fn a_permit_that_never_came_back_is_reported_within_twenty_looks() {
    block_on(async {
        let bed = bed().await;
        bed.handle.leak_permit().await.unwrap();
        bed.pass(BETWEEN_AUDITS).await;
        for _ in 1..20 {
            bed.pass(AGAIN).await;
        }
        let Event::Discrepancy { what, connection } =
            in_time(bed.events.next_of(EventKind::Discrepancy)).await
        else {
            unreachable!()
        };
        assert_eq!(connection, None);
        assert_eq!(
            what,
            "1 permits are held, but 0 connections are open in the ledger"
        );
        let report = in_time(bed.handle.shutdown(Duration::ZERO)).await;
        assert_eq!(report.permits, 1);
    });
}

#[test]
fn a_leak_is_reported_while_connections_come_and_go() {
    block_on(async {
        let bed = bed().await;
        let only = EventFilter::all().with_kinds([EventKind::Discrepancy]);
        let mut reports = bed.handle.subscribe(only, 10).await.unwrap();
        bed.handle.leak_permit().await.unwrap();
        let mut open = vec![bed.dial().await];
        // A look that falls on a word still on its way does not count, so it may take a few more.
        let busy = async {
            loop {
                open.push(bed.dial().await);
                drop(open.remove(0));
                bed.count_is(open.len()).await;
                bed.pass(AGAIN).await;
            }
        };
        let reported = async { reports.next().await.unwrap() };
        let event = in_time(futures_lite::future::or(reported, busy)).await;
        assert_eq!(event.kind(), EventKind::Discrepancy);
    });
}

#[test]
fn a_quiet_system_is_never_said_to_disagree() {
    block_on(async {
        let bed = bed().await;
        for _ in 0..50 {
            bed.pass(BETWEEN_AUDITS).await;
        }
        assert_eq!(discrepancies(&bed.end().await), Vec::<&str>::new());
    });
}

#[test]
fn a_busy_system_is_never_said_to_disagree() {
    block_on(async {
        let bed = bed().await;
        let mut open = Vec::new();
        for round in 0..300 {
            // Dialled and left without looking whether anybody has noticed yet.
            let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000 + round));
            open.push(bed.dialler.connect(peer));
            if round % 3 == 0 {
                open.remove(0).reset();
            }
            if round % 10 == 0 {
                // Real time for what virtual time has outrun: a word that takes ten looks to come.
                bed.settles().await;
            }
            if round % 7 == 0 {
                open.clear();
            }
            bed.clock.advance(BETWEEN_AUDITS / 4);
            yield_now().await;
        }
        assert_eq!(discrepancies(&bed.end().await), Vec::<&str>::new());
    });
}
