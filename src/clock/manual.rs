//! A clock that stands still until it is moved.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A clock that stands still until it is moved. Clones are the same clock.
///
/// ```
/// use sipward::testing::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(10));
/// assert_eq!(clock.now() - before, Duration::from_secs(10));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    face: Arc<Mutex<Face>>,
}

struct Face {
    now: Instant,
    sleepers: Vec<(Instant, Waker)>,
}

impl ManualClock {
    /// A clock that shows the present and stays there.
    pub fn new() -> Self {
        Self {
            face: Arc::new(Mutex::new(Face {
                now: Instant::now(),
                sleepers: Vec::new(),
            })),
        }
    }

    /// What the clock shows.
    pub fn now(&self) -> Instant {
        self.face().now
    }

    /// Moves the clock and wakes every task whose timer is due by then.
    pub fn advance(&self, by: Duration) {
        let mut face = self.face();
        face.now += by;
        let now = face.now;
        let sleepers = std::mem::take(&mut face.sleepers);
        let (due, later): (Vec<_>, Vec<_>) = sleepers.into_iter().partition(|(at, _)| *at <= now);
        face.sleepers = later;
        drop(face);
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// The times that timers are set to, soonest first: lets a test wait until a deadline is armed
    /// before it moves the clock.
    pub fn alarms(&self) -> Vec<Instant> {
        let face = self.face();
        let mut alarms: Vec<Instant> = face.sleepers.iter().map(|(at, _)| *at).collect();
        alarms.sort();
        alarms.dedup();
        alarms
    }

    pub(crate) fn poll_until(&self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let mut face = self.face();
        if face.now >= due {
            return Poll::Ready(());
        }
        let waker = cx.waker();
        face.sleepers.retain(|(_, other)| !other.will_wake(waker));
        face.sleepers.push((due, waker.clone()));
        Poll::Pending
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        // No critical section can leave the face half changed.
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &self.now())
            .finish()
    }
}
