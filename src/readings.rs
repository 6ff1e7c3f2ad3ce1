//! Live readings of a session: written by it alone, read by whoever asks, without asking it.

use crate::cause::CloseCause;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Readings {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    /// Bytes counted against the memory budget.
    pub(crate) memory: AtomicUsize,
    /// The next deadline, in milliseconds after `Ready`.
    alarm: AtomicU64,
    /// What it means: one more than the place in `ALARMS`; 0 for none.
    alarm_cause: AtomicU8,
}

/// The deadlines an established session may wait for.
const ALARMS: [CloseCause; 5] = [
    CloseCause::FirstMessageTimeout,
    CloseCause::AuthenticationTimeout,
    CloseCause::PartialMessageTimeout,
    CloseCause::IdleTimeout,
    CloseCause::WriteStalled,
];

impl Readings {
    pub(crate) fn set_alarm(&self, after_ready: Duration, cause: &CloseCause) {
        let place = ALARMS.iter().position(|known| known == cause);
        let number = place.map_or(0, |place| place as u8 + 1);
        let millis = u64::try_from(after_ready.as_millis()).unwrap_or(u64::MAX);
        self.alarm.store(millis, Ordering::Relaxed);
        self.alarm_cause.store(number, Ordering::Relaxed);
    }

    /// Nothing is waited for with a deadline.
    pub(crate) fn clear_alarm(&self) {
        self.alarm_cause.store(0, Ordering::Relaxed);
    }

    /// The next deadline after `Ready`, and the cause it would be.
    pub(crate) fn alarm(&self) -> Option<(Duration, CloseCause)> {
        let place = self.alarm_cause.load(Ordering::Relaxed).checked_sub(1)?;
        let cause = ALARMS.get(usize::from(place))?.clone();
        let millis = self.alarm.load(Ordering::Relaxed);
        Some((Duration::from_millis(millis), cause))
    }
}
