//! The supervisor's monitor: it runs the actor, owns what must survive a panic of it, and waits until
//! every connection has ended even then.

use super::acceptor::CloseListener;
use super::audit::Audit;
use super::report::Report;
use super::shutdown::ShuttingDown;
use super::{SharedState, Supervisor};
use crate::cause::CloseCause;
use crate::clock::Clock;
use crate::observe::ObserverHandle;
use crate::panic::{catch, panic_message};
use async_std::channel::Sender;
use futures_util::{FutureExt, StreamExt};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;
use xtra::Mailbox;

/// How long sessions have to close when their supervisor has panicked, or its last handle was dropped.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(8);

/// How long an observer may take for one event at the end.
const STUCK_OBSERVER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long all observers together may take for the remaining events at the end.
const LAST_EVENTS_TIMEOUT: Duration = Duration::from_secs(5);

/// What the monitor owns besides the supervisor.
pub(crate) struct Monitor {
    pub(crate) observers: Vec<ObserverHandle>,
    pub(crate) report: Arc<OnceLock<Report>>,
    /// Dropped last, so that every task that waits for the report finds it.
    pub(crate) done: Sender<()>,
}

/// Runs a supervisor to its end.
pub(crate) async fn run(monitor: Monitor, supervisor: Supervisor, mailbox: Mailbox<Supervisor>) {
    let mut supervisor = supervisor;
    let shared = Arc::clone(&supervisor.shared);
    let supervised = supervise(&mut supervisor, &mailbox).await;
    let panicked = supervised.is_err();
    if let Err(panic) = supervised {
        // Only the first panic is kept, because later ones may follow from it.
        shared.lock().panic.get_or_insert(panic);
    }
    // Dropped after the panic is noted: a task that the closed mailbox has told of the end must not read
    // the state as that of a working supervisor.
    drop(mailbox);
    if panicked {
        close_all_after_panic(&shared).await;
    }
    let (report, remains, clock) = {
        let mut state = shared.lock();
        let (report, remains) = state.end();
        (report, remains, state.clock.clone())
    };
    // Dropped without the lock, because tasks that end with their threads report once more.
    drop(remains);
    drop(supervisor);
    wait_for_observers(monitor.observers, &clock).await;
    // This is the only place that sets it, so the result is `Ok`.
    let _ = monitor.report.set(report);
    drop(monitor.done);
}

/// Waits until the observers have seen everything, as long as one of them makes progress.
async fn wait_for_observers(mut observers: Vec<ObserverHandle>, clock: &Clock) {
    let until = clock.now() + LAST_EVENTS_TIMEOUT;
    let mut timer = clock.timer();
    let mut before = None;
    loop {
        let each = observers.iter();
        let seen: u64 = each.map(|one| one.seen.load(Ordering::Relaxed)).sum();
        let now = clock.now();
        if before.replace(seen) == Some(seen) || now >= until {
            return;
        }
        timer.set(Some(until.min(now + STUCK_OBSERVER_TIMEOUT)));
        let finished = poll_fn(|cx| {
            // These channels carry no message; they close.
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

/// Why the supervisor's task was woken.
enum Wakeup<M> {
    /// A report may have been the last one, or has panicked.
    Reports,
    Message(M),
    Timer,
}

/// Runs the actor: control messages, and what is due by time. The error is the text of its panic.
async fn supervise(
    supervisor: &mut Supervisor,
    mailbox: &Mailbox<Supervisor>,
) -> Result<(), String> {
    // This future is kept until it resolves, because dropping it while it waits could lose a message.
    let mut next = Some(mailbox.next());
    let mut timer = supervisor.state().clock.timer();
    let mut audit = Audit::default();

    loop {
        let wakeup = poll_fn(|cx| {
            supervisor.shared.register_monitor(cx);
            {
                let state = supervisor.state();
                if state.panic.is_some() || (state.shutdown.is_some() && state.is_empty()) {
                    return Poll::Ready(Wakeup::Reports);
                }
                let audit_at = audit.due(&state);
                let shutdown_at = state.shutdown.as_ref().map(ShuttingDown::due);
                timer.set(Some(shutdown_at.map_or(audit_at, |at| at.min(audit_at))));
            }
            if let Some(next) = &mut next
                && let Poll::Ready(message) = next.poll_unpin(cx)
            {
                return Poll::Ready(Wakeup::Message(message));
            }
            timer.poll(cx).map(|()| Wakeup::Timer)
        })
        .await;

        match wakeup {
            Wakeup::Reports => {
                let panic = supervisor.state().panic.clone();
                return panic.map_or(Ok(()), Err);
            }
            Wakeup::Message(message) => {
                let handled = AssertUnwindSafe(message.dispatch_to(supervisor));
                let flow = handled.catch_unwind().await;
                let flow = flow.map_err(|panic| panic_message(&*panic))?;
                if flow.is_break() {
                    // The last handle was dropped, so no message can come any more.
                    next = None;
                    catch(|| supervisor.state().shut_down(DEFAULT_DEADLINE))?;
                } else {
                    next = Some(mailbox.next());
                }
            }
            Wakeup::Timer => {
                if catch(|| supervisor.state().step())? {
                    return Ok(());
                }
                audit.check(&mut supervisor.state());
            }
        }
    }
}

/// Asks every session to close after a panic, and waits within the deadline until all have ended.
async fn close_all_after_panic(shared: &SharedState) {
    let mut timer = {
        let mut state = shared.lock();
        state.admission.close();
        state.tell_acceptors(None, CloseListener);
        state.add_threads();
        // Connections that are reported after this are asked to close at once.
        let now = state.clock.now();
        let until = now + DEFAULT_DEADLINE;
        state.shutdown = Some(ShuttingDown::by_panic(now, until));
        for entry in state.ledger.entries() {
            let handle = &entry.held.handle;
            handle.request_close(CloseCause::SupervisorGone, Duration::ZERO);
        }
        let mut timer = state.clock.timer();
        timer.set(Some(until));
        timer
    };
    poll_fn(|cx| {
        shared.register_monitor(cx);
        // A report that made the supervisor panic may do so again; all other reports are still applied.
        if shared.lock().is_empty() {
            return Poll::Ready(());
        }
        timer.poll(cx)
    })
    .await;
}
