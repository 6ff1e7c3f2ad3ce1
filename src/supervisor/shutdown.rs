//! How a supervisor shuts down: when each session is asked to close, when the rest is cut, and when the
//! supervisor ends without waiting any longer.

use super::acceptor::CloseListener;
use super::ledger::Stage;
use super::state::SupervisorState;
use crate::cause::CloseCause;
use crate::clock::MAX_DURATION;
use crate::event::Event;
use std::time::{Duration, Instant};

/// How long sessions may take to end after they were cut.
const CUT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest time between two checks which sessions a drain can close.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How often a drain publishes its progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The progress of a shutdown.
#[derive(Clone, Debug)]
pub(crate) struct ShuttingDown {
    /// The cause that sessions close with.
    cause: CloseCause,
    began: Instant,
    /// When open sessions are cut; after that, when the supervisor stops waiting for them.
    until: Instant,
    cut: bool,
    drain: Option<Draining>,
}

/// The progress of a drain, which asks one session after the other to close.
#[derive(Clone, Debug)]
struct Draining {
    look: Instant,
    progress: Instant,
    /// How many sessions were open at the beginning.
    sessions: usize,
    /// How many were asked to close so far.
    close_requested: usize,
}

impl ShuttingDown {
    /// The shutdown after a panic, when every session has been asked to close already.
    pub(super) const fn by_panic(now: Instant, until: Instant) -> Self {
        Self {
            cause: CloseCause::SupervisorGone,
            began: now,
            until,
            cut: true,
            drain: None,
        }
    }

    pub(crate) const fn cause(&self) -> &CloseCause {
        &self.cause
    }

    /// When the next step is due.
    pub(crate) fn due(&self) -> Instant {
        match &self.drain {
            Some(drain) if !self.cut => drain.look.min(self.until),
            _ => self.until,
        }
    }
}

impl SupervisorState {
    /// Stops accepting connections, and asks every session to close before the deadline.
    pub(crate) fn shut_down(&mut self, deadline: Duration) {
        let deadline = deadline.min(MAX_DURATION);
        if self.hasten(deadline) {
            return;
        }
        self.begin(deadline, None);
        for entry in self.ledger.entries_mut() {
            entry.held.close_requested = true;
            entry.held.handle.request_close(CloseCause::Drain, deadline);
        }
    }

    /// Stops accepting connections, and asks sessions that are not busy to close, one after the other.
    pub(crate) fn drain(&mut self, deadline: Duration) {
        let deadline = deadline.min(MAX_DURATION);
        if self.hasten(deadline) {
            return;
        }
        let now = self.clock.now();
        let ready = self.ledger.entries();
        let sessions = ready
            .filter(|entry| matches!(entry.stage, Stage::Ready { .. }))
            .count();
        self.begin(
            deadline,
            Some(Draining {
                look: now,
                progress: now + PROGRESS_INTERVAL,
                sessions,
                close_requested: 0,
            }),
        );
        for entry in self.ledger.entries_mut() {
            if matches!(entry.stage, Stage::Handshaking) {
                entry.held.close_requested = true;
                let handle = &entry.held.handle;
                handle.request_close(CloseCause::Drain, Duration::ZERO);
            }
        }
        self.look_for_idle(now);
    }

    /// Takes the next step of a shutdown. True when the supervisor must not wait any longer.
    pub(crate) fn step(&mut self) -> bool {
        let now = self.clock.now();
        let Some(shutdown) = &mut self.shutdown else {
            return false;
        };
        if shutdown.until > now {
            self.look_for_idle(now);
            return false;
        }
        if shutdown.cut {
            return true;
        }
        shutdown.until = now + CUT_TIMEOUT;
        shutdown.cut = true;
        for entry in self.ledger.entries() {
            let handle = &entry.held.handle;
            handle.request_close(CloseCause::DrainDeadline, Duration::ZERO);
        }
        // Threads are added only after the cut, so that a session that could not run until now sees
        // both requests together.
        self.add_threads();
        false
    }

    /// Shortens the deadline of a shutdown in progress; never extends it. False when there is none.
    fn hasten(&mut self, deadline: Duration) -> bool {
        let until = self.clock.now() + deadline;
        let Some(shutdown) = &mut self.shutdown else {
            return false;
        };
        if !shutdown.cut {
            shutdown.until = shutdown.until.min(until);
        }
        true
    }

    fn begin(&mut self, deadline: Duration, drain: Option<Draining>) {
        let now = self.clock.now();
        self.shutdown = Some(ShuttingDown {
            cause: CloseCause::Drain,
            began: now,
            until: now + deadline,
            cut: false,
            drain,
        });
        self.admission.close();
        self.tell_acceptors(None, CloseListener);
        let open = self.ledger.len();
        self.publish(Event::Draining { open, deadline });
    }

    /// Asks as many sessions to close as are due by now, of those that are not busy.
    fn look_for_idle(&mut self, now: Instant) {
        let Some(shutdown) = &mut self.shutdown else {
            return;
        };
        let (began, until) = (shutdown.began, shutdown.until);
        let Some(drain) = &mut shutdown.drain else {
            return;
        };
        let spread = (until - began) / 2;
        let elapsed = now - began;
        let due = match spread.is_zero() || elapsed >= spread {
            true => usize::MAX,
            // Rounded up, so that the first session closes at once.
            false => {
                let share = elapsed.as_secs_f64() / spread.as_secs_f64();
                (drain.sessions as f64 * share) as usize + 1
            }
        };
        drain.look = now + LOOK_INTERVAL.min(spread / 20).max(Duration::from_millis(1));
        let says = now >= drain.progress;
        if says {
            drain.progress = now + PROGRESS_INTERVAL;
        }

        let left = until.saturating_duration_since(now);
        let mut busy = 0;
        let mut room = due.saturating_sub(drain.close_requested);
        for entry in self.ledger.entries_mut() {
            if entry.held.close_requested {
                continue;
            }
            if entry.held.handle.is_busy() {
                busy += 1;
            } else if room > 0 {
                room -= 1;
                drain.close_requested += 1;
                entry.held.close_requested = true;
                entry.held.handle.request_close(CloseCause::Drain, left);
            }
        }
        if says {
            let open = self.ledger.len();
            self.publish(Event::DrainProgress { open, busy, left });
        }
    }
}
