//! What the books say of sessions: one of them, or a page of those somebody looks for.

use super::books::{Books, Held};
use crate::connection::ConnectionId;
use crate::control::{SessionFilter, SessionPage, SessionSummary, Sessions};
use crate::event::Ready;
use crate::ledger::{Entry, Stage};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What a look at some entries of the ledger has found.
pub(crate) struct Found {
    pub(crate) sessions: Vec<SessionSummary>,
    /// How many of those looked at match.
    pub(crate) matching: usize,
    /// The last one looked at, if more follow.
    pub(crate) last: Option<ConnectionId>,
}

impl Books {
    /// A whole page at once.
    pub(crate) fn page(&self, asked: &Sessions) -> SessionPage {
        let wanted = asked.wanted();
        let found = self.look_for(&asked.filter, asked.after, Some(wanted + 1), usize::MAX);
        let total = self.count(&asked.filter, None, usize::MAX).matching;
        SessionPage::of(found.sessions, wanted, total)
    }

    /// How many match of so many entries after this one; of all at once if all do.
    pub(crate) fn count(
        &self,
        filter: &SessionFilter,
        after: Option<ConnectionId>,
        entries: usize,
    ) -> Found {
        match filter {
            SessionFilter {
                source: None,
                identity: None,
                established: None,
            } => Found {
                sessions: Vec::new(),
                matching: self.ledger.len(),
                last: None,
            },
            filter => self.look_for(filter, after, None, entries),
        }
    }

    /// Looks at so many entries after this one, or until as many match as are wanted. With `None`
    /// they are only counted.
    pub(crate) fn look_for(
        &self,
        filter: &SessionFilter,
        after: Option<ConnectionId>,
        wanted: Option<usize>,
        entries: usize,
    ) -> Found {
        let now = self.clock.now();
        let mut found = Found {
            sessions: Vec::new(),
            matching: 0,
            last: None,
        };
        let mut rest = self.ledger.entries_after(after);
        for entry in rest.by_ref().take(entries) {
            found.last = Some(entry.connection.id);
            if !matches(filter, entry) {
                continue;
            }
            found.matching += 1;
            if wanted.is_some() {
                found.sessions.push(summary(entry, now));
            }
            if wanted == Some(found.matching) {
                break;
            }
        }
        found.last = found.last.filter(|_| rest.next().is_some());
        found
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
