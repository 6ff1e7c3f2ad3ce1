//! Where time comes from: the system, or a clock that a test moves.

#[cfg(any(test, feature = "testing"))]
mod manual;

#[cfg(any(test, feature = "testing"))]
pub use manual::ManualClock;

use async_io::Timer as SystemTimer;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The longest duration there is: longer ones are cut to it, so that no time overflows.
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

/// One alarm, coarse and reluctant: moving it later costs nothing until it rings.
///
/// Connections move their deadlines with every message; the runtime's timer is touched only when
/// the alarm has to ring earlier than it was set, or has rung too early.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    /// When the caller wants to be woken.
    due: Option<Instant>,
    /// What the runtime was told; never later than `due`.
    system: Option<(Instant, SystemTimer)>,
}

impl Timer {
    /// Sets, moves or clears (`None`) the alarm.
    pub(crate) fn set(&mut self, due: Option<Instant>) {
        self.due = due;
    }

    /// Ready once the alarm's time has come; stays so until it is set again.
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
    fn a_timer_moved_later_does_not_ring_at_its_old_time() {
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
    fn an_unset_timer_never_rings() {
        let waker = noop_waker();
        let mut timer = Clock::System.timer();
        assert!(timer.poll(&mut Context::from_waker(&waker)).is_pending());
    }
}
