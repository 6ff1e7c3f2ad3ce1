//! The supervisor's own wrapper: it runs the actor, owns what must survive its panic, and sees
//! every connection to its end even then.

use super::desk::enter;
use super::shutdown::ShuttingDown;
use super::{Books, Desk, Supervisor};
use crate::acceptor::CloseListener;
use crate::cause::CloseCause;
use crate::clock::Clock;
use crate::connection::Direction;
use crate::control::Report;
use crate::ending::panic_message;
use crate::event::Event;
use crate::lane::Reader;
use crate::observe::Watching;
use async_std::channel::Sender;
use futures_util::{FutureExt, StreamExt};
use std::cmp::Ordering;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering as AtomicOrdering;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use xtra::Mailbox;

/// What sessions have when their supervisor has died, or its last handle was dropped.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(8);

/// How long an observer may be stuck with an event at the end.
const STUCK: Duration = Duration::from_secs(1);

/// How long all observers may take over what is left to see at the end.
const LAST_EVENTS: Duration = Duration::from_secs(5);

/// How often the books are compared with the permits.
const AUDIT: Duration = Duration::from_secs(10);

/// When to look again at what could not be seen clearly, or did not agree.
const AUDIT_AGAIN: Duration = Duration::from_millis(500);

/// How many looks in a row have to disagree before it is said.
const AUDIT_LOOKS: u32 = 20;

/// What the wrapper owns besides the supervisor.
pub(crate) struct Keeper {
    pub(crate) lane: Reader,
    pub(crate) observers: Vec<Watching>,
    pub(crate) report: Arc<OnceLock<Report>>,
    /// Dropped last: whoever waits for the report then finds it.
    pub(crate) done: Sender<()>,
}

/// Runs a supervisor to its end.
pub(crate) async fn keep(mut keeper: Keeper, supervisor: Supervisor, mailbox: Mailbox<Supervisor>) {
    let mut supervisor = supervisor;
    let panic = supervise(&mut keeper, &mut supervisor, mailbox).await.err();
    if let Some(panic) = &panic {
        supervisor.books().broken = Some(panic.clone());
        settle(&keeper, &supervisor.desk).await;
    }
    let (report, clock) = {
        let mut books = supervisor.books();
        let stopped = Event::Stopped {
            inbound: books.counts(Direction::Inbound),
            outbound: books.counts(Direction::Outbound),
            panic: panic.clone(),
        };
        books.show(stopped);
        (books.report(panic), books.clock.clone())
    };
    supervisor.desk.clear().await;
    let_finish(keeper.observers, &clock).await;
    // Set once, here.
    let _ = keeper.report.set(report);
    drop(keeper.done);
}

/// Waits until the observers have seen everything, as long as one of them gets on.
async fn let_finish(mut observers: Vec<Watching>, clock: &Clock) {
    let until = clock.now() + LAST_EVENTS;
    let mut timer = clock.timer();
    let mut before = None;
    loop {
        let each = observers.iter();
        let seen: u64 = each.map(|one| one.seen.load(AtomicOrdering::Relaxed)).sum();
        let now = clock.now();
        if before.replace(seen) == Some(seen) || now >= until {
            return;
        }
        timer.set(Some(until.min(now + STUCK)));
        let finished = poll_fn(|cx| {
            // Nothing is ever sent: the channels close.
            let mut each = observers.iter_mut();
            if each.all(|one| one.done.poll_next_unpin(cx).is_ready()) {
                return Poll::Ready(true);
            }
            timer.poll(cx).map(|()| false)
        });
        if finished.await {
            return;
        }
    }
}

enum Turn<M> {
    Words,
    Told(M),
    Time,
}

/// The actor's life: words of the lane and control messages in turn. The error is its panic.
async fn supervise(
    keeper: &mut Keeper,
    supervisor: &mut Supervisor,
    mailbox: Mailbox<Supervisor>,
) -> Result<(), String> {
    // Kept until it resolves: dropping it while it waits could lose a message.
    let mut next = Some(mailbox.next());
    let mut timer = supervisor.books().clock.timer();
    let mut audit = Audit::default();
    let mut words_first = true;

    loop {
        {
            let books = supervisor.books();
            if let Some(panic) = &books.broken {
                return Err(panic.clone());
            }
            if books.shutdown.is_some() && books.is_empty() && keeper.lane.is_empty() {
                return Ok(());
            }
            let audit_at = audit.due(&books);
            let shutdown_at = books.shutdown.as_ref().map(ShuttingDown::due);
            timer.set(Some(shutdown_at.map_or(audit_at, |at| at.min(audit_at))));
        }
        let turn = poll_fn(|cx| {
            for look_at_words in [words_first, !words_first] {
                if look_at_words {
                    if keeper.lane.poll_waiting(cx).is_ready() {
                        return Poll::Ready(Turn::Words);
                    }
                } else if let Some(Poll::Ready(message)) =
                    next.as_mut().map(|next| next.poll_unpin(cx))
                {
                    return Poll::Ready(Turn::Told(message));
                }
            }
            timer.poll(cx).map(|()| Turn::Time)
        })
        .await;
        words_first = !matches!(turn, Turn::Words);

        match turn {
            Turn::Words => {
                enter(&mut supervisor.books(), keeper.lane.words());
            }
            Turn::Told(message) => {
                let handled = AssertUnwindSafe(message.dispatch_to(supervisor));
                let flow = handled.catch_unwind().await;
                let flow = flow.map_err(|panic| panic_message(&*panic))?;
                if flow.is_break() {
                    // The last handle is gone: nobody can tell it anything any more.
                    next = None;
                    guard(|| supervisor.books().shut_down(DEFAULT_DEADLINE))?;
                } else {
                    next = Some(mailbox.next());
                }
            }
            Turn::Time => {
                if guard(|| supervisor.books().step())? {
                    return Ok(());
                }
                let nothing_waits = keeper.lane.is_empty();
                audit.look(&mut supervisor.books(), nothing_waits);
            }
        }
    }
}

fn guard<R>(step: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| panic_message(&*panic))
}

/// After a panic: every session is closed and every ending entered, in order and in time.
async fn settle(keeper: &Keeper, desk: &Desk) {
    let mut timer = {
        let mut books = desk.books();
        books.admission.close();
        books.tell_acceptors(None, CloseListener);
        books.doors.reinforce();
        // Those accepted by now are told as they are entered.
        let until = books.clock.now() + DEFAULT_DEADLINE;
        books.shutdown = Some(ShuttingDown::by_death(books.clock.now(), until));
        for entry in books.ledger.entries() {
            let line = &entry.held.line;
            line.trip(CloseCause::SupervisorGone, Duration::ZERO);
        }
        let mut timer = books.clock.timer();
        timer.set(Some(until));
        timer
    };
    while !(desk.books().is_empty() && keeper.lane.is_empty()) {
        let waiting = poll_fn(|cx| match keeper.lane.poll_waiting(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => timer.poll(cx).map(|()| false),
        });
        if !waiting.await {
            return;
        }
        // Whatever made the supervisor panic may do so again; the other words still count.
        enter(&mut desk.books(), keeper.lane.words());
    }
}

/// Compares the books with the permits.
#[derive(Default)]
struct Audit {
    due: Option<Instant>,
    /// How often in a row the same kind of disagreement was seen.
    suspicion: Option<(Ordering, u32)>,
}

impl Audit {
    fn due(&mut self, books: &Books) -> Instant {
        *self.due.get_or_insert_with(|| books.clock.now() + AUDIT)
    }

    fn look(&mut self, books: &mut Books, lane_is_empty: bool) {
        let now = books.clock.now();
        if self.due.is_some_and(|due| now < due) {
            return;
        }
        self.due = Some(now + AUDIT_AGAIN);
        if !lane_is_empty {
            return;
        }
        let (permits, open) = (books.admission.open(), books.ledger.len());
        let sight = permits.cmp(&open);
        let seen = match self.suspicion {
            Some((before, seen)) if before == sight => seen + 1,
            _ => 1,
        };
        // At any single look a permit may have moved and the word of it be on its way; at so many,
        // all in the same direction, it has not come.
        let certain = seen == AUDIT_LOOKS;
        self.suspicion = (sight.is_ne() && !certain).then_some((sight, seen));
        if self.suspicion.is_some() {
            return;
        }
        self.due = Some(now + AUDIT);
        if sight.is_ne() {
            books.show(Event::Discrepancy {
                connection: None,
                what: format!(
                    "{permits} permits are held, but {open} connections are open in the ledger"
                ),
            });
        }
        if !books.ledger.balanced() {
            books.show(Event::Discrepancy {
                connection: None,
                what: "the ledger's equations do not hold".to_owned(),
            });
        }
    }
}
