//! Observers and subscriptions, which receive events and nothing else, and the log lines made from
//! events. Each observer has a thread of its own, so that one that blocks (on standard output, for
//! example) delays no handshake.

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

/// Receives every event, in order, on a thread of its own.
///
/// While more than a set number of events wait for an observer
/// ([`Builder::event_backlog`](crate::Builder::event_backlog)), no connection is accepted, and
/// `accepted` and `refused` events may be dropped; events about the beginning and end of sessions never
/// are. A panic ends this observer alone, and the others receive the event `observer_failed`. At its
/// end a supervisor waits until its observers have seen all events, for at most 5 s, and for at most 1
/// s while none of them makes progress.
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
    /// Called with each event. May block: only this observer waits.
    fn observe(&mut self, event: &Event);

    /// Called about once a second, between events and when there are none, for output that must not
    /// wait for the next event. Does nothing by default.
    fn tick(&mut self, now: Instant) {
        let _ = now;
    }
}
