//! Live counters of a connection: written by its session alone, read by any task without asking it.

use crate::cause::CloseCause;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How many bytes and messages one connection has carried, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Bytes from the peer on the wire, TLS records included.
    pub bytes_in: u64,
    /// Bytes that left for the peer on the wire, TLS records included.
    pub bytes_out: u64,
    /// SIP messages from the peer; keep-alives are not counted.
    pub messages_in: u64,
    /// SIP messages handed to TLS for the peer; keep-alives are not counted.
    pub messages_out: u64,
}

/// The counters behind [`ConnectionStats`], and what else other tasks may read of a session.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    /// Bytes counted against the memory budget.
    pub(crate) memory: AtomicUsize,
    /// The next deadline, in milliseconds after `Ready`.
    deadline: AtomicU64,
    /// The cause the session would close with at that deadline: its index in `CloseCause::NAMES` plus
    /// one; 0 without a deadline.
    deadline_cause: AtomicU8,
}

impl ConnectionCounters {
    pub(crate) fn stats(&self) -> ConnectionStats {
        ConnectionStats {
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            messages_in: self.messages_in.load(Ordering::Relaxed),
            messages_out: self.messages_out.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn set_deadline(&self, after_ready: Duration, cause: &CloseCause) {
        let index = CloseCause::NAMES
            .iter()
            .position(|name| *name == cause.name());
        let number = index.map_or(0, |index| index as u8 + 1);
        let millis = u64::try_from(after_ready.as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(millis, Ordering::Relaxed);
        self.deadline_cause.store(number, Ordering::Relaxed);
    }

    /// Notes that no deadline applies.
    pub(crate) fn clear_deadline(&self) {
        self.deadline_cause.store(0, Ordering::Relaxed);
    }

    /// The next deadline after `Ready`, and the cause the session would close with.
    pub(crate) fn deadline(&self) -> Option<(Duration, CloseCause)> {
        let index = self.deadline_cause.load(Ordering::Relaxed).checked_sub(1)?;
        let cause = CloseCause::each().nth(usize::from(index))?;
        let millis = self.deadline.load(Ordering::Relaxed);
        Some((Duration::from_millis(millis), cause))
    }
}
