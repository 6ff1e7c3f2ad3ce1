//! Events on their way to observers and subscribers.

use super::tick::{EventOrTick, TickTimer};
use super::{EventFilter, Gate, Observer, Subscription};
use crate::event::{Event, EventKind};
use crate::panic::panic_message;
use async_std::channel::{Receiver, Sender, unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, thread};

/// All receivers of events.
#[derive(Debug)]
pub(crate) struct Subscribers {
    gate: Arc<Gate>,
    list: Vec<Subscriber>,
}

/// One receiver of events, as the supervisor sees it.
#[derive(Debug)]
struct Subscriber {
    events: Sender<Event>,
    filter: EventFilter,
    backlog: Arc<Backlog>,
}

/// How far one receiver is behind.
#[derive(Debug)]
pub(super) struct Backlog {
    gate: Arc<Gate>,
    capacity: usize,
    /// Whether this receiver keeps the gate closed.
    over: Mutex<bool>,
    shed: AtomicU64,
}

impl Subscribers {
    pub(crate) const fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            list: Vec::new(),
        }
    }

    /// A subscription to what the filter lets through from now on.
    pub(crate) fn subscribe(&mut self, filter: EventFilter, capacity: usize) -> Subscription {
        let (events, receiver) = unbounded();
        let backlog = Arc::new(Backlog {
            gate: Arc::clone(&self.gate),
            capacity: capacity.max(1),
            over: Mutex::new(false),
            shed: AtomicU64::new(0),
        });
        self.list.push(Subscriber {
            events,
            filter,
            backlog: Arc::clone(&backlog),
        });
        Subscription::new(receiver, backlog)
    }

    /// Hands an event to every subscriber whose filter lets it through.
    pub(crate) fn publish(&mut self, event: &Event) {
        self.list.retain(|subscriber| subscriber.publish(event));
    }

    /// Takes all subscribers out: their streams end once this is dropped.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            gate: Arc::clone(&self.gate),
            list: std::mem::take(&mut self.list),
        }
    }

    /// Events not yet taken by the subscriber that is farthest behind.
    pub(crate) fn undelivered(&self) -> usize {
        let behind = self.list.iter().map(|subscriber| subscriber.events.len());
        behind.max().unwrap_or(0)
    }
}

impl Subscriber {
    /// False when the subscription has been dropped.
    fn publish(&self, event: &Event) -> bool {
        if self.events.is_closed() {
            return false;
        }
        if !self.filter.lets_through(event) {
            return true;
        }
        let full = self.backlog.weigh(|| self.events.len());
        if full && event.kind().may_be_shed() {
            self.backlog.shed.fetch_add(1, Ordering::Relaxed);
            // The subscription may have been dropped meanwhile, and then it must not keep the gate
            // closed.
            return !self.events.is_closed();
        }
        self.events.try_send(event.clone()).is_ok()
    }
}

impl Backlog {
    /// Closes the gate at the capacity and opens it at half of the capacity. True at the capacity. Must
    /// be called after each change of the number of waiting events. They are counted under the lock, so
    /// the last of several concurrent callers sees the changes of all.
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
        // A poisoned lock is used on, because no critical section can leave the flag half changed.
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

impl Drop for Backlog {
    /// Opens the gate, because neither the sender nor the receiver is left.
    fn drop(&mut self) {
        self.weigh(|| 0);
    }
}

/// A running observer, for the task that waits for its end.
#[derive(Debug)]
pub(crate) struct ObserverHandle {
    /// Closed when the observer has seen its last event.
    pub(crate) done: Receiver<()>,
    /// How many events the observer has seen.
    pub(crate) seen: Arc<AtomicU64>,
}

/// Starts an observer's thread. `on_panic` gets the message of the panic that ends it, if one does.
pub(crate) fn start_observer(
    number: usize,
    mut observer: Box<dyn Observer>,
    mut events: Subscription,
    on_panic: impl FnOnce(String) + Send + 'static,
) -> io::Result<ObserverHandle> {
    let (alive, done) = unbounded();
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let watch = move || {
        let _alive = alive;
        let mut timer = TickTimer::new();
        while let Some(turn) = timer.or_event(&mut events) {
            let last =
                matches!(&turn, EventOrTick::Event(event) if event.kind() == EventKind::Stopped);
            let shown = catch_unwind(AssertUnwindSafe(|| match turn {
                EventOrTick::Event(event) => observer.observe(&event),
                EventOrTick::Tick(now) => observer.tick(now),
            }));
            count.fetch_add(1, Ordering::Relaxed);
            if let Err(panic) = shown {
                on_panic(panic_message(&*panic));
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
    Ok(ObserverHandle { done, seen })
}

#[cfg(test)]
mod tests;
