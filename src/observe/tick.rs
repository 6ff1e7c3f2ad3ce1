//! The pulse of an observer's thread: the next event, or a second that has passed without a tick.

use super::Subscription;
use crate::event::Event;
use futures_util::FutureExt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The time between timer.
const SECOND: Duration = Duration::from_secs(1);

/// The pulse of the thread it was made on.
pub(super) struct TickTimer {
    /// Not the runtime's: its `block_on` would have this thread serve everybody's sockets, and wake
    /// another to take over after each event.
    waker: Waker,
    next: Instant,
    /// Whether there was an event since the last rest.
    busy: bool,
}

/// How long the thread rests once it has seen all there was: what happens meanwhile is seen with one
/// wake-up instead of one each.
const REST: Duration = Duration::from_millis(2);

/// What the observer is to see.
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
            next: Instant::now() + SECOND,
            busy: false,
        }
    }

    /// Sleeps until there is an event or a tick is due; `None` after the last event. A stream of
    /// events delays no tick, and the other way round.
    pub(super) fn or_event(&mut self, events: &mut Subscription) -> Option<EventOrTick> {
        if self.busy && events.is_empty() {
            // Nobody is listened for, so nobody has to wake anybody.
            thread::sleep(REST);
            self.busy = false;
        }
        let mut cx = Context::from_waker(&self.waker);
        let mut event = pin!(events.next());
        loop {
            let now = Instant::now();
            if self.next <= now {
                self.next = now + SECOND;
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
