//! What was measured: the number of operations, their latencies, and failures by reason.

use crate::failure::Failure;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many different reasons are kept; failures for further ones are counted under the last.
const MAX_REASONS: usize = 50;

/// The longest latency that is recorded exactly, in microseconds: two hours, twice as long as any run.
/// Longer ones count as this.
const MAX_LATENCY_MICROS: u64 = 7_200_000_000;

/// What one worker measured, or all of them. Latencies are in microseconds, with three digits.
pub struct Stats {
    latencies: Histogram<u64>,
    overdue: u64,
    failures: BTreeMap<Failure, u64>,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            latencies: latency_histogram(),
            overdue: 0,
            failures: BTreeMap::new(),
        }
    }
}

impl Stats {
    /// Counts an operation that succeeded, with its latency.
    pub fn done(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros);
    }

    /// Counts an operation that was due and was never started because no client was free; `waited`
    /// is the time from then to the end. It enters the latencies, which would look too good without
    /// it.
    pub fn never_started(&mut self, waited: Duration) {
        self.done(waited);
        self.overdue += 1;
    }

    /// Counts the failure of an operation, or of a connection between two operations.
    pub fn failed(&mut self, failure: Failure) {
        if self.failures.len() >= MAX_REASONS && !self.failures.contains_key(&failure) {
            if let Some(mut last) = self.failures.last_entry() {
                *last.get_mut() += 1;
            }
            return;
        }
        *self.failures.entry(failure).or_default() += 1;
    }

    /// Forgets the operations of the warm-up. Failures are kept.
    pub fn forget_operations(&mut self) {
        self.latencies.reset();
        self.overdue = 0;
    }

    /// Adds another worker's figures.
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

    /// How many operations were due and never started.
    pub fn overdue(&self) -> u64 {
        self.overdue
    }

    /// How many operations and connections failed.
    pub fn errors(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Each reason for failures, with its count.
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

/// An empty histogram of latencies in microseconds, with three digits, up to two hours.
pub fn latency_histogram() -> Histogram<u64> {
    // Invariant: the lowest is at least 1, the highest at least twice that, and three digits are
    // within the histogram's 0 to 5.
    Histogram::new_with_bounds(1, MAX_LATENCY_MICROS, 3).expect("the bounds are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let mut stats = Stats::default();
        for micros in 1..=10_000 {
            stats.done(Duration::from_micros(micros));
        }
        for (percentile, expected) in [(50.0, 5_000), (99.0, 9_900), (99.9, 9_990)] {
            let latency = stats.latency(percentile);
            assert!(latency.abs_diff(expected) <= expected / 500, "{latency}");
        }
    }

    #[test]
    fn the_figures_of_two_workers_add_up() {
        let mut sum = Stats::default();
        let mut other = Stats::default();
        sum.done(Duration::from_micros(5));
        sum.failed(Failure::Timeout);
        other.done(Duration::from_secs(100));
        other.failed(Failure::Timeout);
        other.failed(Failure::Closed);
        other.never_started(Duration::from_secs(1));
        sum.add(&other);
        assert_eq!((sum.operations(), sum.errors(), sum.overdue()), (2, 3, 1));
        assert!(
            sum.failures()
                .any(|counted| counted == (&Failure::Timeout, 2))
        );
    }

    #[test]
    fn the_warm_up_leaves_failures_and_no_operations() {
        let mut stats = Stats::default();
        stats.done(Duration::from_secs(1));
        stats.failed(Failure::Closed);
        stats.forget_operations();
        assert_eq!((stats.operations(), stats.errors()), (0, 1));
    }

    #[test]
    fn any_number_of_different_reasons_needs_bounded_memory() {
        let mut stats = Stats::default();
        for number in 0..1_000 {
            stats.failed(Failure::Tls(number.to_string()));
        }
        assert_eq!(stats.failures().count(), MAX_REASONS);
        assert_eq!(stats.errors(), 1_000);
    }
}
