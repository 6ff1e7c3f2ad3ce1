//! Events on their way to observers and subscribers.

use super::ticks::{Ticks, Turn};
use super::{EventFilter, Gate, Observer, Subscription};
use crate::ending::panic_message;
use crate::event::{Event, EventKind};
use crate::lane::{Lane, Lifecycle};
use async_std::channel::{Receiver, Sender, unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, thread};

/// Everybody who gets events.
#[derive(Debug)]
pub(crate) struct Audience {
    gate: Arc<Gate>,
    seats: Vec<Seat>,
}

/// One receiver of events, as the supervisor sees it.
#[derive(Debug)]
struct Seat {
    events: Sender<Event>,
    filter: EventFilter,
    backlog: Arc<Backlog>,
}

/// How far one receiver is behind.
#[derive(Debug)]
pub(super) struct Backlog {
    gate: Arc<Gate>,
    capacity: usize,
    /// Whether it keeps the gate closed.
    over: Mutex<bool>,
    shed: AtomicU64,
}

impl Audience {
    pub(crate) const fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            seats: Vec::new(),
        }
    }

    /// A place for one more, who gets what the filter lets through from now on.
    pub(crate) fn admit(&mut self, filter: EventFilter, capacity: usize) -> Subscription {
        let (events, receiver) = unbounded();
        let backlog = Arc::new(Backlog {
            gate: Arc::clone(&self.gate),
            capacity: capacity.max(1),
            over: Mutex::new(false),
            shed: AtomicU64::new(0),
        });
        self.seats.push(Seat {
            events,
            filter,
            backlog: Arc::clone(&backlog),
        });
        Subscription::new(receiver, backlog)
    }

    /// Shows an event to everybody who wants it.
    pub(crate) fn show(&mut self, event: &Event) {
        self.seats.retain(|seat| seat.show(event));
    }

    /// Events not yet taken by whoever is farthest behind.
    pub(crate) fn undelivered(&self) -> usize {
        let behind = self.seats.iter().map(|seat| seat.events.len());
        behind.max().unwrap_or(0)
    }
}

impl Seat {
    /// False when nobody sits here any more.
    fn show(&self, event: &Event) -> bool {
        if self.events.is_closed() {
            return false;
        }
        if !self.filter.lets_through(event) {
            return true;
        }
        let full = self.backlog.weigh(|| self.events.len());
        if full && event.kind().may_be_shed() {
            self.backlog.shed.fetch_add(1, Ordering::Relaxed);
            // It may have been dropped since, and then this seat must not keep the gate closed.
            return !self.events.is_closed();
        }
        self.events.try_send(event.clone()).is_ok()
    }
}

impl Backlog {
    /// Closes the gate at the capacity, opens it at half of it; true at the capacity. Whoever has
    /// changed how many events wait calls this afterwards. They are counted under the lock, so the
    /// last of several callers at once sees what all of them did.
    pub(super) fn weigh(&self, waiting: impl FnOnce() -> usize) -> bool {
        let mut over = self.over();
        let waiting = waiting();
        if !*over && waiting >= self.capacity {
            *over = true;
            self.gate.close();
        } else if *over && waiting <= self.capacity / 2 {
            *over = false;
            self.gate.open();
        }
        waiting >= self.capacity
    }

    fn over(&self) -> MutexGuard<'_, bool> {
        // No critical section can leave it half changed.
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

impl Drop for Backlog {
    /// Neither end is left: nobody is behind any more.
    fn drop(&mut self) {
        self.weigh(|| 0);
    }
}

/// An observer at work, as whoever waits for its end sees it.
#[derive(Debug)]
pub(crate) struct Watching {
    /// Closes when it has seen its last event.
    pub(crate) done: Receiver<()>,
    /// How many it has seen.
    pub(crate) seen: Arc<AtomicU64>,
}

/// Starts an observer's thread.
pub(crate) fn observer(
    number: usize,
    mut observer: Box<dyn Observer>,
    mut events: Subscription,
    lane: Lane,
) -> io::Result<Watching> {
    let (alive, done) = unbounded();
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let watch = move || {
        let _alive = alive;
        let mut ticks = Ticks::new();
        while let Some(turn) = ticks.or_event(&mut events) {
            let last = matches!(&turn, Turn::Event(event) if event.kind() == EventKind::Stopped);
            let shown = catch_unwind(AssertUnwindSafe(|| match turn {
                Turn::Event(event) => observer.observe(&event),
                Turn::Tick(now) => observer.tick(now),
            }));
            count.fetch_add(1, Ordering::Relaxed);
            if let Err(panic) = shown {
                // A supervisor that has ended needs not know.
                let _ = lane.say(Lifecycle::ObserverFailed {
                    observer: number,
                    message: panic_message(&*panic),
                });
                return;
            }
            if last {
                return;
            }
        }
    };
    thread::Builder::new()
        .name(format!("sipward-observer-{number}"))
        .spawn(watch)?;
    Ok(Watching { done, seen })
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
