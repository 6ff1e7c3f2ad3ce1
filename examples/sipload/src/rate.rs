//! Sans-io: when operations are due.
//!
//! At a fixed rate an operation's latency counts from when it was due, not from when it was sent.
//! Otherwise a stalled server would delay the requests that would have shown the stall, and they
//! would count as fast ("coordinated omission").

use std::time::{Duration, Instant};

/// When operations are due between a beginning and an end.
#[derive(Clone, Debug)]
pub struct Rate {
    from: Instant,
    until: Instant,
    /// Seconds between two operations; `None`: the next is due as soon as a client is free.
    interval: Option<f64>,
    taken: u64,
}

impl Rate {
    /// The closed loop: an operation is due as soon as a client is free to do it.
    pub fn closed_loop(from: Instant, until: Instant) -> Self {
        Self {
            from,
            until,
            interval: None,
            taken: 0,
        }
    }

    /// This number of operations per second, whether a client is free or not; the first is due at
    /// `from`.
    pub fn fixed(from: Instant, until: Instant, per_second: f64) -> Self {
        Self {
            interval: Some(1.0 / per_second),
            ..Self::closed_loop(from, until)
        }
    }

    /// When the next operation is due; `None` if no more are before the end. At a fixed rate this
    /// may lie in the past.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let due = match self.interval {
            None => now.max(self.from),
            Some(interval) => self.from + Duration::from_secs_f64(interval * self.taken as f64),
        };
        (due < self.until).then_some(due)
    }

    /// Takes the next operation if it is due, and returns when it was due.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next_due(now).filter(|due| *due <= now)?;
        if self.interval.is_some() && now >= self.until {
            return None;
        }
        self.taken += 1;
        Some(due)
    }

    /// True when no operation can be taken at or after `now`.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.until || self.next_due(now).is_none()
    }

    /// After the end: takes the operations that were due and for which no client was free.
    pub fn take_never_started(&mut self) -> impl Iterator<Item = Instant> {
        std::iter::from_fn(|| {
            let due = self.interval.and(self.next_due(self.until))?;
            self.taken += 1;
            Some(due)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Stats;

    const SECOND: Duration = Duration::from_secs(1);

    /// One client that needs 1 s for its first operation and 1 ms for each later one.
    fn stalled(mut rate: Rate, from: Instant) -> Stats {
        let mut stats = Stats::default();
        let mut now = from;
        while !rate.is_over(now) {
            let Some(due) = rate.take(now) else {
                now = rate.next_due(now).unwrap();
                continue;
            };
            now += if now == from { SECOND } else { SECOND / 1000 };
            stats.done(now - due);
        }
        stats
    }

    #[test]
    fn at_a_fixed_rate_a_stall_counts_for_all_operations_that_were_due_in_it() {
        let from = Instant::now();
        let stats = stalled(Rate::fixed(from, from + 2 * SECOND, 100.0), from);
        assert_eq!(stats.operations(), 200);
        // The backlog lasts for 111 operations, whose latency falls by 9 ms each.
        let median = stats.latency(50.0);
        assert!((90_000..110_000).contains(&median), "{median} us");
        let p75 = stats.latency(75.0);
        assert!((540_000..560_000).contains(&p75), "{p75} us");
        assert!(stats.latency(100.0) >= 999_000);
    }

    #[test]
    fn in_the_closed_loop_latency_counts_from_the_sending() {
        let from = Instant::now();
        let stats = stalled(Rate::closed_loop(from, from + 2 * SECOND), from);
        assert_eq!(stats.operations(), 1001);
        assert!(stats.latency(99.0) <= 1_001);
    }

    #[test]
    fn nothing_is_due_before_the_beginning_or_after_the_end() {
        let from = Instant::now() + SECOND;
        for mut rate in [
            Rate::closed_loop(from, from + SECOND),
            Rate::fixed(from, from + SECOND, 2.0),
        ] {
            assert_eq!(rate.take(from - SECOND / 2), None);
            assert_eq!(rate.next_due(from - SECOND), Some(from));
            assert_eq!(rate.take(from), Some(from));
            assert_eq!(rate.take(from + SECOND), None);
            assert!(rate.is_over(from + SECOND));
        }
    }

    #[test]
    fn operations_that_were_due_and_never_started_are_known_at_the_end() {
        let from = Instant::now();
        let mut rate = Rate::fixed(from, from + SECOND, 10.0);
        assert_eq!(rate.take(from), Some(from));
        assert_eq!(rate.take_never_started().count(), 9);
        assert_eq!(rate.take_never_started().count(), 0);
        assert_eq!(
            Rate::closed_loop(from, from + SECOND)
                .take_never_started()
                .count(),
            0
        );
    }
}
