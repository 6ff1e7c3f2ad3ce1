//! How a supervisor goes down: who is told when, and when it must not be waited for any longer.

use super::books::Books;
use crate::acceptor::CloseListener;
use crate::cause::CloseCause;
use crate::clock::AGE;
use crate::event::Event;
use crate::ledger::Stage;
use std::time::{Duration, Instant};

/// How long sessions that were cut have to be gone.
const CUT: Duration = Duration::from_secs(3);

/// The longest time between two looks at what a drain has still to close.
const LOOK: Duration = Duration::from_millis(250);

/// How often a drain says how far it is.
const PROGRESS: Duration = Duration::from_secs(1);

/// How far a shutdown has come.
#[derive(Clone, Debug)]
pub(crate) struct ShuttingDown {
    /// What sessions close with.
    cause: CloseCause,
    began: Instant,
    /// When what is open is cut; when it has been, when it is not waited for any longer.
    until: Instant,
    cut: bool,
    drain: Option<Draining>,
}

/// A gentle shutdown: sessions are told one after the other.
#[derive(Clone, Debug)]
struct Draining {
    look: Instant,
    progress: Instant,
    /// Sessions there were at the beginning.
    sessions: usize,
    /// Those told to close so far.
    told: usize,
}

impl ShuttingDown {
    /// The keeper's: everything has been cut already.
    pub(super) const fn by_death(now: Instant, until: Instant) -> Self {
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

    /// When to look at it again.
    pub(crate) fn due(&self) -> Instant {
        match &self.drain {
            Some(drain) if !self.cut => drain.look.min(self.until),
            _ => self.until,
        }
    }
}

impl Books {
    /// Nobody comes in any more, and everybody is told to leave before the deadline.
    pub(crate) fn shut_down(&mut self, deadline: Duration) {
        let deadline = deadline.min(AGE);
        if self.hasten(deadline) {
            return;
        }
        self.begin(deadline, None);
        for entry in self.ledger.entries_mut() {
            entry.held.told = true;
            Self::close(&entry.held, CloseCause::Drain, deadline);
        }
    }

    /// Nobody comes in any more; who is not busy is told to leave, one after the other.
    pub(crate) fn drain(&mut self, deadline: Duration) {
        let deadline = deadline.min(AGE);
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
                progress: now + PROGRESS,
                sessions,
                told: 0,
            }),
        );
        self.doors.draining(deadline);
        for entry in self.ledger.entries_mut() {
            if matches!(entry.stage, Stage::Handshaking) {
                entry.held.told = true;
                Self::close(&entry.held, CloseCause::Drain, Duration::ZERO);
            }
        }
        self.look_for_idle(now);
    }

    /// The next step of a shutdown whose time has come. True when it must not be waited for longer.
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
        shutdown.until = now + CUT;
        shutdown.cut = true;
        self.doors.reinforce();
        for entry in self.ledger.entries() {
            let line = &entry.held.line;
            line.trip(CloseCause::DrainDeadline, Duration::ZERO);
        }
        false
    }

    /// A shutdown that is going on can only become shorter. Whether there is one.
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
        self.show(Event::Draining { open, deadline });
    }

    /// Tells as many sessions to close as are due by now, of those that are not busy.
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
            // Rounded up: the first goes at once.
            false => {
                let share = elapsed.as_secs_f64() / spread.as_secs_f64();
                (drain.sessions as f64 * share) as usize + 1
            }
        };
        drain.look = now + LOOK.min(spread / 20).max(Duration::from_millis(1));
        let says = now >= drain.progress;
        if says {
            drain.progress = now + PROGRESS;
        }

        let left = until.saturating_duration_since(now);
        let mut busy = 0;
        let mut room = due.saturating_sub(drain.told);
        for entry in self.ledger.entries_mut() {
            if entry.held.told {
                continue;
            }
            if entry.held.line.is_busy() {
                busy += 1;
            } else if room > 0 {
                room -= 1;
                drain.told += 1;
                entry.held.told = true;
                Self::close(&entry.held, CloseCause::Drain, left);
            }
        }
        if says {
            let open = self.ledger.len();
            self.show(Event::DrainProgress { open, busy, left });
        }
    }
}
