//! One thread's poll loop: it hands due operations to free stations and measures them.

use crate::alarm::Alarm;
use crate::course::{Course, Phase};
use crate::dialogue::Outbox;
use crate::failure::Failure;
use crate::pace::Pace;
use crate::seats::Seats;
use crate::station::{Reach, Station, Step, Tokens};
use crate::tally::Tally;
use crate::wire::{Dial, Readiness};
use mio::{Events, Poll};
use std::io;
use std::time::{Duration, Instant};

/// How often phases and timeouts are looked at.
const ROUND: Duration = Duration::from_millis(20);

/// How many connections a worker prepares or opens to hold at once: a server's backlog is short.
const OPENING_AT_ONCE: usize = 64;

/// How many operations a worker begins before it looks at what came back.
const BEGUN_AT_ONCE: usize = 256;

/// What a worker goes by.
#[derive(Clone)]
pub struct Orders {
    /// The server.
    pub dial: Dial,
    /// Operations per second for this worker; `None`: as fast as they are answered.
    pub rate: Option<f64>,
    /// How long one operation may take.
    pub timeout: Duration,
    /// Whether few stations at a time may be busy, as in opening connections to hold.
    pub gently: bool,
}

/// Works until the course is over, and gives what was measured.
///
/// # Errors
/// When the process has no descriptors left for polling.
pub fn work<S: Station>(
    number: usize,
    stations: Vec<S>,
    orders: &Orders,
    course: &Course,
) -> io::Result<Tally> {
    let mut poll = Poll::new()?;
    let alarm = Alarm::new(poll.registry(), Tokens::ALARM)?;
    let mut events = Events::with_capacity(1024);
    let mut worker = Worker {
        seats: Seats::new(stations),
        orders,
        course,
        outbox: Outbox::default(),
        tally: Tally::default(),
        pace: None,
        phase: (0, Phase::Preparing),
        looked: Instant::now(),
    };
    loop {
        let now = Instant::now();
        worker.follow();
        if worker.phase.1 == Phase::Over {
            return Ok(worker.tally);
        }
        worker.begin(&poll, now);
        if worker.is_quiet(now) {
            course.is_quiet(number, worker.phase.0);
        }
        let timeout = match worker.wake(now) {
            Some(after) if after < ROUND => alarm.set(after)?,
            _ => ROUND,
        };
        if let Err(error) = poll.poll(&mut events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in events.iter().filter(|event| event.token() != Tokens::ALARM) {
            worker.event(&poll, event);
        }
        worker.look(Instant::now());
    }
}

struct Worker<'a, S> {
    seats: Seats<S>,
    orders: &'a Orders,
    course: &'a Course,
    outbox: Outbox,
    tally: Tally,
    pace: Option<Pace>,
    phase: (u64, Phase),
    looked: Instant,
}

impl<S: Station> Worker<'_, S> {
    /// Enters the phase the conductor has set.
    fn follow(&mut self) {
        let phase = self.course.phase();
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        self.pace = match phase.1 {
            Phase::Warming { from, until } | Phase::Measuring { from, until } => {
                Some(match self.orders.rate {
                    Some(rate) => Pace::fixed(from, until, rate),
                    None => Pace::closed(from, until),
                })
            }
            _ => None,
        };
        if matches!(phase.1, Phase::Measuring { .. }) {
            self.tally.begin();
        }
        if phase.1 == Phase::Parting {
            self.seats.part();
        }
    }

    /// Begins what is due, as far as stations are free.
    fn begin(&mut self, poll: &Poll, now: Instant) {
        if self.course.is_stopped() {
            self.pace = None;
            return;
        }
        if matches!(self.phase.1, Phase::Parting | Phase::Over) {
            return;
        }
        while self.seats.preparing() < OPENING_AT_ONCE
            && let Some(number) = self.seats.take_broken(now)
        {
            self.run(poll, number, Station::prepare);
        }
        let counting = matches!(self.phase.1, Phase::Measuring { .. });
        for _ in 0..BEGUN_AT_ONCE {
            if !self.has_room() {
                return;
            }
            let now = Instant::now();
            let Some(due) = self.pace.as_mut().and_then(|pace| pace.take(now)) else {
                return;
            };
            if counting && !self.course.take_ticket() {
                self.pace = None;
                return;
            }
            if let Some(number) = self.seats.take_free(due, now) {
                self.run(poll, number, Station::begin);
            }
        }
    }

    fn event(&mut self, poll: &Poll, event: &mio::event::Event) {
        let (number, leg) = Tokens::parse(event.token());
        let readiness = Readiness::from(event);
        self.run(poll, number, |station, reach| {
            station.event(reach, leg, readiness)
        });
    }

    fn run(
        &mut self,
        poll: &Poll,
        number: usize,
        deed: impl FnOnce(&mut S, &mut Reach<'_>) -> Result<Step, Failure>,
    ) {
        let mut reach = Reach {
            registry: poll.registry(),
            dial: &self.orders.dial,
            outbox: &mut self.outbox,
        };
        let Some(station) = self.seats.station(number) else {
            return;
        };
        match deed(station, &mut reach) {
            Ok(Step::Going) => {}
            Ok(step) => self.came(number, step),
            Err(failure) => self.failed(number, failure),
        }
    }

    fn came(&mut self, number: usize, step: Step) {
        if let Some(latency) = self.seats.step(number, step, Instant::now()) {
            self.tally.done(latency);
            self.course.done();
        }
    }

    fn failed(&mut self, number: usize, failure: Failure) {
        let now = Instant::now();
        let was_hopeless = self.seats.fail(number, now);
        if was_hopeless || self.phase.1 == Phase::Preparing {
            self.course.give_up(failure.clone());
        }
        self.tally.failed(failure);
        self.course.failed();
    }

    /// Looks for operations that take too long.
    fn look(&mut self, now: Instant) {
        if now < self.looked + ROUND * 5 {
            return;
        }
        self.looked = now;
        for number in self.seats.overdue(now, self.orders.timeout) {
            let station = self.seats.station(number);
            let failure = station.map_or(Failure::Timeout, |station| station.late());
            self.failed(number, failure);
        }
    }

    /// True when nothing is under way and nothing more is begun in this phase.
    fn is_quiet(&mut self, now: Instant) -> bool {
        if self.phase.1 == Phase::Preparing {
            return self.seats.are_ready() || (self.course.is_stopped() && self.seats.busy() == 0);
        }
        let counting = matches!(self.phase.1, Phase::Measuring { .. });
        let over = match &mut self.pace {
            None => true,
            Some(_) if counting && self.course.tickets_are_out() => true,
            Some(pace) if !pace.is_over(now) => false,
            Some(pace) => {
                let Phase::Measuring { until, .. } = self.phase.1 else {
                    return self.seats.busy() == 0;
                };
                for due in pace.missed().take_while(|_| self.course.take_ticket()) {
                    self.tally.missed(until - due);
                }
                true
            }
        };
        over && self.seats.busy() == 0
    }

    fn has_room(&self) -> bool {
        let crowded = self.orders.gently && self.seats.busy() >= OPENING_AT_ONCE;
        self.seats.free() > 0 && !crowded
    }

    /// When the loop must turn next for an operation to begin in time.
    fn wake(&self, now: Instant) -> Option<Duration> {
        if !self.has_room() {
            return None;
        }
        let due = self.pace.as_ref()?.next_due(now)?;
        Some(
            due.saturating_duration_since(now)
                .max(Duration::from_micros(1)),
        )
    }
}
