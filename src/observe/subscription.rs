//! A stream of events for the application.

use super::queue::Backlog;
use crate::connection::ConnectionId;
use crate::event::{Event, EventKind};
use async_std::channel::Receiver;
use std::net::IpAddr;
use std::sync::Arc;

/// A stream of events, from the moment of subscribing until it is dropped.
///
/// Someone who subscribes has to read: once `capacity` events wait, no connection is accepted until
/// half of them have been taken. While it is over, `accepted` and `refused` events are shed and
/// counted; others never are, so memory holds at most `capacity` events and two more for each open
/// connection.
#[derive(Debug)]
pub struct Subscription {
    events: Receiver<Event>,
    backlog: Arc<Backlog>,
}

/// Which events a subscription gets. All by default.
///
/// ```
/// use sipward::{EventFilter, EventKind};
///
/// let failures = EventFilter::all()
///     .kinds([EventKind::HandshakeFailed])
///     .peer("192.0.2.7".parse().unwrap());
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    kinds: Option<Vec<EventKind>>,
    connection: Option<ConnectionId>,
    peer: Option<IpAddr>,
}

impl Subscription {
    pub(super) const fn new(events: Receiver<Event>, backlog: Arc<Backlog>) -> Self {
        Self { events, backlog }
    }

    /// The next event; `None` after the supervisor's end.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.events.recv().await.ok()?;
        self.backlog.weigh(|| self.events.len());
        Some(event)
    }

    /// The next event, waited for with the whole thread. Not for async code.
    pub fn next_blocking(&mut self) -> Option<Event> {
        let event = self.events.recv_blocking().ok()?;
        self.backlog.weigh(|| self.events.len());
        Some(event)
    }

    /// Whether everything there is has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many `accepted` and `refused` events were shed so far.
    pub fn shed(&self) -> u64 {
        self.backlog.shed()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.events.close();
        self.backlog.weigh(|| 0);
    }
}

impl EventFilter {
    /// Every event.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only these kinds.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        self.kinds = Some(kinds.into_iter().collect());
        self
    }

    /// Only events about this connection.
    pub const fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Only events about connections from this address.
    pub const fn peer(mut self, peer: IpAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(super) fn lets_through(&self, event: &Event) -> bool {
        let connection = event.connection();
        let kind = self
            .kinds
            .as_ref()
            .is_none_or(|kinds| kinds.contains(&event.kind()));
        let id = self
            .connection
            .is_none_or(|id| connection.is_some_and(|c| c.id == id));
        let peer = self
            .peer
            .is_none_or(|peer| connection.is_some_and(|c| c.peer.ip() == peer));
        kind && id && peer
    }
}
