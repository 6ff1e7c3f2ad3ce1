//! The source of time: the system, or a clock that a test moves.

#[cfg(any(test, feature = "testing"))]
mod manual;

#[cfg(any(test, feature = "testing"))]
pub use manual::ManualClock;

use async_io::Timer as SystemTimer;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The longest duration in use, 100 years. Longer ones are cut to it, because adding `Duration::MAX` to
/// an `Instant` panics.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A source of time. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    #[default]
    System,
    #[cfg(any(test, feature = "testing"))]
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            #[cfg(any(test, feature = "testing"))]
            Self::Manual(clock) => clock.now(),
        }
    }

    /// A timer that is not armed.
    pub(crate) fn timer(&self) -> Timer {
        Timer {
            clock: self.clone(),
            due: None,
            system: None,
        }
    }
}

/// A timer for one deadline that moves often. Moving the deadline later costs nothing until the earlier
/// time comes.
///
/// Connections move their deadlines with every message. The runtime's timer is set anew only when the
/// deadline is earlier than what it is set to, or when it has fired before the deadline.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    /// The deadline that the caller has set.
    due: Option<Instant>,
    /// The runtime's timer and the time it is set to, which is never later than `due`.
    system: Option<(Instant, SystemTimer)>,
}

impl Timer {
    /// Sets or moves the deadline, or clears it with `None`.
    pub(crate) fn set(&mut self, due: Option<Instant>) {
        self.due = due;
    }

    /// Ready once the deadline has passed; stays ready until it is set again.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due else {
            return Poll::Pending;
        };
        match &self.clock {
            Clock::System => self.poll_system(cx, due),
            #[cfg(any(test, feature = "testing"))]
            Clock::Manual(clock) => clock.poll_until(cx, due),
        }
    }

    fn poll_system(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        loop {
            match &mut self.system {
                Some((at, timer)) if *at <= due => {
                    if Pin::new(timer).poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    let rang = *at;
                    self.system = None;
                    if rang >= due || Instant::now() >= due {
                        return Poll::Ready(());
                    }
                }
                Some((at, timer)) => {
                    *at = due;
                    timer.set_at(due);
                }
                None => {
                    if Instant::now() >= due {
                        return Poll::Ready(());
                    }
                    self.system = Some((due, SystemTimer::at(due)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker;

    #[test]
    fn a_timer_moved_later_does_not_fire_at_its_old_time() {
        let manual = ManualClock::new();
        let clock = Clock::Manual(manual.clone());
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let mut timer = clock.timer();

        timer.set(Some(clock.now() + Duration::from_secs(1)));
        assert!(timer.poll(&mut cx).is_pending());
        timer.set(Some(clock.now() + Duration::from_secs(5)));
        manual.advance(Duration::from_secs(2));
        assert!(timer.poll(&mut cx).is_pending());
        manual.advance(Duration::from_secs(3));
        assert!(timer.poll(&mut cx).is_ready());
    }

    #[test]
    fn an_unset_timer_never_fires() {
        let waker = noop_waker();
        let mut timer = Clock::System.timer();
        assert!(timer.poll(&mut Context::from_waker(&waker)).is_pending());
    }
}
