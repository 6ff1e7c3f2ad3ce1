//! The memory budget of all connections together. A handshake counts for the most it can take; a
//! session for what it holds, updated each time it begins to wait.

use super::rules::Refusal;
use crate::cause::RefusalCause;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most memory, in bytes, that a handshake takes besides our certificate chain: a whole ClientHello
/// and the longest message after it.
pub(super) const HANDSHAKE: usize = 80 * 1024;

/// What an established session takes while nothing is buffered, in bytes: TLS, the task, its counters
/// and its entry in the ledger.
const SESSION: usize = 12 * 1024;

/// Buffers are counted in steps of so many bytes, so that messages of ordinary length do not change the
/// shared counter.
const STEP: usize = 4 * 1024;

/// The sum over all connections.
#[derive(Debug, Default)]
pub(super) struct Memory {
    counted: AtomicUsize,
}

impl Memory {
    pub(super) fn counted(&self) -> usize {
        self.counted.load(Ordering::Relaxed)
    }

    /// Refuses when the budget has no room for one more handshake.
    pub(super) fn has_room(&self, budget: Option<usize>) -> Result<(), Refusal> {
        let current = self.counted();
        match budget {
            Some(budget) if current.saturating_add(HANDSHAKE) > budget => Err(Refusal {
                cause: RefusalCause::MemoryBudget,
                limit: budget as u64,
                current: current as u64,
            }),
            _ => Ok(()),
        }
    }

    /// Sets what one connection counts for from `before` to `now`, in bytes.
    pub(super) fn recount(&self, before: &AtomicUsize, now: usize) {
        if before.load(Ordering::Relaxed) == now {
            return;
        }
        let before = before.swap(now, Ordering::Relaxed);
        if now > before {
            self.counted.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.counted.fetch_sub(before - now, Ordering::Relaxed);
        }
    }
}

/// What a session counts for while `buffered` bytes wait in it.
pub(super) const fn session_with(buffered: usize) -> usize {
    SESSION + buffered / STEP * STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_handshake_that_fits_is_let_in() {
        let (memory, one) = (Memory::default(), AtomicUsize::new(0));
        assert_eq!(memory.has_room(Some(2 * HANDSHAKE)), Ok(()));
        memory.recount(&one, HANDSHAKE);
        assert_eq!(memory.has_room(Some(2 * HANDSHAKE)), Ok(()));
        let refusal = memory.has_room(Some(2 * HANDSHAKE - 1)).unwrap_err();
        assert_eq!(refusal.current, HANDSHAKE as u64);
        assert_eq!(memory.has_room(None), Ok(()));
    }

    #[test]
    fn what_was_counted_is_counted_back() {
        let (memory, one, other) = (Memory::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        memory.recount(&one, HANDSHAKE);
        memory.recount(&other, session_with(0));
        memory.recount(&one, session_with(9000));
        assert_eq!(memory.counted(), 2 * SESSION + 2 * STEP);
        memory.recount(&one, 0);
        memory.recount(&other, 0);
        assert_eq!(memory.counted(), 0);
    }
}
