//! The calls that wait for a party whose connection has ended. What one account may have here is
//! bounded, so that none takes the room of all others.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::location::Location;

/// How many calls wait at the most.
const MAX_LOST: usize = 10_000;

/// How many wait for parties of one account.
const MAX_LOST_OF_ACCOUNT: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Lost {
    /// By the binding of the lost party.
    calls: BTreeSet<(u64, u64)>,
    by_account: FxHashMap<u64, usize>,
}

impl Lost {
    /// Whether one more call may wait for a party with this binding.
    pub(super) fn has_room(&self, binding: u64) -> bool {
        let account = self.by_account.get(&Location::account_of(binding));
        let account = account.copied().unwrap_or_default();
        self.calls.len() < MAX_LOST && account < MAX_LOST_OF_ACCOUNT
    }

    pub(super) fn insert(&mut self, binding: u64, call: u64) {
        if self.calls.insert((binding, call)) {
            let account = Location::account_of(binding);
            *self.by_account.entry(account).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, binding: u64, call: u64) {
        if !self.calls.remove(&(binding, call)) {
            return;
        }
        let account = Location::account_of(binding);
        if let Some(count) = self.by_account.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                self.by_account.remove(&account);
            }
        }
    }

    /// The calls that wait for the party with this binding.
    pub(super) fn of(&self, binding: u64) -> Vec<u64> {
        let calls = self.calls.range((binding, 0)..=(binding, u64::MAX));
        calls.map(|&(_, call)| call).collect()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.by_account.is_empty()
    }
}
