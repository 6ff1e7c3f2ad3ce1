//! What the supervisor knows: the ledger, who is listening, who is watching; and what each word of
//! the lifecycle lane does to it.

use super::shutdown::ShuttingDown;
use crate::acceptor::{Acceptor, Doors};
use crate::admission::{Admission, AdmissionLimits};
use crate::cause::{CloseCause, HandshakeCause, Phase};
use crate::clock::Clock;
use crate::connection::{Connection, ConnectionId, Direction};
use crate::control::{Outcome, Report};
use crate::event::{Closed, Event, HandshakeFailed, LimitsSet, Ready, Refused};
use crate::evidence::{Alert, Evidence};
use crate::flow::{Line, Verdict};
use crate::lane::{Ended, HandshakeFailure, Lifecycle};
use crate::ledger::{Counts, Entry, Ledger, Stage, Unexpected};
use crate::listener::{AnyListener, ListenOptions};
use crate::observe::Audience;
use crate::session::{CloseSession, Session};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use xtra::{Address, Handler};

pub(crate) struct Books {
    pub(crate) ledger: Ledger<Held>,
    pub(crate) listeners: Vec<Listening>,
    pub(crate) doors: Arc<dyn Doors>,
    pub(crate) listen_options: ListenOptions,
    /// Counts the acceptors there ever were.
    pub(crate) acceptors: u64,
    pub(crate) audience: Audience,
    pub(crate) admission: Arc<Admission>,
    pub(crate) clock: Clock,
    pub(crate) started: Instant,
    pub(crate) limits: LimitsSet,
    pub(crate) outcome: Outcome,
    pub(crate) shutdown: Option<ShuttingDown>,
    /// The panic that ended the supervisor, once one has.
    pub(crate) broken: Option<String>,
    /// How many connections ended by which cause since the shutdown began.
    pub(crate) endings: BTreeMap<&'static str, u64>,
}

/// One acceptor and what it accepts on.
#[derive(Debug)]
pub(crate) struct Listening {
    number: u64,
    pub(crate) address: SocketAddr,
    acceptor: Address<Acceptor>,
}

/// What the supervisor holds of an open connection.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) line: Arc<Line>,
    pub(crate) session: Address<Session>,
    pub(crate) accepted: Instant,
    /// Whether a drain has told it to close.
    pub(crate) told: bool,
}

impl Books {
    /// Enters one word of the lane.
    pub(crate) fn enter(&mut self, word: Lifecycle) {
        match word {
            Lifecycle::Accepted { line, session, at } => self.accepted(line, session, at),
            Lifecycle::Refused {
                connection,
                refusal,
            } => {
                self.ledger.refuse(connection.direction);
                self.show(Event::Accepted(Arc::clone(&connection)));
                self.show(Event::Refused(Refused {
                    connection,
                    cause: refusal.cause,
                    limit: refusal.limit,
                    current: refusal.current,
                }));
            }
            Lifecycle::Ready { ready, at } => self.ready(ready, at),
            Lifecycle::Ended { id, at, how } => self.ended(id, at, how),
            Lifecycle::AcceptFailed {
                listener,
                error,
                pause,
            } => self.show(Event::AcceptFailed {
                listener,
                error,
                pause,
            }),
            Lifecycle::Settled => {}
            Lifecycle::AcceptResumed { listener, lasted } => {
                self.show(Event::AcceptResumed { listener, lasted });
            }
            Lifecycle::ListenerClosed { acceptor, error } => self.acceptor_ended(acceptor, error),
            Lifecycle::ObserverFailed { observer, message } => {
                self.show(Event::ObserverFailed { observer, message });
            }
        }
    }

    pub(crate) fn show(&mut self, event: Event) {
        self.audience.show(&event);
    }

    /// Tells one session to close.
    pub(crate) fn close(held: &Held, cause: CloseCause, grace: Duration) {
        // An unbounded mailbox takes a message without waiting; a session that has ended needs none.
        let told = held.session.send(CloseSession { cause, grace }).detach();
        let _ = told.into_future().now_or_never();
    }

    /// States every limit in force.
    pub(crate) fn state_limits(&mut self) {
        self.show(Event::LimitsSet(Arc::new(self.limits.clone())));
    }

    /// New limits for whoever comes from now on; gives the old ones.
    pub(crate) fn set_limits(&mut self, new: AdmissionLimits) -> AdmissionLimits {
        self.limits.admission = new.clone();
        let before = self.admission.set_limits(new);
        self.state_limits();
        before
    }

    /// Starts acceptors for these sockets of one address.
    pub(crate) fn open(&mut self, listeners: Vec<AnyListener>) {
        for listener in listeners {
            let address = listener.address();
            if !self.listens_on(address) {
                self.show(Event::Listening { listener: address });
            }
            self.acceptors += 1;
            self.listeners.push(Listening {
                number: self.acceptors,
                address,
                acceptor: self.doors.open(self.acceptors, listener),
            });
        }
    }

    pub(crate) fn listens_on(&self, address: SocketAddr) -> bool {
        let mut listening = self.listeners.iter();
        listening.any(|listening| listening.address == address)
    }

    /// The addresses listened on.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<_> = self.listeners.iter().map(|door| door.address).collect();
        addresses.dedup();
        addresses
    }

    /// Tells the acceptors of this address, or all; how many there are.
    pub(crate) fn tell_acceptors<M>(&self, address: Option<SocketAddr>, message: M) -> usize
    where
        Acceptor: Handler<M, Return = ()>,
        M: Copy + Send + 'static,
    {
        let meant = |door: &&Listening| address.is_none_or(|address| door.address == address);
        let mut told = 0;
        for door in self.listeners.iter().filter(meant) {
            // An unbounded mailbox takes a message without waiting.
            let sending = door.acceptor.send(message).detach();
            let _ = sending.into_future().now_or_never();
            told += 1;
        }
        told
    }

    /// Whether every connection has ended and nobody can come any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty() && self.ledger.len() == 0 && self.admission.waiting() == 0
    }

    pub(crate) const fn counts(&self, direction: Direction) -> Counts {
        self.ledger.counts(direction)
    }

    pub(crate) fn report(&self, panic: Option<String>) -> Report {
        Report {
            inbound: self.counts(Direction::Inbound),
            outbound: self.counts(Direction::Outbound),
            endings: self
                .endings
                .iter()
                .map(|(cause, count)| (*cause, *count))
                .collect(),
            permits: self.admission.open(),
            panic,
        }
    }

    /// A listener has closed when the last of its acceptors has ended.
    fn acceptor_ended(&mut self, number: u64, error: Option<String>) {
        let place = self.listeners.iter().position(|door| door.number == number);
        let Some(door) = place.map(|place| self.listeners.remove(place)) else {
            return;
        };
        if error.is_some() || !self.listens_on(door.address) {
            self.show(Event::ListenerClosed {
                listener: door.address,
                error,
            });
        }
    }

    fn accepted(&mut self, line: Arc<Line>, session: Address<Session>, accepted: Instant) {
        let connection = Arc::clone(&line.connection);
        let held = Held {
            line,
            session,
            accepted,
            told: self.shutdown.is_some(),
        };
        if let Some(shutdown) = &self.shutdown {
            // It slipped in before its acceptor heard of the shutdown; its handshake is cancelled.
            held.line.trip(shutdown.cause().clone(), Duration::ZERO);
        }
        match self.ledger.begin(Arc::clone(&connection), held) {
            Ok(()) => self.show(Event::Accepted(connection)),
            Err(why) => self.discrepancy(connection.id, "accepted", why),
        }
    }

    fn ready(&mut self, ready: Arc<Ready>, at: Instant) {
        let id = ready.connection.id;
        let Some(entry) = self.ledger.entry(id) else {
            return self.discrepancy(id, "ready", Unexpected::NotOpen);
        };
        let line = Arc::clone(&entry.held.line);
        if self.shutdown.is_some() {
            // Its handshake stays unfinished in the books, and ends as cancelled.
            return line.answer(Verdict::Refuse);
        }
        match self.ledger.ready(Arc::clone(&ready), at) {
            Ok(()) => {
                self.show(Event::Ready(ready));
                line.answer(Verdict::Serve);
            }
            Err(why) => self.discrepancy(id, "ready", why),
        }
    }

    fn ended(&mut self, id: ConnectionId, at: Instant, how: Ended) {
        let event = match self.ledger.end(id) {
            Ok(entry) => match entry.stage {
                Stage::Handshaking => failed(&entry, at, how),
                Stage::Ready { at: since, .. } => closed(&entry, at - since, how),
            },
            Err(why) => return self.discrepancy(id, "ended", why),
        };
        let ending = match &event {
            Event::HandshakeFailed(failed) => Some((failed.connection.peer, failed.cause.name())),
            Event::Closed(closed) => Some((closed.connection.peer, closed.cause.name())),
            _ => None,
        };
        self.show(event);
        if let Some((_, cause)) = ending
            && self.shutdown.is_some()
        {
            *self.endings.entry(cause).or_default() += 1;
        }
        if let Some((peer, cause)) = ending
            && let Some((source, lasts)) = self.admission.strike(peer.ip(), cause, at)
        {
            self.show(Event::Banned {
                source,
                lasts: Some(lasts),
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
        self.show(Event::Discrepancy {
            connection: Some(id),
            what: format!("was said to be {said}, but {why}"),
        });
    }
}

fn failed(entry: &Entry<Held>, at: Instant, how: Ended) -> Event {
    let HandshakeFailure {
        cause,
        phase,
        mut evidence,
    } = match how {
        Ended::Handshake(failure) => *failure,
        Ended::Session { cause, alert } => {
            let cancelled = HandshakeCause::Cancelled(cause.as_cancelled());
            failure(entry, cancelled, alert)
        }
        Ended::Panicked(message) => failure(entry, HandshakeCause::Internal(message), None),
        Ended::Abandoned => {
            let dropped = "its task was dropped".to_owned();
            failure(entry, HandshakeCause::Internal(dropped), None)
        }
    };
    // What was said last, an alert, left after the evidence had been taken.
    evidence.bytes_out = entry.held.line.readings.bytes_out.load(Ordering::Relaxed);
    Event::HandshakeFailed(Arc::new(HandshakeFailed {
        connection: Arc::clone(&entry.connection),
        cause,
        phase,
        elapsed: at - entry.held.accepted,
        evidence,
    }))
}

/// What can be said of a handshake whose session could not say it.
fn failure(entry: &Entry<Held>, cause: HandshakeCause, alert: Option<Alert>) -> HandshakeFailure {
    let readings = &entry.held.line.readings;
    let bytes_in = readings.bytes_in.load(Ordering::Relaxed);
    HandshakeFailure {
        cause,
        phase: if bytes_in == 0 {
            Phase::Hello
        } else {
            Phase::Negotiation
        },
        evidence: Evidence {
            bytes_in,
            bytes_out: readings.bytes_out.load(Ordering::Relaxed),
            alert,
            ..Evidence::default()
        },
    }
}

fn closed(entry: &Entry<Held>, duration: Duration, how: Ended) -> Event {
    let (cause, alert) = match how {
        Ended::Session { cause, alert } => (cause, alert),
        Ended::Panicked(message) => (CloseCause::Internal(message), None),
        Ended::Abandoned => (
            CloseCause::Internal("its task was dropped".to_owned()),
            None,
        ),
        // A session never says this after its `Ready`; should it, the words are kept.
        Ended::Handshake(failure) => (CloseCause::Internal(failure.cause.to_string()), None),
    };
    let connection: &Arc<Connection> = &entry.connection;
    let readings = &entry.held.line.readings;
    Event::Closed(Arc::new(Closed {
        connection: Arc::clone(connection),
        cause,
        duration,
        bytes_in: readings.bytes_in.load(Ordering::Relaxed),
        bytes_out: readings.bytes_out.load(Ordering::Relaxed),
        messages_in: readings.messages_in.load(Ordering::Relaxed),
        messages_out: readings.messages_out.load(Ordering::Relaxed),
        alert,
    }))
}
