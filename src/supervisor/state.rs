//! The supervisor's state: the ledger, the listeners and the subscribers; and how each report changes
//! it.

use super::acceptor::{Acceptor, AcceptorFactory};
use super::ledger::{Entry, Ledger, Stage, Unexpected};
use super::report::{PendingReport, Report};
use super::shutdown::ShuttingDown;
use crate::admission::{Admission, AdmissionLimits};
use crate::cause::{CloseCause, HandshakeCause, Phase};
use crate::clock::Clock;
use crate::connection::{Alert, ConnectionId, Counts, Direction, Evidence, HandshakeFailure};
use crate::event::{Closed, Event, HandshakeFailed, LimitsSet, Ready, Refused};
use crate::observe::Subscribers;
use crate::session::{Lifecycle, ReadyAnswer, SessionHandle, SessionOutcome};
use crate::transport::{AnyListener, ListenOptions};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xtra::{Address, Handler};

pub(crate) struct SupervisorState {
    pub(crate) ledger: Ledger<OpenSession>,
    pub(crate) listeners: Vec<OpenListener>,
    /// `None` once the supervisor has ended.
    pub(crate) acceptor_factory: Option<Arc<dyn AcceptorFactory>>,
    pub(crate) listen_options: ListenOptions,
    /// How many acceptors were started so far.
    pub(crate) acceptors: u64,
    pub(crate) subscribers: Subscribers,
    pub(crate) admission: Arc<Admission>,
    pub(crate) clock: Clock,
    pub(crate) started: Instant,
    pub(crate) limits: LimitsSet,
    pub(crate) report: PendingReport,
    pub(crate) shutdown: Option<ShuttingDown>,
    /// The text of the first panic of the supervisor, if there was one.
    pub(crate) panic: Option<String>,
    /// Whether the last event has been published. No report is applied any more then.
    pub(crate) ended: bool,
    /// How many connections ended by which cause since the shutdown began.
    pub(crate) endings: BTreeMap<&'static str, u64>,
}

/// One acceptor and what it accepts on.
#[derive(Debug)]
pub(crate) struct OpenListener {
    number: u64,
    pub(crate) address: SocketAddr,
    acceptor: Address<Acceptor>,
}

/// What the supervisor attaches to an open connection.
#[derive(Debug)]
pub(crate) struct OpenSession {
    pub(crate) handle: Arc<SessionHandle>,
    pub(crate) accepted: Instant,
    /// Whether a shutdown has asked it to close.
    pub(crate) close_requested: bool,
}

/// What must be dropped at the supervisor's end without the lock: with it the threads for connections
/// end, and tasks that are dropped there report once more.
pub(crate) struct Remains {
    _acceptor_factory: Option<Arc<dyn AcceptorFactory>>,
    _subscribers: Subscribers,
}

impl SupervisorState {
    /// Applies one report.
    pub(crate) fn apply(&mut self, report: Lifecycle) {
        match report {
            Lifecycle::Refused {
                connection,
                refusal,
            } => {
                self.ledger.refuse(connection.direction);
                self.publish(Event::Accepted(Arc::clone(&connection)));
                self.publish(Event::Refused(Refused {
                    connection,
                    cause: refusal.cause,
                    limit: refusal.limit,
                    current: refusal.current,
                }));
            }
            Lifecycle::Ended { id, at, outcome } => self.ended(id, at, outcome),
            Lifecycle::AcceptFailed {
                listener,
                error,
                pause,
            } => self.publish(Event::AcceptFailed {
                listener,
                error,
                pause,
            }),
            Lifecycle::ProxyHeaderSettled => {}
            Lifecycle::AcceptResumed { listener, duration } => {
                self.publish(Event::AcceptResumed { listener, duration });
            }
            Lifecycle::ListenerClosed { acceptor, error } => self.acceptor_ended(acceptor, error),
            Lifecycle::ObserverFailed { observer, message } => {
                self.publish(Event::ObserverFailed { observer, message });
            }
        }
    }

    pub(crate) fn publish(&mut self, event: Event) {
        self.subscribers.publish(&event);
    }

    /// Publishes every limit in force.
    pub(crate) fn publish_limits(&mut self) {
        self.publish(Event::LimitsSet(Arc::new(self.limits.clone())));
    }

    /// Sets the limits for new connections, and returns the old ones.
    pub(crate) fn set_limits(&mut self, new: AdmissionLimits) -> AdmissionLimits {
        self.limits.admission = new.clone();
        let before = self.admission.set_limits(new);
        self.publish_limits();
        before
    }

    /// Starts acceptors for these sockets of one address.
    pub(crate) fn open(&mut self, listeners: Vec<AnyListener>) {
        for listener in listeners {
            let address = listener.address();
            if !self.listens_on(address) {
                self.publish(Event::Listening { listener: address });
            }
            let Some(factory) = &self.acceptor_factory else {
                return;
            };
            self.acceptors += 1;
            self.listeners.push(OpenListener {
                number: self.acceptors,
                address,
                acceptor: factory.start(self.acceptors, listener),
            });
        }
    }

    pub(crate) fn listens_on(&self, address: SocketAddr) -> bool {
        let mut listening = self.listeners.iter();
        listening.any(|listening| listening.address == address)
    }

    /// The addresses of the open listeners.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<_> = self
            .listeners
            .iter()
            .map(|listener| listener.address)
            .collect();
        addresses.dedup();
        addresses
    }

    /// Sends a message to the acceptors of this address, or to all, and returns how many there are.
    pub(crate) fn tell_acceptors<M>(&self, address: Option<SocketAddr>, message: M) -> usize
    where
        Acceptor: Handler<M, Return = ()>,
        M: Copy + Send + 'static,
    {
        let meant =
            |listener: &&OpenListener| address.is_none_or(|address| listener.address == address);
        let mut told = 0;
        for listener in self.listeners.iter().filter(meant) {
            // Sending does not wait, because the mailbox is unbounded.
            let sending = listener.acceptor.send(message).detach();
            let _ = sending.into_future().now_or_never();
            told += 1;
        }
        told
    }

    /// Whether every connection has ended and none can come any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty() && self.ledger.len() == 0 && self.admission.waiting() == 0
    }

    pub(crate) const fn counts(&self, direction: Direction) -> Counts {
        self.ledger.counts(direction)
    }

    /// Adds threads for connections, because handlers may have blocked some for good.
    pub(crate) fn add_threads(&self) {
        if let Some(factory) = &self.acceptor_factory {
            factory.add_threads();
        }
    }

    /// Whether the supervisor has neither ended nor panicked.
    pub(crate) const fn is_working(&self) -> bool {
        self.panic.is_none() && !self.ended
    }

    /// Publishes the last event. No report is applied afterwards.
    pub(crate) fn end(&mut self) -> (Report, Remains) {
        let report = self.final_report();
        self.publish(Event::Stopped {
            inbound: report.inbound,
            outbound: report.outbound,
            panic: report.panic.clone(),
        });
        self.ended = true;
        let remains = Remains {
            _acceptor_factory: self.acceptor_factory.take(),
            _subscribers: self.subscribers.take(),
        };
        (report, remains)
    }

    fn final_report(&self) -> Report {
        Report {
            inbound: self.counts(Direction::Inbound),
            outbound: self.counts(Direction::Outbound),
            endings: self
                .endings
                .iter()
                .map(|(cause, count)| (*cause, *count))
                .collect(),
            permits: self.admission.open(),
            panic: self.panic.clone(),
        }
    }

    /// Notes that an acceptor ended. Its listener has closed when the last of its acceptors has.
    fn acceptor_ended(&mut self, number: u64, error: Option<String>) {
        let place = self
            .listeners
            .iter()
            .position(|listener| listener.number == number);
        let Some(listener) = place.map(|place| self.listeners.remove(place)) else {
            return;
        };
        if error.is_some() || !self.listens_on(listener.address) {
            self.publish(Event::ListenerClosed {
                listener: listener.address,
                error,
            });
        }
    }

    /// Begins a connection in the ledger.
    pub(super) fn accepted(&mut self, handle: Arc<SessionHandle>, accepted: Instant) {
        let connection = Arc::clone(&handle.connection);
        let open = OpenSession {
            handle,
            accepted,
            close_requested: self.shutdown.is_some(),
        };
        if let Some(shutdown) = &self.shutdown {
            // The connection was accepted before its acceptor handled the shutdown, so its handshake is
            // cancelled.
            let cause = shutdown.cause().clone();
            open.handle.request_close(cause, Duration::ZERO);
        }
        match self.ledger.begin(Arc::clone(&connection), open) {
            Ok(()) => self.publish(Event::Accepted(connection)),
            Err(why) => self.discrepancy(connection.id, "accepted", why),
        }
    }

    /// Notes a session as ready, unless a shutdown has begun: then its handshake stays unfinished in the ledger,
    /// and ends as cancelled.
    pub(super) fn ready(&mut self, ready: Arc<Ready>, at: Instant) -> ReadyAnswer {
        if self.shutdown.is_some() {
            return ReadyAnswer::Refuse;
        }
        match self.ledger.ready(Arc::clone(&ready), at) {
            Ok(()) => {
                self.publish(Event::Ready(ready));
                ReadyAnswer::Serve
            }
            Err(why) => {
                self.discrepancy(ready.connection.id, "ready", why);
                ReadyAnswer::Refuse
            }
        }
    }

    fn ended(&mut self, id: ConnectionId, at: Instant, outcome: SessionOutcome) {
        let event = match self.ledger.end(id) {
            Ok(entry) => match entry.stage {
                Stage::Handshaking => failed(&entry, at, outcome),
                Stage::Ready { at: since, .. } => closed(&entry, at - since, outcome),
            },
            Err(why) => return self.discrepancy(id, "ended", why),
        };
        let ending = match &event {
            Event::HandshakeFailed(failed) => {
                Some((failed.connection.peer, failed.failure.cause.name()))
            }
            Event::Closed(closed) => Some((closed.connection.peer, closed.cause.name())),
            _ => None,
        };
        self.publish(event);
        if let Some((_, cause)) = ending
            && self.shutdown.is_some()
        {
            *self.endings.entry(cause).or_default() += 1;
        }
        if let Some((peer, cause)) = ending
            && let Some((source, duration)) = self.admission.strike(peer.ip(), cause, at)
        {
            self.publish(Event::Banned {
                source,
                duration: Some(duration),
                cause: cause.into(),
            });
        }
    }

    fn discrepancy(&mut self, id: ConnectionId, said: &str, why: Unexpected) {
        let why = match why {
            Unexpected::NotOpen => "is not open",
            Unexpected::AlreadyOpen => "is open already",
            Unexpected::AlreadyReady => "is ready already",
        };
        self.publish(Event::Discrepancy {
            connection: Some(id),
            what: format!("was said to be {said}, but {why}"),
        });
    }
}

fn failed(entry: &Entry<OpenSession>, at: Instant, outcome: SessionOutcome) -> Event {
    let failure = match outcome {
        SessionOutcome::HandshakeFailed(failure) => *failure,
        SessionOutcome::Closed { cause, alert } => {
            let cancelled = HandshakeCause::Cancelled(cause.as_cancelled());
            unseen_failure(entry, cancelled, alert)
        }
        SessionOutcome::Panicked(message) => {
            unseen_failure(entry, HandshakeCause::Internal(message), None)
        }
        SessionOutcome::Dropped => {
            let dropped = "its task was dropped".to_owned();
            unseen_failure(entry, HandshakeCause::Internal(dropped), None)
        }
    };
    Event::HandshakeFailed(Arc::new(HandshakeFailed {
        connection: Arc::clone(&entry.connection),
        failure,
        elapsed: at - entry.held.accepted,
        stats: entry.held.handle.counters.stats(),
    }))
}

/// The failure of a handshake whose session could not report one.
fn unseen_failure(
    entry: &Entry<OpenSession>,
    cause: HandshakeCause,
    alert: Option<Alert>,
) -> HandshakeFailure {
    let has_sent = entry.held.handle.counters.stats().bytes_in > 0;
    HandshakeFailure {
        cause,
        phase: if has_sent {
            Phase::Negotiation
        } else {
            Phase::Hello
        },
        evidence: Evidence {
            alert,
            ..Evidence::default()
        },
    }
}

fn closed(entry: &Entry<OpenSession>, duration: Duration, outcome: SessionOutcome) -> Event {
    let (cause, alert) = match outcome {
        SessionOutcome::Closed { cause, alert } => (cause, alert),
        SessionOutcome::Panicked(message) => (CloseCause::Internal(message), None),
        SessionOutcome::Dropped => (
            CloseCause::Internal("its task was dropped".to_owned()),
            None,
        ),
        // A session never reports this after its `Ready`. If it did, the text would be kept.
        SessionOutcome::HandshakeFailed(failure) => {
            (CloseCause::Internal(failure.cause.to_string()), None)
        }
    };
    Event::Closed(Arc::new(Closed {
        connection: Arc::clone(&entry.connection),
        cause,
        duration,
        stats: entry.held.handle.counters.stats(),
        alert,
    }))
}
