use super::*;
use crate::cause::CloseCause;
use crate::connection::{Connection, Direction};
use crate::session::ReportLog;
use futures_util::FutureExt;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Something a session holds, whose drop the test can see.
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Fixture {
    guard: SessionGuard,
    reports: Arc<ReportLog>,
    dropped: Arc<AtomicBool>,
}

fn fixture<F>(session: impl FnOnce(Held) -> F) -> Fixture
where
    F: Future<Output = SessionOutcome> + Send + 'static,
{
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
    let connection = Connection {
        id: ConnectionId::new(1),
        direction: Direction::Inbound,
        peer: address,
        local: address,
        listener: address,
        begun: SystemTime::UNIX_EPOCH,
    };
    let dropped = Arc::new(AtomicBool::new(false));
    let (reports, sender) = ReportLog::new();
    let future = session(Held(Arc::clone(&dropped)));
    let handle = SessionHandle::new(Arc::new(connection), 1000).0;
    let clock = Clock::default();
    let accepted = sender.accepted(Arc::clone(&handle), clock.now()).unwrap();
    Fixture {
        guard: SessionGuard::new(accepted, handle, sender, clock, Box::pin(future)),
        reports,
        dropped,
    }
}

/// The one report that was made. Checks that what the session held was dropped before.
fn the_report(fixture: &Fixture) -> SessionOutcome {
    assert!(fixture.dropped.load(Ordering::SeqCst));
    let report = fixture.reports.take().expect("a report was made");
    assert!(fixture.reports.take().is_none(), "only one report is made");
    match report {
        Lifecycle::Ended { outcome, .. } => outcome,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_session_that_returns_is_reported_as_it_says() {
    let mut fixture = fixture(|held| async move {
        let _held = held;
        SessionOutcome::Closed {
            cause: CloseCause::PeerClosed,
            alert: None,
        }
    });
    assert!((&mut fixture.guard).now_or_never().is_some());
    assert!(matches!(
        the_report(&fixture),
        SessionOutcome::Closed {
            cause: CloseCause::PeerClosed,
            ..
        }
    ));
}

#[test]
fn a_session_that_panics_is_reported_with_the_message() {
    let mut fixture = fixture(|held| async move {
        let _held = held;
        panic!("no dial tone")
    });
    assert!((&mut fixture.guard).now_or_never().is_some());
    match the_report(&fixture) {
        SessionOutcome::Panicked(message) => assert_eq!(message, "no dial tone"),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_session_whose_task_is_dropped_is_reported_by_the_guard() {
    let mut fixture = fixture(|held| async move {
        let _held = held;
        pending().await
    });
    assert!((&mut fixture.guard).now_or_never().is_none());
    let reports = Arc::clone(&fixture.reports);
    let dropped = Arc::clone(&fixture.dropped);
    drop(fixture);
    assert!(dropped.load(Ordering::SeqCst));
    assert!(matches!(
        reports.take(),
        Some(Lifecycle::Ended { outcome, .. }) if matches!(outcome, SessionOutcome::Dropped)
    ));
}

#[test]
fn a_destructor_that_panics_does_not_swallow_the_report() {
    struct Bomb(#[expect(dead_code, reason = "held to be dropped")] Held);
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while dropping")
        }
    }
    let mut fixture = fixture(|held| {
        let bomb = Bomb(held);
        async move {
            let _bomb = &bomb;
            pending::<()>().await;
            SessionOutcome::Dropped
        }
    });
    assert!((&mut fixture.guard).now_or_never().is_none());
    fixture.guard.finish(SessionOutcome::Dropped);
    match the_report(&fixture) {
        SessionOutcome::Panicked(message) => assert_eq!(message, "while dropping"),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn the_end_empties_the_flow() {
    let mut fixture = fixture(|held| async move {
        let _held = held;
        SessionOutcome::Dropped
    });
    let flow = crate::session::Flow::new(Arc::clone(&fixture.guard.handle));
    flow.send("never leaves").unwrap();
    assert!((&mut fixture.guard).now_or_never().is_some());
    assert_eq!(flow.queued(), 0);
    assert!(!flow.is_open());
}

/// Panics when it is dropped.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a mine went off")
        }
    }
}

impl AsRef<[u8]> for Mine {
    fn as_ref(&self) -> &[u8] {
        b"never leaves"
    }
}

#[test]
fn a_queued_message_that_panics_does_not_swallow_the_report() {
    let mut fixture = fixture(|held| async move {
        let _held = held;
        SessionOutcome::Dropped
    });
    let flow = crate::session::Flow::new(Arc::clone(&fixture.guard.handle));
    flow.send(bytes::Bytes::from_owner(Mine)).unwrap();
    assert!((&mut fixture.guard).now_or_never().is_some());
    match the_report(&fixture) {
        SessionOutcome::Panicked(message) => assert_eq!(message, "a mine went off"),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_panic_whose_payload_panics_does_not_swallow_the_report() {
    let mut fixture = fixture(|held| async move {
        let _held = held;
        std::panic::panic_any(Mine)
    });
    assert!((&mut fixture.guard).now_or_never().is_some());
    assert!(matches!(the_report(&fixture), SessionOutcome::Panicked(_)));
}
