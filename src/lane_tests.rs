//! The lane: its order, and who is woken.

use super::*;
use futures_util::task::noop_waker;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Takes so many words at a time, and says whether that was all.
struct Hired {
    room: AtomicUsize,
    content: bool,
}

impl Clerk for Hired {
    fn enter_waiting(&self, words: &Words) -> bool {
        while self.room.load(Ordering::SeqCst) > 0 && words.take().is_some() {
            self.room.fetch_sub(1, Ordering::SeqCst);
        }
        self.content
    }
}

fn hired(room: usize, content: bool) -> (Lane, Reader, Arc<Hired>) {
    let (lane, reader) = Lane::new();
    let clerk = Arc::new(Hired {
        room: AtomicUsize::new(room),
        content,
    });
    reader.employ(Arc::downgrade(&clerk) as Weak<dyn Clerk>);
    (lane, reader, clerk)
}

fn waits(reader: &Reader) -> bool {
    let waker = noop_waker();
    reader
        .poll_waiting(&mut Context::from_waker(&waker))
        .is_pending()
}

#[test]
fn nobody_is_woken_for_what_is_entered_at_once() {
    let (lane, reader, clerk) = hired(1, true);
    lane.say(Lifecycle::Settled).unwrap();
    assert_eq!(clerk.room.load(Ordering::SeqCst), 0);
    assert!(waits(&reader));
}

#[test]
fn the_reader_looks_when_entering_went_wrong_though_nothing_waits() {
    let (lane, reader, _clerk) = hired(1, false);
    lane.say(Lifecycle::Settled).unwrap();
    assert!(reader.is_empty());
    assert!(!waits(&reader));
    assert!(waits(&reader));
}

#[test]
fn what_is_not_entered_waits_in_its_order() {
    let (lane, reader, clerk) = hired(0, false);
    let failed = |observer| Lifecycle::ObserverFailed {
        observer,
        message: String::new(),
    };
    lane.say(failed(1)).unwrap();
    lane.say(failed(2)).unwrap();
    drop(clerk);
    lane.say(failed(3)).unwrap();
    assert!(!waits(&reader));
    let order: Vec<usize> = std::iter::from_fn(|| reader.words().take())
        .map(|word| match word {
            Lifecycle::ObserverFailed { observer, .. } => observer,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn a_lane_without_a_reader_takes_no_word() {
    let (lane, reader, _clerk) = hired(1, true);
    drop(reader);
    assert!(lane.say(Lifecycle::Settled).is_err());
}
