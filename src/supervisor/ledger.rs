//! Sans-io: the state of every open connection, and the equations that must hold.
//!
//! A session's guard reports only that it ended. The ledger knows whether the connection was
//! established, so it decides whether that was a failed handshake or a close, and it rejects an id that
//! was reported before.

use crate::connection::{Connection, ConnectionId, Counts, Direction};
use crate::event::Ready;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

/// The stage that a connection has reached.
#[derive(Debug)]
pub(crate) enum Stage {
    Handshaking,
    Ready { ready: Arc<Ready>, at: Instant },
}

/// One open connection, with what the supervisor attaches to it.
#[derive(Debug)]
pub(crate) struct Entry<H> {
    pub(crate) connection: Arc<Connection>,
    pub(crate) stage: Stage,
    pub(crate) held: H,
}

impl<H> Entry<H> {
    /// What its handshake agreed on, once it is established.
    pub(crate) const fn ready(&self) -> Option<&Arc<Ready>> {
        match &self.stage {
            Stage::Handshaking => None,
            Stage::Ready { ready, .. } => Some(ready),
        }
    }
}

/// A report about a connection that does not fit the reports before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unexpected {
    /// The id is not open: it never began, or has already ended.
    NotOpen,
    /// The id is open already.
    AlreadyOpen,
    /// The connection is established already.
    AlreadyReady,
}

/// All open connections, and the counts of those that have ended.
#[derive(Debug)]
pub(crate) struct Ledger<H> {
    /// In the order of ids, so that a listing finds its page without looking at all.
    open: BTreeMap<ConnectionId, Entry<H>>,
    inbound: Counts,
    outbound: Counts,
}

impl<H> Ledger<H> {
    pub(crate) fn new() -> Self {
        Self {
            open: BTreeMap::new(),
            inbound: Counts::default(),
            outbound: Counts::default(),
        }
    }

    /// Notes that a connection begins its handshake.
    pub(crate) fn begin(&mut self, connection: Arc<Connection>, held: H) -> Result<(), Unexpected> {
        if self.open.contains_key(&connection.id) {
            return Err(Unexpected::AlreadyOpen);
        }
        let counts = self.counts_mut(connection.direction);
        counts.begun += 1;
        counts.handshaking += 1;
        let entry = Entry {
            stage: Stage::Handshaking,
            held,
            connection: Arc::clone(&connection),
        };
        self.open.insert(connection.id, entry);
        Ok(())
    }

    /// Notes that a connection was refused.
    pub(crate) fn refuse(&mut self, direction: Direction) {
        let counts = self.counts_mut(direction);
        counts.begun += 1;
        counts.refused += 1;
    }

    /// Notes that a handshake succeeded.
    pub(crate) fn ready(&mut self, ready: Arc<Ready>, at: Instant) -> Result<(), Unexpected> {
        let id = ready.connection.id;
        let entry = self.open.get_mut(&id).ok_or(Unexpected::NotOpen)?;
        if matches!(entry.stage, Stage::Ready { .. }) {
            return Err(Unexpected::AlreadyReady);
        }
        entry.stage = Stage::Ready { ready, at };
        let direction = entry.connection.direction;
        let counts = self.counts_mut(direction);
        counts.handshaking -= 1;
        counts.ready += 1;
        counts.open += 1;
        Ok(())
    }

    /// Notes that a connection ended, and returns its entry, which has the stage it had reached.
    pub(crate) fn end(&mut self, id: ConnectionId) -> Result<Entry<H>, Unexpected> {
        let entry = self.open.remove(&id).ok_or(Unexpected::NotOpen)?;
        let counts = self.counts_mut(entry.connection.direction);
        match entry.stage {
            Stage::Handshaking => {
                counts.handshaking -= 1;
                counts.failed += 1;
            }
            Stage::Ready { .. } => {
                counts.open -= 1;
                counts.closed += 1;
            }
        }
        Ok(entry)
    }

    pub(crate) fn entry(&self, id: ConnectionId) -> Option<&Entry<H>> {
        self.open.get(&id)
    }

    /// All open connections, in the order of ids.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<H>> {
        self.open.values()
    }

    /// The open connections with a greater id, in the order of ids.
    pub(crate) fn entries_after(
        &self,
        id: Option<ConnectionId>,
    ) -> impl Iterator<Item = &Entry<H>> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        let after = self.open.range((from, Bound::Unbounded));
        after.map(|(_, entry)| entry)
    }

    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry<H>> {
        self.open.values_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) const fn counts(&self, direction: Direction) -> Counts {
        match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        }
    }

    /// Whether the equations hold and agree with the number of entries.
    pub(crate) fn balanced(&self) -> bool {
        let alive = self.inbound.handshaking
            + self.inbound.open
            + self.outbound.handshaking
            + self.outbound.open;
        self.inbound.balanced() && self.outbound.balanced() && alive == self.open.len() as u64
    }

    const fn counts_mut(&mut self, direction: Direction) -> &mut Counts {
        match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::{Duration, SystemTime};

    fn connection(id: u64) -> Arc<Connection> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
        Arc::new(Connection {
            id: ConnectionId::new(id),
            direction: Direction::Inbound,
            peer: address,
            local: address,
            listener: address,
            begun: SystemTime::UNIX_EPOCH,
        })
    }

    fn facts(id: u64) -> Arc<Ready> {
        Arc::new(Ready {
            connection: connection(id),
            elapsed: Duration::ZERO,
            tls: Default::default(),
        })
    }

    #[test]
    fn an_ending_before_ready_is_a_failure_and_one_after_it_a_close() {
        let mut ledger = Ledger::new();
        ledger.begin(connection(1), ()).unwrap();
        ledger.begin(connection(2), ()).unwrap();
        ledger.ready(facts(2), Instant::now()).unwrap();

        assert!(matches!(
            ledger.end(ConnectionId::new(1)).unwrap().stage,
            Stage::Handshaking
        ));
        assert!(matches!(
            ledger.end(ConnectionId::new(2)).unwrap().stage,
            Stage::Ready { .. }
        ));
        let counts = ledger.counts(Direction::Inbound);
        assert_eq!((counts.failed, counts.closed), (1, 1));
        assert!(ledger.balanced());
    }

    #[test]
    fn an_id_ends_once() {
        let mut ledger = Ledger::new();
        ledger.begin(connection(1), ()).unwrap();
        ledger.end(ConnectionId::new(1)).unwrap();

        assert_eq!(
            ledger.end(ConnectionId::new(1)).unwrap_err(),
            Unexpected::NotOpen
        );
        assert_eq!(
            ledger.ready(facts(1), Instant::now()).unwrap_err(),
            Unexpected::NotOpen
        );
        assert!(ledger.balanced());
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut ledger = Ledger::new();
        ledger.begin(connection(1), ()).unwrap();
        ledger.ready(facts(1), Instant::now()).unwrap();
        let before = ledger.counts(Direction::Inbound);

        assert!(ledger.begin(connection(1), ()).is_err());
        assert!(ledger.ready(facts(1), Instant::now()).is_err());
        assert_eq!(ledger.counts(Direction::Inbound), before);
    }

    #[test]
    fn a_refusal_begins_and_ends_at_once() {
        let mut ledger = Ledger::<()>::new();
        ledger.refuse(Direction::Inbound);
        assert_eq!(ledger.counts(Direction::Inbound).refused, 1);
        assert_eq!(ledger.len(), 0);
        assert!(ledger.balanced());
    }
}
