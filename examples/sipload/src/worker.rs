//! One thread's poll loop: it starts operations that are due on clients that are free, and measures
//! them.

use crate::client::{Client, Context, Step, Tokens};
use crate::client_pool::ClientPool;
use crate::connection::{Endpoint, Readiness};
use crate::failure::Failure;
use crate::phases::{Phase, Phases};
use crate::rate::Rate;
use crate::scenario::Outbox;
use crate::stats::Stats;
use crate::timer::Timer;
use mio::{Events, Poll};
use std::io;
use std::time::{Duration, Instant};

/// The longest time between two checks for a new phase; timeouts are checked every fifth time.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How many clients of one worker open connections at once; more would overflow the server's accept
/// queue.
const MAX_OPENING: usize = 64;

/// How many operations a worker starts before it polls for answers again.
const MAX_STARTED_PER_POLL: usize = 256;

/// What a worker is told at its start.
#[derive(Clone)]
pub struct WorkerConfig {
    /// The server.
    pub endpoint: Endpoint,
    /// Operations per second for this worker; `None`: each starts when the one before is done.
    pub rate: Option<f64>,
    /// How long one operation may take, and how long preparing a client may.
    pub timeout: Duration,
    /// Whether operations open connections, so that at most [`MAX_OPENING`] may be under way.
    pub opens_connections: bool,
}

/// Runs until the last phase and returns what was measured.
///
/// # Errors
/// When polling fails, as it does when the process has no descriptor left for it.
pub fn run_worker<S: Client>(
    number: usize,
    clients: Vec<S>,
    config: &WorkerConfig,
    phases: &Phases,
) -> io::Result<Stats> {
    let mut poll = Poll::new()?;
    let timer = Timer::new(poll.registry(), Tokens::TIMER)?;
    let mut events = Events::with_capacity(1024);
    let mut worker = Worker {
        clients: ClientPool::new(clients),
        config,
        phases,
        outbox: Outbox::default(),
        stats: Stats::default(),
        rate: None,
        phase: (0, Phase::Preparing),
        last_check: Instant::now(),
    };
    loop {
        let now = Instant::now();
        worker.follow_phase();
        if worker.phase.1 == Phase::Finished {
            return Ok(worker.stats);
        }
        worker.start_due(&poll, now);
        if worker.is_quiet(now) {
            phases.set_quiet(number, worker.phase.0);
        }
        let timeout = match worker.next_wakeup(now) {
            Some(after) if after < POLL_INTERVAL => timer.set(after)?,
            _ => POLL_INTERVAL,
        };
        if let Err(error) = poll.poll(&mut events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in events.iter().filter(|event| event.token() != Tokens::TIMER) {
            worker.event(&poll, event);
        }
        worker.check_timeouts(Instant::now());
    }
}

struct Worker<'a, S> {
    clients: ClientPool<S>,
    config: &'a WorkerConfig,
    phases: &'a Phases,
    outbox: Outbox,
    stats: Stats,
    rate: Option<Rate>,
    phase: (u64, Phase),
    last_check: Instant,
}

impl<S: Client> Worker<'_, S> {
    /// Enters the phase that the runner has set, if it is a new one.
    fn follow_phase(&mut self) {
        let phase = self.phases.phase();
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        self.rate = match phase.1 {
            Phase::Warming { from, until } | Phase::Measuring { from, until } => {
                Some(match self.config.rate {
                    Some(rate) => Rate::fixed(from, until, rate),
                    None => Rate::closed_loop(from, until),
                })
            }
            _ => None,
        };
        if matches!(phase.1, Phase::Measuring { .. }) {
            self.stats.forget_operations();
        }
        if phase.1 == Phase::Closing {
            self.clients.close_all();
        }
    }

    /// Starts preparing clients, and the operations that are due, as far as clients are free.
    fn start_due(&mut self, poll: &Poll, now: Instant) {
        if self.phases.is_stopped() {
            self.rate = None;
            return;
        }
        if matches!(self.phase.1, Phase::Closing | Phase::Finished) {
            return;
        }
        while self.clients.preparing() < MAX_OPENING
            && let Some(number) = self.clients.take_failed(now)
        {
            self.run(poll, number, Client::prepare);
        }
        let counting = matches!(self.phase.1, Phase::Measuring { .. });
        for _ in 0..MAX_STARTED_PER_POLL {
            if !self.has_room() {
                return;
            }
            let now = Instant::now();
            let Some(due) = self.rate.as_mut().and_then(|rate| rate.take(now)) else {
                return;
            };
            if counting && !self.phases.take_quota() {
                self.rate = None;
                return;
            }
            if let Some(number) = self.clients.take_free(due, now) {
                self.run(poll, number, Client::begin);
            }
        }
    }

    fn event(&mut self, poll: &Poll, event: &mio::event::Event) {
        let (number, leg) = Tokens::parse(event.token());
        let readiness = Readiness::from(event);
        self.run(poll, number, |client, context| {
            client.event(context, leg, readiness)
        });
    }

    fn run(
        &mut self,
        poll: &Poll,
        number: usize,
        action: impl FnOnce(&mut S, &mut Context<'_>) -> Result<Step, Failure>,
    ) {
        let mut context = Context {
            registry: poll.registry(),
            endpoint: &self.config.endpoint,
            outbox: &mut self.outbox,
        };
        let Some(client) = self.clients.client(number) else {
            return;
        };
        match action(client, &mut context) {
            Ok(Step::Pending) => {}
            Ok(step) => self.completed(number, step),
            Err(failure) => self.failed(number, failure),
        }
    }

    fn completed(&mut self, number: usize, step: Step) {
        if let Some(latency) = self.clients.step(number, step, Instant::now()) {
            self.stats.done(latency);
            self.phases.count_done();
        }
    }

    fn failed(&mut self, number: usize, failure: Failure) {
        let now = Instant::now();
        let failed_too_often = self.clients.fail(number, now);
        if failed_too_often || self.phase.1 == Phase::Preparing {
            self.phases.abort(failure.clone());
        }
        self.stats.failed(failure);
        self.phases.count_failed();
    }

    /// Fails the operations that take too long.
    fn check_timeouts(&mut self, now: Instant) {
        if now < self.last_check + POLL_INTERVAL * 5 {
            return;
        }
        self.last_check = now;
        for number in self.clients.overdue(now, self.config.timeout) {
            let client = self.clients.client(number);
            let failure = client.map_or(Failure::Timeout, |client| client.timeout_failure());
            self.failed(number, failure);
        }
    }

    /// True when no operation is under way and none will be started in this phase.
    fn is_quiet(&mut self, now: Instant) -> bool {
        if self.phase.1 == Phase::Preparing {
            return self.clients.are_ready()
                || (self.phases.is_stopped() && self.clients.busy() == 0);
        }
        let counting = matches!(self.phase.1, Phase::Measuring { .. });
        let over = match &mut self.rate {
            None => true,
            Some(_) if counting && self.phases.quota_is_used_up() => true,
            Some(rate) if !rate.is_over(now) => false,
            Some(rate) => {
                let Phase::Measuring { until, .. } = self.phase.1 else {
                    return self.clients.busy() == 0;
                };
                for due in rate
                    .take_never_started()
                    .take_while(|_| self.phases.take_quota())
                {
                    self.stats.never_started(until - due);
                }
                true
            }
        };
        over && self.clients.busy() == 0
    }

    fn has_room(&self) -> bool {
        let at_limit = self.config.opens_connections && self.clients.busy() >= MAX_OPENING;
        self.clients.free() > 0 && !at_limit
    }

    /// How long the loop may poll without starting the next operation late.
    fn next_wakeup(&self, now: Instant) -> Option<Duration> {
        if !self.has_room() {
            return None;
        }
        let due = self.rate.as_ref()?.next_due(now)?;
        Some(
            due.saturating_duration_since(now)
                .max(Duration::from_micros(1)),
        )
    }
}
