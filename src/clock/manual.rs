//! A clock that stands still until it is moved.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A clock that stands still until it is moved. Clones share one time.
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
    state: Arc<Mutex<State>>,
}

struct State {
    now: Instant,
    sleepers: Vec<(Instant, Waker)>,
}

impl ManualClock {
    /// A clock that stands at the present time.
    pub fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                now: Instant::now(),
                sleepers: Vec::new(),
            })),
        }
    }

    /// The time of the clock.
    pub fn now(&self) -> Instant {
        self.state().now
    }

    /// Moves the clock and wakes every task whose timer is due by then.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.now += by;
        let now = state.now;
        let sleepers = std::mem::take(&mut state.sleepers);
        let (due, later): (Vec<_>, Vec<_>) = sleepers.into_iter().partition(|(at, _)| *at <= now);
        state.sleepers = later;
        drop(state);
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// The times that timers are set to, earliest first. A test can wait here until a deadline is set
    /// before it moves the clock.
    pub fn alarms(&self) -> Vec<Instant> {
        let state = self.state();
        let mut alarms: Vec<Instant> = state.sleepers.iter().map(|(at, _)| *at).collect();
        alarms.sort();
        alarms.dedup();
        alarms
    }

    pub(crate) fn poll_until(&self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let mut state = self.state();
        if state.now >= due {
            return Poll::Ready(());
        }
        let waker = cx.waker();
        state.sleepers.retain(|(_, other)| !other.will_wake(waker));
        state.sleepers.push((due, waker.clone()));
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is used on, because no critical section can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
