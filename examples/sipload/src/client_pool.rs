//! Sans-io: which clients of a worker are free, busy or failed, and since when.

use crate::client::{Client, Step};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a failed client waits before it opens its connections again.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// After so many failures of one client in a row the run is aborted.
const MAX_FAILURES: u32 = 20;

/// The clients of one worker. The client that has been free longest is used next, so that every
/// connection is used.
pub struct ClientPool<S> {
    slots: Vec<Slot<S>>,
    free: VecDeque<usize>,
    failed: VecDeque<usize>,
    preparing: usize,
    busy: usize,
}

struct Slot<S> {
    client: S,
    state: SlotState,
    failures: u32,
}

#[derive(Clone, Copy)]
enum SlotState {
    Failed {
        until: Instant,
    },
    Preparing {
        since: Instant,
    },
    Free,
    Busy {
        due: Instant,
        started: Instant,
        answered: Option<Instant>,
    },
    Held,
    Closed,
}

impl<S: Client> ClientPool<S> {
    /// A pool of clients none of which is prepared yet.
    pub fn new(clients: Vec<S>) -> Self {
        let until = Instant::now();
        let slot = |client| Slot {
            client,
            state: SlotState::Failed { until },
            failures: 0,
        };
        Self {
            failed: (0..clients.len()).collect(),
            free: VecDeque::with_capacity(clients.len()),
            slots: clients.into_iter().map(slot).collect(),
            preparing: 0,
            busy: 0,
        }
    }

    /// How many clients are free.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// How many clients have an operation under way.
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// How many clients are being prepared.
    pub fn preparing(&self) -> usize {
        self.preparing
    }

    /// True when every client is prepared.
    pub fn are_ready(&self) -> bool {
        self.preparing == 0 && self.failed.is_empty()
    }

    /// The client with this number, unless it was closed for good.
    pub fn client(&mut self, number: usize) -> Option<&mut S> {
        let slot = self.slots.get_mut(number)?;
        match slot.state {
            SlotState::Closed => None,
            _ => Some(&mut slot.client),
        }
    }

    /// Takes a client that is to be prepared and whose waiting time is over; it counts as being
    /// prepared from now on.
    pub fn take_failed(&mut self, now: Instant) -> Option<usize> {
        let number = *self.failed.front()?;
        let SlotState::Failed { until } = self.slots[number].state else {
            self.failed.pop_front();
            return None;
        };
        if until > now {
            return None;
        }
        self.failed.pop_front();
        self.slots[number].state = SlotState::Preparing { since: now };
        self.preparing += 1;
        Some(number)
    }

    /// Takes the client that has been free longest; it is busy from now on, with an operation that
    /// was due at `due`.
    pub fn take_free(&mut self, due: Instant, now: Instant) -> Option<usize> {
        let number = self.free.pop_front()?;
        self.slots[number].state = SlotState::Busy {
            due,
            started: now,
            answered: None,
        };
        self.busy += 1;
        Some(number)
    }

    /// Notes a client's step. Returns the latency of an operation that is done.
    pub fn step(&mut self, number: usize, step: Step, now: Instant) -> Option<Duration> {
        let slot = self.slots.get_mut(number)?;
        match (&mut slot.state, step) {
            (SlotState::Preparing { .. }, Step::Ready) => {
                slot.state = SlotState::Free;
                self.preparing -= 1;
                self.free.push_back(number);
                None
            }
            (SlotState::Busy { answered, .. }, Step::Answered) => {
                *answered = Some(now);
                None
            }
            (SlotState::Busy { due, answered, .. }, Step::Done | Step::Held) => {
                let latency = answered.unwrap_or(now).saturating_duration_since(*due);
                slot.failures = 0;
                self.busy -= 1;
                if step == Step::Held {
                    slot.state = SlotState::Held;
                } else {
                    slot.state = SlotState::Free;
                    self.free.push_back(number);
                }
                Some(latency)
            }
            _ => None,
        }
    }

    /// Notes that a client has failed. It is prepared again after [`RETRY_INTERVAL`]; a client
    /// whose connection was only held is closed for good. True when it has failed too often in a
    /// row.
    pub fn fail(&mut self, number: usize, now: Instant) -> bool {
        let Some(slot) = self.slots.get_mut(number) else {
            return false;
        };
        match slot.state {
            SlotState::Preparing { .. } => self.preparing -= 1,
            SlotState::Busy { .. } => self.busy -= 1,
            SlotState::Free => self.free.retain(|free| *free != number),
            SlotState::Held => {
                slot.client.close();
                slot.state = SlotState::Closed;
                return false;
            }
            SlotState::Failed { .. } | SlotState::Closed => return false,
        }
        slot.client.close();
        slot.failures += 1;
        slot.state = SlotState::Failed {
            until: now + RETRY_INTERVAL,
        };
        self.failed.push_back(number);
        slot.failures >= MAX_FAILURES
    }

    /// The clients whose preparation or operation has taken longer than this.
    pub fn overdue(&self, now: Instant, timeout: Duration) -> Vec<usize> {
        let is_late = |slot: &Slot<S>| match slot.state {
            SlotState::Preparing { since } => now.saturating_duration_since(since) > timeout,
            SlotState::Busy { started, .. } => now.saturating_duration_since(started) > timeout,
            _ => false,
        };
        let numbered = self.slots.iter().enumerate();
        numbered
            .filter_map(|(number, slot)| is_late(slot).then_some(number))
            .collect()
    }

    /// Closes all connections for good.
    pub fn close_all(&mut self) {
        for slot in &mut self.slots {
            slot.client.close();
            slot.state = SlotState::Closed;
        }
        self.free.clear();
        self.failed.clear();
        self.preparing = 0;
        self.busy = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Context;
    use crate::connection::Readiness;
    use crate::failure::Failure;

    struct Idle;

    impl Client for Idle {
        fn prepare(&mut self, _: &mut Context<'_>) -> Result<Step, Failure> {
            Ok(Step::Ready)
        }
        fn begin(&mut self, _: &mut Context<'_>) -> Result<Step, Failure> {
            Ok(Step::Done)
        }
        fn event(&mut self, _: &mut Context<'_>, _: usize, _: Readiness) -> Result<Step, Failure> {
            Ok(Step::Pending)
        }
        fn close(&mut self) {}
    }

    const MS: Duration = Duration::from_millis(1);

    fn ready(count: usize) -> (ClientPool<Idle>, Instant) {
        let mut pool = ClientPool::new((0..count).map(|_| Idle).collect());
        let now = Instant::now();
        while let Some(number) = pool.take_failed(now) {
            pool.step(number, Step::Ready, now);
        }
        assert!(pool.are_ready());
        (pool, now)
    }

    #[test]
    fn latency_counts_from_when_it_was_due_to_the_answer() {
        let (mut pool, now) = ready(1);
        let number = pool.take_free(now, now + 3 * MS).unwrap();
        assert_eq!(pool.step(number, Step::Answered, now + 10 * MS), None);
        let latency = pool.step(number, Step::Done, now + 15 * MS);
        assert_eq!(latency, Some(10 * MS));
        assert_eq!((pool.free(), pool.busy()), (1, 0));
    }

    #[test]
    fn the_client_that_has_been_free_longest_is_next() {
        let (mut pool, now) = ready(2);
        for expected in [0, 1, 0] {
            let number = pool.take_free(now, now).unwrap();
            assert_eq!(number, expected);
            pool.step(number, Step::Done, now);
        }
    }

    #[test]
    fn a_failed_client_waits_and_is_prepared_again() {
        let (mut pool, now) = ready(1);
        let number = pool.take_free(now, now).unwrap();
        assert!(!pool.fail(number, now));
        assert_eq!((pool.busy(), pool.take_failed(now)), (0, None));
        assert_eq!(pool.take_failed(now + RETRY_INTERVAL), Some(number));
        assert_eq!(pool.preparing(), 1);
    }

    #[test]
    fn too_many_failures_in_a_row_are_reported() {
        let (mut pool, mut now) = ready(1);
        for attempt in 1..=MAX_FAILURES {
            let number = match pool.take_free(now, now) {
                Some(number) => number,
                None => pool.take_failed(now).unwrap(),
            };
            assert_eq!(pool.fail(number, now), attempt == MAX_FAILURES);
            now += RETRY_INTERVAL;
        }
    }

    #[test]
    fn an_operation_that_takes_too_long_is_overdue() {
        let (mut pool, now) = ready(2);
        let number = pool.take_free(now, now).unwrap();
        assert!(pool.overdue(now + 2 * MS, 2 * MS).is_empty());
        assert_eq!(pool.overdue(now + 3 * MS, 2 * MS), [number]);
    }

    #[test]
    fn a_held_client_takes_no_more_operations_and_is_not_prepared_again_when_lost() {
        let (mut pool, now) = ready(1);
        let number = pool.take_free(now, now).unwrap();
        assert!(pool.step(number, Step::Held, now).is_some());
        assert!(!pool.fail(number, now));
        assert_eq!(
            (pool.free(), pool.take_failed(now + RETRY_INTERVAL)),
            (0, None)
        );
    }
}
