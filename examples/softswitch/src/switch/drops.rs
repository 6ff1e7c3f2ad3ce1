//! Counts the messages that get no answer, by reason, for reports that come once a second at most.

use std::time::{Duration, Instant};

use super::Switch;
use super::effects::Effects;
use super::event::{DropReason, SwitchEvent};
use super::timers::{Due, Timers};

/// How long drops are counted before they are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The drops since the last report.
#[derive(Debug, Default)]
pub(super) struct Drops {
    counts: [u64; DropReason::ALL.len()],
    is_due: bool,
}

impl Drops {
    fn add(&mut self, reason: DropReason, now: Instant, timers: &mut Timers) {
        self.counts[reason as usize] += 1;
        if !self.is_due {
            self.is_due = true;
            timers.set(now + REPORT_INTERVAL, Due::Drops);
        }
    }

    /// The counts above zero; they begin again at zero.
    fn take(&mut self) -> impl Iterator<Item = (DropReason, u64)> + use<> {
        let Drops { counts, .. } = std::mem::take(self);
        let all = DropReason::ALL.into_iter().zip(counts);
        all.filter(|(_, count)| *count > 0)
    }
}

impl Switch {
    /// Counts a message that gets no answer.
    pub(super) fn dropped(&mut self, reason: DropReason, now: Instant) {
        self.drops.add(reason, now, &mut self.timers);
    }

    pub(super) fn report_drops<E: Effects>(&mut self, effects: &mut E) {
        for (reason, count) in self.drops.take() {
            effects.report(SwitchEvent::MessagesDropped { reason, count });
        }
    }
}
