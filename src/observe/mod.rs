//! Observers and subscriptions: they get events and nothing else. An observer has a thread of its own, so
//! that a blocked stdout stalls no handshake. Log lines are made here.

mod gate;
mod levels;
mod limiter;
mod log;
mod network;
mod queue;
mod redaction;
mod subscription;
mod tick;

pub use crate::event::Field;
pub use levels::UnknownCause;
pub use limiter::{Limiter, Pass, Summary};
pub use log::LogObserver;
pub use network::Network;
pub use redaction::Redaction;
pub use subscription::{EventFilter, Subscription};

pub(crate) use gate::Gate;
pub(crate) use queue::{ObserverHandle, Subscribers, start_observer};

use crate::event::Event;
use std::time::Instant;

/// Gets every event, in order, on a thread of its own.
///
/// While an observer is more than a stated number of events behind
/// ([`Builder::event_backlog`](crate::Builder::event_backlog)), no connection is accepted, and
/// single `accepted` and `refused` events may be shed; endings and beginnings of sessions never are.
/// A panic ends the observer, is reported to the others, and harms nothing else. At the end a
/// supervisor waits for its observers to see everything, up to 5 s in all, and for one that is stuck
/// with an event for a second.
///
/// ```
/// use sipward::{Event, Observer};
///
/// struct CountFailures(u64);
///
/// impl Observer for CountFailures {
///     fn observe(&mut self, event: &Event) {
///         if let Event::HandshakeFailed(_) = event {
///             self.0 += 1;
///         }
///     }
/// }
/// ```
pub trait Observer: Send + 'static {
    /// One event.
    fn observe(&mut self, event: &Event);

    /// Called about every second between events, whether any come or not: for what has to be said in
    /// time. Nothing by default.
    fn tick(&mut self, now: Instant) {
        let _ = now;
    }
}
