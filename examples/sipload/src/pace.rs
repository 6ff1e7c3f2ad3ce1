//! Sans-io: when operations are due.
//!
//! At a fixed rate an operation's latency counts from when it was due, not from when it could be
//! sent: otherwise a stalled server would hold back the very requests that would have shown the
//! stall ("coordinated omission").

use std::time::{Duration, Instant};

/// When operations are due, between a beginning and an end.
#[derive(Clone, Debug)]
pub struct Pace {
    from: Instant,
    until: Instant,
    /// Time between operations; `None`: due as soon as somebody is free.
    interval: Option<f64>,
    taken: u64,
}

impl Pace {
    /// Operations due as soon as somebody is free to do them: the closed loop.
    pub fn closed(from: Instant, until: Instant) -> Self {
        Self {
            from,
            until,
            interval: None,
            taken: 0,
        }
    }

    /// So many operations per second, whoever is free; the first is due at `from`.
    pub fn fixed(from: Instant, until: Instant, per_second: f64) -> Self {
        Self {
            interval: Some(1.0 / per_second),
            ..Self::closed(from, until)
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

    /// Takes the next operation if it is due, giving when it was.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next_due(now).filter(|due| *due <= now)?;
        if self.interval.is_some() && now >= self.until {
            return None;
        }
        self.taken += 1;
        Some(due)
    }

    /// True when nothing is to be taken at or after `now`.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.until || self.next_due(now).is_none()
    }

    /// Takes the operations that were due and that nobody was free for, after the end.
    pub fn missed(&mut self) -> impl Iterator<Item = Instant> {
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
    use crate::tally::Tally;

    const SECOND: Duration = Duration::from_secs(1);

    /// One station that takes 1 ms per operation, but the whole first second for the first.
    fn stalled(mut pace: Pace, from: Instant) -> Tally {
        let mut tally = Tally::default();
        let mut now = from;
        while !pace.is_over(now) {
            let Some(due) = pace.take(now) else {
                now = pace.next_due(now).unwrap();
                continue;
            };
            now += if now == from { SECOND } else { SECOND / 1000 };
            tally.done(now - due);
        }
        tally
    }

    #[test]
    fn a_stall_counts_for_all_that_were_due_in_it_at_a_fixed_rate() {
        let from = Instant::now();
        let tally = stalled(Pace::fixed(from, from + 2 * SECOND, 100.0), from);
        assert_eq!(tally.operations(), 200);
        // The backlog lasts for 111 operations, whose latency falls by 9 ms each.
        let median = tally.latency(50.0);
        assert!((90_000..110_000).contains(&median), "{median} us");
        let p75 = tally.latency(75.0);
        assert!((540_000..560_000).contains(&p75), "{p75} us");
        assert!(tally.latency(100.0) >= 999_000);
    }

    #[test]
    fn the_closed_loop_measures_from_when_it_sent() {
        let from = Instant::now();
        let tally = stalled(Pace::closed(from, from + 2 * SECOND), from);
        assert_eq!(tally.operations(), 1001);
        assert!(tally.latency(99.0) <= 1_001);
    }

    #[test]
    fn nothing_is_due_before_the_beginning_or_after_the_end() {
        let from = Instant::now() + SECOND;
        for mut pace in [
            Pace::closed(from, from + SECOND),
            Pace::fixed(from, from + SECOND, 2.0),
        ] {
            assert_eq!(pace.take(from - SECOND / 2), None);
            assert_eq!(pace.next_due(from - SECOND), Some(from));
            assert_eq!(pace.take(from), Some(from));
            assert_eq!(pace.take(from + SECOND), None);
            assert!(pace.is_over(from + SECOND));
        }
    }

    #[test]
    fn what_was_due_and_never_begun_is_known_at_the_end() {
        let from = Instant::now();
        let mut pace = Pace::fixed(from, from + SECOND, 10.0);
        assert_eq!(pace.take(from), Some(from));
        assert_eq!(pace.missed().count(), 9);
        assert_eq!(pace.missed().count(), 0);
        assert_eq!(Pace::closed(from, from + SECOND).missed().count(), 0);
    }
}
