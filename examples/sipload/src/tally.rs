//! What was measured: operations, their latencies, and failures by reason.

use crate::failure::Failure;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// More different reasons than this are counted under the last.
const REASONS: usize = 50;

/// Latencies above this count as this: two hours, twice as long as any run, in microseconds.
const LONGEST: u64 = 7_200_000_000;

/// The figures of one worker, or of all. Latencies are kept in microseconds to three digits.
pub struct Tally {
    latencies: Histogram<u64>,
    overdue: u64,
    failures: BTreeMap<Failure, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            // Invariant: the lowest is at least 1, the highest at least twice that, and three digits
            // are within the histogram's 0 to 5.
            latencies: Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid"),
            overdue: 0,
            failures: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// An operation succeeded after this time.
    pub fn done(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros);
    }

    /// An operation was due this long ago and could not be begun before the end: it waited at least
    /// so long, and leaving it out would flatter.
    pub fn missed(&mut self, waited: Duration) {
        self.done(waited);
        self.overdue += 1;
    }

    /// An operation, or a connection between operations, failed.
    pub fn failed(&mut self, failure: Failure) {
        if self.failures.len() >= REASONS && !self.failures.contains_key(&failure) {
            if let Some(mut last) = self.failures.last_entry() {
                *last.get_mut() += 1;
            }
            return;
        }
        *self.failures.entry(failure).or_default() += 1;
    }

    /// Forgets the operations, which were for warming up; failures stay.
    pub fn begin(&mut self) {
        self.latencies.reset();
        self.overdue = 0;
    }

    /// Takes in another's figures.
    pub fn add(&mut self, other: &Self) {
        // Invariant: only a histogram of other bounds refuses an addition.
        self.latencies
            .add(&other.latencies)
            .expect("all histograms have the same bounds");
        self.overdue += other.overdue;
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
    }

    /// How many operations succeeded.
    pub fn operations(&self) -> u64 {
        self.latencies.len() - self.overdue
    }

    /// How many were due and never begun.
    pub fn overdue(&self) -> u64 {
        self.overdue
    }

    /// How many failed.
    pub fn errors(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Failures and how often each.
    pub fn failures(&self) -> impl Iterator<Item = (&Failure, u64)> {
        self.failures
            .iter()
            .map(|(failure, count)| (failure, *count))
    }

    /// The latency in microseconds that this percentage of the operations did not exceed.
    pub fn latency(&self, percentile: f64) -> u64 {
        self.latencies.value_at_percentile(percentile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let mut tally = Tally::default();
        for micros in 1..=10_000 {
            tally.done(Duration::from_micros(micros));
        }
        for (percentile, expected) in [(50.0, 5_000), (99.0, 9_900), (99.9, 9_990)] {
            let latency = tally.latency(percentile);
            assert!(latency.abs_diff(expected) <= expected / 500, "{latency}");
        }
    }

    #[test]
    fn two_tallies_add_up() {
        let mut sum = Tally::default();
        let mut other = Tally::default();
        sum.done(Duration::from_micros(5));
        sum.failed(Failure::Timeout);
        other.done(Duration::from_secs(100));
        other.failed(Failure::Timeout);
        other.failed(Failure::Closed);
        other.missed(Duration::from_secs(1));
        sum.add(&other);
        assert_eq!((sum.operations(), sum.errors(), sum.overdue()), (2, 3, 1));
        assert!(
            sum.failures()
                .any(|counted| counted == (&Failure::Timeout, 2))
        );
    }

    #[test]
    fn warming_up_leaves_failures_and_no_operations() {
        let mut tally = Tally::default();
        tally.done(Duration::from_secs(1));
        tally.failed(Failure::Closed);
        tally.begin();
        assert_eq!((tally.operations(), tally.errors()), (0, 1));
    }

    #[test]
    fn reasons_without_number_do_not_grow_the_tally() {
        let mut tally = Tally::default();
        for number in 0..1_000 {
            tally.failed(Failure::Tls(number.to_string()));
        }
        assert_eq!(tally.failures().count(), REASONS);
        assert_eq!(tally.errors(), 1_000);
    }
}
