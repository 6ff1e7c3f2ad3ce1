//! A stream of events for the application.

use super::queue::Backlog;
use crate::connection::ConnectionId;
use crate::event::{Event, EventKind};
use async_std::channel::Receiver;
use futures_util::Stream;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A stream of events, from the moment of subscribing until it is dropped.
///
/// A subscriber must keep reading: once `capacity` events wait, no connection is accepted until half of
/// them have been taken. While `capacity` or more wait, `accepted` and `refused` events are dropped and
/// counted ([`shed`](Self::shed)). Other events never are, so at most `capacity` events wait, and two more
/// for each open connection.
///
/// It is also a `Stream`, which ends after the supervisor's end.
#[derive(Debug)]
#[must_use = "a subscription that is dropped gets no events"]
pub struct Subscription {
    events: Receiver<Event>,
    backlog: Arc<Backlog>,
}

/// Which events a subscription gets: those that meet all conditions set. The default sets none and lets
/// every event through.
///
/// ```
/// use sipward::{EventFilter, EventKind};
///
/// let failures = EventFilter::all()
///     .with_kinds([EventKind::HandshakeFailed])
///     .with_peer("192.0.2.7".parse().unwrap());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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

    /// The next event; blocks the thread until there is one, so it must not be called in a task.
    pub fn next_blocking(&mut self) -> Option<Event> {
        let event = self.events.recv_blocking().ok()?;
        self.backlog.weigh(|| self.events.len());
        Some(event)
    }

    /// Whether no event waits.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many `accepted` and `refused` events were dropped so far because `capacity` events waited.
    pub fn shed(&self) -> u64 {
        self.backlog.shed()
    }
}

impl Stream for Subscription {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = ready!(Pin::new(&mut self.events).poll_next(cx));
        if event.is_some() {
            self.backlog.weigh(|| self.events.len());
        }
        Poll::Ready(event)
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
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        self.kinds = Some(kinds.into_iter().collect());
        self
    }

    /// Only events about this connection.
    pub const fn with_connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Only events about connections from this address.
    pub const fn with_peer(mut self, peer: IpAddr) -> Self {
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
