//! Sans-io: a token bucket.

use super::limits::Rate;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    filled: Instant,
    /// The start of the second for which `asked` counts. The refusal's event states that count.
    second: Instant,
    asked: u64,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: f64::from(rate.burst),
            filled: now,
            second: now,
            asked: 0,
        }
    }

    /// Takes one token. The error is how many connections arrived within this second.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), u64> {
        self.fill(rate, now);
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.asked = 0;
        }
        self.asked += 1;
        if self.tokens < 1.0 {
            return Err(self.asked);
        }
        self.tokens -= 1.0;
        Ok(())
    }

    /// Whether the bucket is full. A full bucket can be removed, because a new one is full too.
    pub(super) fn is_full(&mut self, rate: Rate, now: Instant) -> bool {
        self.fill(rate, now);
        self.tokens >= f64::from(rate.burst)
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        let filled = self.tokens + elapsed * f64::from(rate.per_second);
        self.tokens = filled.min(f64::from(rate.burst));
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 3,
    };

    #[test]
    fn the_burst_passes_at_once_and_then_the_rate_rules() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, now), Ok(()));
        }
        assert_eq!(bucket.take(RATE, now), Err(4));
        let later = now + Duration::from_millis(100);
        assert_eq!(bucket.take(RATE, later), Ok(()));
        assert_eq!(bucket.take(RATE, later), Err(6));
    }

    #[test]
    fn a_long_quiet_time_gives_no_more_than_the_burst() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        let later = now + Duration::from_secs(3600);
        assert!(bucket.is_full(RATE, later));
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, later), Ok(()));
        }
        assert!(bucket.take(RATE, later).is_err());
    }
}
