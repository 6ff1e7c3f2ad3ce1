//! What the books say of sessions: one of them, or a page of those somebody looks for.

use super::books::{Books, Held};
use crate::control::{SessionFilter, SessionPage, SessionSummary, Sessions};
use crate::event::Ready;
use crate::ledger::{Entry, Stage};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A page of sessions whose size nobody chose.
const PAGE: usize = 100;

impl Books {
    pub(crate) fn page(&self, page: &Sessions) -> SessionPage {
        let limit = if page.limit == 0 { PAGE } else { page.limit };
        // Nobody is looked at for a page that is not on it, unless there is something to look for.
        let total = match &page.filter {
            SessionFilter {
                source: None,
                identity: None,
                established: None,
            } => self.ledger.len(),
            filter => self
                .ledger
                .entries()
                .filter(|entry| matches(filter, entry))
                .count(),
        };
        let mut matching = self
            .ledger
            .entries_after(page.after)
            .filter(|entry| matches(&page.filter, entry));
        let now = self.clock.now();
        let sessions: Vec<SessionSummary> = matching
            .by_ref()
            .take(limit)
            .map(|entry| summary(entry, now))
            .collect();
        let last = sessions.last().map(|session| session.connection.id);
        SessionPage {
            next: last.filter(|_| matching.next().is_some()),
            sessions,
            total,
        }
    }
}

pub(super) fn established(entry: &Entry<Held>) -> Option<&Arc<Ready>> {
    match &entry.stage {
        Stage::Handshaking => None,
        Stage::Ready { ready, .. } => Some(ready),
    }
}

pub(super) fn matches(filter: &SessionFilter, entry: &Entry<Held>) -> bool {
    let ready = established(entry);
    let source = filter
        .source
        .is_none_or(|source| entry.connection.peer.ip() == source);
    let stage = filter
        .established
        .is_none_or(|established| established == ready.is_some());
    let identity = filter.identity.as_ref().is_none_or(|identity| {
        ready
            .and_then(|ready| ready.tls.client_certificate.as_ref())
            .is_some_and(|certificate| certificate.speaks_for(identity))
    });
    source && stage && identity
}

pub(super) fn summary(entry: &Entry<Held>, now: Instant) -> SessionSummary {
    let readings = &entry.held.line.readings;
    SessionSummary {
        connection: Arc::clone(&entry.connection),
        ready: established(entry).cloned(),
        age: now.saturating_duration_since(entry.held.accepted),
        bytes_in: readings.bytes_in.load(Ordering::Relaxed),
        bytes_out: readings.bytes_out.load(Ordering::Relaxed),
        messages_in: readings.messages_in.load(Ordering::Relaxed),
        messages_out: readings.messages_out.load(Ordering::Relaxed),
        memory: readings.memory.load(Ordering::Relaxed),
    }
}
