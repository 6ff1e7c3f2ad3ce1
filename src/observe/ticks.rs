//! The pulse of an observer's thread: the next event, or a second that has passed without a tick.

use super::Subscription;
use crate::event::Event;
use async_io::Timer;
use async_std::task::block_on;
use futures_util::FutureExt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The time between ticks.
const SECOND: Duration = Duration::from_secs(1);

pub(super) struct Ticks {
    timer: Timer,
    next: Instant,
}

/// What the observer is to see.
pub(super) enum Turn {
    Event(Event),
    Tick(Instant),
}

impl Ticks {
    pub(super) fn new() -> Self {
        let next = Instant::now() + SECOND;
        Self {
            timer: Timer::at(next),
            next,
        }
    }

    /// Sleeps until there is an event or a tick is due; `None` after the last event. A stream of
    /// events delays no tick, and the other way round.
    pub(super) fn or_event(&mut self, events: &mut Subscription) -> Option<Turn> {
        let now = Instant::now();
        if self.next <= now {
            return Some(self.tick(now));
        }
        let event = {
            let mut event = pin!(events.next());
            block_on(poll_fn(|cx| match event.poll_unpin(cx) {
                Poll::Ready(event) => Poll::Ready(event.map(Turn::Event)),
                Poll::Pending => self.timer.poll_unpin(cx).map(|now| Some(Turn::Tick(now))),
            }))
        };
        match event {
            Some(Turn::Tick(now)) => Some(self.tick(now)),
            turn => turn,
        }
    }

    fn tick(&mut self, now: Instant) -> Turn {
        self.next = now + SECOND;
        self.timer.set_at(self.next);
        Turn::Tick(now)
    }
}
