//! What an observer's thread does next: handle an event, or a tick when a second has passed since the
//! last.

use super::Subscription;
use crate::event::Event;
use futures_util::FutureExt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The time between ticks.
const TICK_INTERVAL: Duration = Duration::from_secs(1);

/// Waits for events and ticks, on the thread it was made on.
pub(super) struct TickTimer {
    /// Unparks this thread. The runtime's `block_on` is not used, because it would have this thread
    /// poll the reactor for all sockets and hand it over to another thread after each event.
    waker: Waker,
    next: Instant,
    /// Whether there was an event since the thread last slept.
    busy: bool,
}

/// How long the thread sleeps when no event is left, so that the events of that time take one wake-up
/// together instead of one each.
const REST_INTERVAL: Duration = Duration::from_millis(2);

/// What the observer handles next.
pub(super) enum EventOrTick {
    Event(Event),
    Tick(Instant),
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

impl TickTimer {
    pub(super) fn new() -> Self {
        Self {
            waker: Arc::new(Unpark(thread::current())).into(),
            next: Instant::now() + TICK_INTERVAL,
            busy: false,
        }
    }

    /// Sleeps until there is an event or a tick is due; `None` after the last event. Many events do not
    /// delay a tick, and ticks do not delay events.
    pub(super) fn or_event(&mut self, events: &mut Subscription) -> Option<EventOrTick> {
        if self.busy && events.is_empty() {
            // No waker is registered during this sleep, so new events do not wake the thread.
            thread::sleep(REST_INTERVAL);
            self.busy = false;
        }
        let mut cx = Context::from_waker(&self.waker);
        let mut event = pin!(events.next());
        loop {
            let now = Instant::now();
            if self.next <= now {
                self.next = now + TICK_INTERVAL;
                return Some(EventOrTick::Tick(now));
            }
            if let Poll::Ready(event) = event.poll_unpin(&mut cx) {
                self.busy = true;
                return event.map(EventOrTick::Event);
            }
            thread::park_timeout(self.next - now);
        }
    }
}
