//! Numbers that peers cannot predict: for branches, tags, and in place of long keys.

use std::hash::{BuildHasher, Hash, RandomState};

/// A sequence of keyed hashes of a counter; the key is random for each process.
#[derive(Debug, Default)]
pub(super) struct Ids {
    keys: RandomState,
    drawn: u64,
}

impl Ids {
    /// The next number. A repetition is as unlikely as a collision of 64-bit hashes.
    pub(super) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.keys.hash_one(self.drawn)
    }

    /// As `of`, with 32 bits.
    pub(super) fn short(&self, key: impl Hash) -> u32 {
        (self.of(key) >> 32) as u32
    }

    /// The number for a key; the same for the same key while the process runs.
    pub(super) fn of(&self, key: impl Hash) -> u64 {
        self.keys.hash_one(key)
    }
}
