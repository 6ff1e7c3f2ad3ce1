//! Compares the ledger with the permits that sessions hold, while the supervisor runs.

use super::SupervisorState;
use crate::event::Event;
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// How often the ledger is compared with the permits.
const AUDIT_INTERVAL: Duration = Duration::from_secs(10);

/// When to compare again after a disagreement.
const AUDIT_RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// How many comparisons in a row have to disagree before the event is published.
const AUDIT_RETRIES: u32 = 20;

/// When the next comparison is due, and what the last ones found.
#[derive(Default)]
pub(super) struct Audit {
    due: Option<Instant>,
    /// Which of the two was larger, and in how many comparisons in a row.
    suspicion: Option<(Ordering, u32)>,
}

impl Audit {
    pub(super) fn due(&mut self, state: &SupervisorState) -> Instant {
        *self
            .due
            .get_or_insert_with(|| state.clock.now() + AUDIT_INTERVAL)
    }

    /// Compares the two if the next comparison is due.
    pub(super) fn check(&mut self, state: &mut SupervisorState) {
        let now = state.clock.now();
        if self.due.is_some_and(|due| now < due) {
            return;
        }
        self.due = Some(now + AUDIT_RETRY_INTERVAL);
        let (permits, open) = (state.admission.open(), state.ledger.len());
        let difference = permits.cmp(&open);
        let seen = match self.suspicion {
            Some((before, seen)) if before == difference => seen + 1,
            _ => 1,
        };
        // A single comparison may differ because a permit was just given or returned and its report has
        // not been made yet. After so many differences in the same direction that is no longer the
        // reason.
        let certain = seen == AUDIT_RETRIES;
        self.suspicion = (difference.is_ne() && !certain).then_some((difference, seen));
        if self.suspicion.is_some() {
            return;
        }
        self.due = Some(now + AUDIT_INTERVAL);
        if difference.is_ne() {
            state.publish(Event::Discrepancy {
                connection: None,
                what: format!(
                    "{permits} permits are held, but {open} connections are open in the ledger"
                ),
            });
        }
        if !state.ledger.balanced() {
            state.publish(Event::Discrepancy {
                connection: None,
                what: "the ledger's equations do not hold".to_owned(),
            });
        }
    }
}
