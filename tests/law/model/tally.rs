//! How often each injection took effect and each ending was seen: a law that was never put to the
//! test proves nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a history may do to the system. Swapped certificates join these once there is a way to swap
/// them.
const INJECTIONS: [&str; 45] = [
    "answered request",
    "ban",
    "busy flow",
    "close by flow",
    "close by handle",
    "close_notify",
    "dialled",
    "dialled in vain",
    "drain",
    "fin",
    "flow held open",
    "flow kept past the end",
    "garbage",
    "good handshake",
    "half-close",
    "handle dropped",
    "hung handler",
    "malformed message",
    "message by handle",
    "message in pieces",
    "panic in closed",
    "panic in conversation's drop",
    "panic in handler",
    "panic in observer",
    "panic in open",
    "panic in panic's payload",
    "panic in queued message",
    "panic in supervisor",
    "partial message",
    "pause",
    "ping",
    "plaintext",
    "reading stops",
    "refused",
    "resume",
    "resumed hello",
    "rst",
    "sessions listed",
    "shutdown",
    "silence",
    "slow handler",
    "stalled hello",
    "task dropped",
    "time passed",
    "whole message",
];

#[derive(Debug, Default)]
pub struct Tally {
    injected: Mutex<BTreeMap<&'static str, u64>>,
    endings: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    pub fn injected(&self, what: &'static str) {
        assert!(INJECTIONS.contains(&what), "{what} is not in the list");
        *lock(&self.injected).entry(what).or_default() += 1;
    }

    pub fn ended(&self, how: String) {
        *lock(&self.endings).entry(how).or_default() += 1;
    }

    /// What was never done.
    pub fn missing(&self) -> Vec<&'static str> {
        let injected = lock(&self.injected);
        let all = INJECTIONS.into_iter();
        all.filter(|what| !injected.contains_key(what)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let injected = lock(&self.injected);
        let counts = INJECTIONS.map(|what| {
            let count = injected.get(what).copied().unwrap_or_default();
            format!("{what} {count}")
        });
        writeln!(f, "injections: {}", counts.join(", "))?;
        let endings = lock(&self.endings);
        let counts: Vec<String> = endings
            .iter()
            .map(|(how, count)| format!("{how} {count}"))
            .collect();
        write!(f, "endings: {}", counts.join(", "))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
