//! The timers of the switch. Cancelled ones are removed at once, so the table holds the running
//! ones only.

use std::collections::BTreeMap;
use std::time::Instant;

/// Identifies a timer, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey(Instant, u64);

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Timer H or L of a server transaction, or the time to send a 100.
    Server(u64),
    /// Timer B, C, F or M of one branch of it.
    Branch(u64, usize),
    /// A binding expires.
    Binding(u64),
    /// A party of a call has not come back.
    Call(u64),
    /// The drops are reported.
    Drops,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeMap<TimerKey, Due>,
    set: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Instant, due: Due) -> TimerKey {
        self.set += 1;
        let key = TimerKey(at, self.set);
        self.queue.insert(key, due);
        key
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.queue.remove(&key);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(key, _)| key.0)
    }

    /// Takes the earliest timer that is due.
    pub(super) fn expired(&mut self, now: Instant) -> Option<Due> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
