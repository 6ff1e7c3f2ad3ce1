use super::*;
use crate::cause::CloseCause;
use crate::connection::{Connection, Direction};
use crate::lane::Reader;
use futures_util::FutureExt;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Something a session holds: the test sees when it is gone.
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Bed {
    ending: Ending,
    lane: Reader,
    dropped: Arc<AtomicBool>,
}

fn bed<F>(session: impl FnOnce(Held) -> F) -> Bed
where
    F: Future<Output = Ended> + Send + 'static,
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
    let (sender, lane) = Lane::new();
    let future = session(Held(Arc::clone(&dropped)));
    Bed {
        ending: Ending::new(
            Line::new(Arc::new(connection), 1000),
            sender,
            Clock::default(),
            Box::pin(future),
        ),
        lane,
        dropped,
    }
}

/// The one word said, with what the session held gone before it.
fn the_word(bed: &Bed) -> Ended {
    assert!(bed.dropped.load(Ordering::SeqCst));
    let word = bed.lane.words().take().expect("a word was said");
    assert!(bed.lane.is_empty(), "only one word is said");
    match word {
        Lifecycle::Ended { how, .. } => how,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_session_that_returns_is_reported_as_it_says() {
    let mut bed = bed(|held| async move {
        let _held = held;
        Ended::Session {
            cause: CloseCause::PeerClosed,
            alert: None,
        }
    });
    assert!((&mut bed.ending).now_or_never().is_some());
    assert!(matches!(
        the_word(&bed),
        Ended::Session {
            cause: CloseCause::PeerClosed,
            ..
        }
    ));
}

#[test]
fn a_session_that_panics_is_reported_with_the_message() {
    let mut bed = bed(|held| async move {
        let _held = held;
        panic!("no dial tone")
    });
    assert!((&mut bed.ending).now_or_never().is_some());
    match the_word(&bed) {
        Ended::Panicked(message) => assert_eq!(message, "no dial tone"),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_session_whose_task_is_dropped_is_reported_by_the_guard() {
    let mut bed = bed(|held| async move {
        let _held = held;
        pending().await
    });
    assert!((&mut bed.ending).now_or_never().is_none());
    let (_, spare) = Lane::new();
    let lane = std::mem::replace(&mut bed.lane, spare);
    let dropped = Arc::clone(&bed.dropped);
    drop(bed);
    assert!(dropped.load(Ordering::SeqCst));
    assert!(matches!(
        lane.words().take(),
        Some(Lifecycle::Ended { how, .. }) if matches!(how, Ended::Abandoned)
    ));
}

#[test]
fn a_destructor_that_panics_does_not_swallow_the_word() {
    struct Bomb(#[expect(dead_code, reason = "held to be dropped")] Held);
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while dropping")
        }
    }
    let mut bed = bed(|held| {
        let bomb = Bomb(held);
        async move {
            let _bomb = &bomb;
            pending::<()>().await;
            Ended::Abandoned
        }
    });
    assert!((&mut bed.ending).now_or_never().is_none());
    bed.ending.finish(Ended::Abandoned);
    match the_word(&bed) {
        Ended::Panicked(message) => assert_eq!(message, "while dropping"),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn the_end_empties_the_flow() {
    let mut bed = bed(|held| async move {
        let _held = held;
        Ended::Abandoned
    });
    let flow = crate::flow::Flow::new(Arc::clone(&bed.ending.line));
    flow.send("never leaves").unwrap();
    assert!((&mut bed.ending).now_or_never().is_some());
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
fn a_queued_message_that_panics_does_not_swallow_the_word() {
    let mut bed = bed(|held| async move {
        let _held = held;
        Ended::Abandoned
    });
    let flow = crate::flow::Flow::new(Arc::clone(&bed.ending.line));
    flow.send(bytes::Bytes::from_owner(Mine)).unwrap();
    assert!((&mut bed.ending).now_or_never().is_some());
    match the_word(&bed) {
        Ended::Panicked(message) => assert_eq!(message, "a mine went off"),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_panic_whose_payload_panics_does_not_swallow_the_word() {
    let mut bed = bed(|held| async move {
        let _held = held;
        std::panic::panic_any(Mine)
    });
    assert!((&mut bed.ending).now_or_never().is_some());
    assert!(matches!(the_word(&bed), Ended::Panicked(_)));
}
