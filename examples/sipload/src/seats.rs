//! Sans-io: which stations are free, busy or broken, and since when.

use crate::station::{Station, Step};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a broken station rests before it opens its connections anew.
const REST: Duration = Duration::from_millis(100);

/// After so many failures in a row of one station there is no hope for it.
const HOPELESS: u32 = 20;

/// The stations of one worker. Those that are free take turns, so that every connection is used.
pub struct Seats<S> {
    seats: Vec<Seat<S>>,
    free: VecDeque<usize>,
    broken: VecDeque<usize>,
    preparing: usize,
    busy: usize,
}

struct Seat<S> {
    station: S,
    state: State,
    failures: u32,
}

#[derive(Clone, Copy)]
enum State {
    Broken {
        until: Instant,
    },
    Preparing {
        since: Instant,
    },
    Free,
    Busy {
        due: Instant,
        begun: Instant,
        answered: Option<Instant>,
    },
    Held,
    Parted,
}

impl<S: Station> Seats<S> {
    /// Stations that are all to be prepared.
    pub fn new(stations: Vec<S>) -> Self {
        let until = Instant::now();
        let seat = |station| Seat {
            station,
            state: State::Broken { until },
            failures: 0,
        };
        Self {
            broken: (0..stations.len()).collect(),
            free: VecDeque::with_capacity(stations.len()),
            seats: stations.into_iter().map(seat).collect(),
            preparing: 0,
            busy: 0,
        }
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// How many have an operation under way.
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// How many are being prepared.
    pub fn preparing(&self) -> usize {
        self.preparing
    }

    /// True when every station is prepared.
    pub fn are_ready(&self) -> bool {
        self.preparing == 0 && self.broken.is_empty()
    }

    /// The station with this number, unless it has parted.
    pub fn station(&mut self, number: usize) -> Option<&mut S> {
        let seat = self.seats.get_mut(number)?;
        match seat.state {
            State::Parted => None,
            _ => Some(&mut seat.station),
        }
    }

    /// A broken station that has rested, to be prepared from now on.
    pub fn take_broken(&mut self, now: Instant) -> Option<usize> {
        let number = *self.broken.front()?;
        let State::Broken { until } = self.seats[number].state else {
            self.broken.pop_front();
            return None;
        };
        if until > now {
            return None;
        }
        self.broken.pop_front();
        self.seats[number].state = State::Preparing { since: now };
        self.preparing += 1;
        Some(number)
    }

    /// The station that has been free longest, busy from now on with what was due then.
    pub fn take_free(&mut self, due: Instant, now: Instant) -> Option<usize> {
        let number = self.free.pop_front()?;
        self.seats[number].state = State::Busy {
            due,
            begun: now,
            answered: None,
        };
        self.busy += 1;
        Some(number)
    }

    /// The station has come this far. Gives the latency of an operation that is done.
    pub fn step(&mut self, number: usize, step: Step, now: Instant) -> Option<Duration> {
        let seat = self.seats.get_mut(number)?;
        match (&mut seat.state, step) {
            (State::Preparing { .. }, Step::Ready) => {
                seat.state = State::Free;
                self.preparing -= 1;
                self.free.push_back(number);
                None
            }
            (State::Busy { answered, .. }, Step::Answered) => {
                *answered = Some(now);
                None
            }
            (State::Busy { due, answered, .. }, Step::Done | Step::Held) => {
                let latency = answered.unwrap_or(now).saturating_duration_since(*due);
                seat.failures = 0;
                self.busy -= 1;
                if step == Step::Held {
                    seat.state = State::Held;
                } else {
                    seat.state = State::Free;
                    self.free.push_back(number);
                }
                Some(latency)
            }
            _ => None,
        }
    }

    /// The station has failed, and rests before it is prepared again; one that was only held is
    /// given up. True when it has failed too often in a row.
    pub fn fail(&mut self, number: usize, now: Instant) -> bool {
        let Some(seat) = self.seats.get_mut(number) else {
            return false;
        };
        match seat.state {
            State::Preparing { .. } => self.preparing -= 1,
            State::Busy { .. } => self.busy -= 1,
            State::Free => self.free.retain(|free| *free != number),
            State::Held => {
                seat.station.part();
                seat.state = State::Parted;
                return false;
            }
            State::Broken { .. } | State::Parted => return false,
        }
        seat.station.part();
        seat.failures += 1;
        seat.state = State::Broken { until: now + REST };
        self.broken.push_back(number);
        seat.failures >= HOPELESS
    }

    /// The stations whose preparation or operation has taken longer than this.
    pub fn overdue(&self, now: Instant, timeout: Duration) -> Vec<usize> {
        let late = |seat: &Seat<S>| match seat.state {
            State::Preparing { since } => now.saturating_duration_since(since) > timeout,
            State::Busy { begun, .. } => now.saturating_duration_since(begun) > timeout,
            _ => false,
        };
        let numbered = self.seats.iter().enumerate();
        numbered
            .filter_map(|(number, seat)| late(seat).then_some(number))
            .collect()
    }

    /// Closes everything, for good.
    pub fn part(&mut self) {
        for seat in &mut self.seats {
            seat.station.part();
            seat.state = State::Parted;
        }
        self.free.clear();
        self.broken.clear();
        self.preparing = 0;
        self.busy = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::station::Reach;
    use crate::wire::Readiness;

    struct Idle;

    impl Station for Idle {
        fn prepare(&mut self, _: &mut Reach<'_>) -> Result<Step, Failure> {
            Ok(Step::Ready)
        }
        fn begin(&mut self, _: &mut Reach<'_>) -> Result<Step, Failure> {
            Ok(Step::Done)
        }
        fn event(&mut self, _: &mut Reach<'_>, _: usize, _: Readiness) -> Result<Step, Failure> {
            Ok(Step::Going)
        }
        fn part(&mut self) {}
    }

    const MS: Duration = Duration::from_millis(1);

    fn ready(count: usize) -> (Seats<Idle>, Instant) {
        let mut seats = Seats::new((0..count).map(|_| Idle).collect());
        let now = Instant::now();
        while let Some(number) = seats.take_broken(now) {
            seats.step(number, Step::Ready, now);
        }
        assert!(seats.are_ready());
        (seats, now)
    }

    #[test]
    fn latency_counts_from_when_it_was_due_to_the_answer() {
        let (mut seats, now) = ready(1);
        let number = seats.take_free(now, now + 3 * MS).unwrap();
        assert_eq!(seats.step(number, Step::Answered, now + 10 * MS), None);
        let latency = seats.step(number, Step::Done, now + 15 * MS);
        assert_eq!(latency, Some(10 * MS));
        assert_eq!((seats.free(), seats.busy()), (1, 0));
    }

    #[test]
    fn stations_take_turns() {
        let (mut seats, now) = ready(2);
        for expected in [0, 1, 0] {
            let number = seats.take_free(now, now).unwrap();
            assert_eq!(number, expected);
            seats.step(number, Step::Done, now);
        }
    }

    #[test]
    fn a_failed_station_rests_and_is_prepared_again() {
        let (mut seats, now) = ready(1);
        let number = seats.take_free(now, now).unwrap();
        assert!(!seats.fail(number, now));
        assert_eq!((seats.busy(), seats.take_broken(now)), (0, None));
        assert_eq!(seats.take_broken(now + REST), Some(number));
        assert_eq!(seats.preparing(), 1);
    }

    #[test]
    fn failing_again_and_again_is_hopeless() {
        let (mut seats, mut now) = ready(1);
        for attempt in 1..=HOPELESS {
            let number = match seats.take_free(now, now) {
                Some(number) => number,
                None => seats.take_broken(now).unwrap(),
            };
            assert_eq!(seats.fail(number, now), attempt == HOPELESS);
            now += REST;
        }
    }

    #[test]
    fn what_takes_too_long_is_found() {
        let (mut seats, now) = ready(2);
        let number = seats.take_free(now, now).unwrap();
        assert!(seats.overdue(now + 2 * MS, 2 * MS).is_empty());
        assert_eq!(seats.overdue(now + 3 * MS, 2 * MS), [number]);
    }

    #[test]
    fn a_held_station_takes_no_more_operations_and_is_not_replaced_when_lost() {
        let (mut seats, now) = ready(1);
        let number = seats.take_free(now, now).unwrap();
        assert!(seats.step(number, Step::Held, now).is_some());
        assert!(!seats.fail(number, now));
        assert_eq!((seats.free(), seats.take_broken(now + REST)), (0, None));
    }
}
