//! Every event an observer may receive: the public contract.
//!
//! For one connection the order is fixed: `Accepted` (or `Dialled`), then exactly one of `Refused`,
//! `HandshakeFailed`, `Ready`; after `Ready` exactly one `Closed`; after the last, nothing.
//! Logs, metrics and the softswitch's event stream are made from these and from nothing else.

mod fields;
mod limits_set;

pub use fields::Field;

use crate::admission::{AdmissionLimits, BanRule};
use crate::cause::{CloseCause, Fault, RefusalCause};
use crate::connection::{
    Alert, Connection, ConnectionId, ConnectionStats, Counts, HandshakeFailure, Tls,
};
use crate::deadline::Deadlines;
use crate::sip::Limits;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Something that happened to a listener, a connection or the supervisor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// What holds from now on: the first event of all, and one after each change.
    LimitsSet(Arc<LimitsSet>),
    /// A listener is open.
    Listening {
        /// The address it is bound to; a port 0 has become the real one.
        listener: SocketAddr,
    },
    /// A listener has closed; no connection comes by it any more.
    ListenerClosed {
        /// The address it was bound to.
        listener: SocketAddr,
        /// The error that ended it; `None` when it was told to stop.
        error: Option<String>,
    },
    /// Accepting failed and is paused for a moment; what is open goes on.
    AcceptFailed {
        /// The address of the listener.
        listener: SocketAddr,
        /// The system's words.
        error: String,
        /// How long the listener pauses.
        pause: Duration,
    },
    /// A listener that could not accept has accepted again.
    AcceptResumed {
        /// The address of the listener.
        listener: SocketAddr,
        /// How long it could not.
        duration: Duration,
    },
    /// A TCP connection was accepted.
    Accepted(Arc<Connection>),
    /// An outbound connection was begun.
    Dialled(Arc<Connection>),
    /// A connection was turned away before its handshake.
    Refused(Refused),
    /// A handshake failed; the connection is gone.
    HandshakeFailed(Arc<HandshakeFailed>),
    /// A session is established and may carry SIP.
    Ready(Arc<Ready>),
    /// An established session has ended; the connection is gone.
    Closed(Arc<Closed>),
    /// Events about a connection that the ledger does not expect, or equations that do not hold:
    /// a defect of ours, reported rather than hidden.
    Discrepancy {
        /// The connection, if it is about one.
        connection: Option<ConnectionId>,
        /// What does not fit.
        what: String,
    },
    /// An observer panicked and gets no more events.
    ObserverFailed {
        /// Which one, in order of registration from 0.
        observer: usize,
        /// The panic's message.
        message: String,
    },
    /// A source is refused from now on: it misbehaved too often, or an operator banned it.
    Banned {
        /// The address, cut to the length that makes a source.
        source: IpAddr,
        /// For how long; `None` until it is lifted.
        duration: Option<Duration>,
        /// The cause of the last strike; `operator` when an operator banned it.
        cause: Cow<'static, str>,
    },
    /// The supervisor begins to shut down.
    Draining {
        /// How many connections are open at this moment.
        open: usize,
        /// How long they have.
        deadline: Duration,
    },
    /// A drain goes on; about once a second.
    DrainProgress {
        /// Connections open still.
        open: usize,
        /// Those of them that say they are busy.
        busy: usize,
        /// How much time they have left.
        left: Duration,
    },
    /// The last event: the supervisor has ended.
    Stopped {
        /// Inbound connections, all accounted for.
        inbound: Counts,
        /// Outbound connections, all accounted for.
        outbound: Counts,
        /// The panic that ended the supervisor, if one did.
        panic: Option<String>,
    },
}

/// Every limit and deadline in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LimitsSet {
    /// Who may come in, and how many.
    pub admission: AdmissionLimits,
    /// When a source is banned by itself.
    pub ban_rule: Option<BanRule>,
    /// How long connections may take over each thing.
    pub deadlines: Deadlines,
    /// How large a message may be.
    pub messages: Limits,
    /// Bytes that may be queued on one flow.
    pub flow_budget: usize,
    /// Events an observer may be behind.
    pub event_backlog: usize,
}

/// A connection turned away before its handshake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// Which connection.
    pub connection: Arc<Connection>,
    /// Which rule.
    pub cause: RefusalCause,
    /// The limit that rule has, in its own unit.
    pub limit: u64,
    /// The value found.
    pub current: u64,
}

/// A failed handshake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandshakeFailed {
    /// Which connection.
    pub connection: Arc<Connection>,
    /// Why, how far it had come, and what was seen of it.
    pub failure: HandshakeFailure,
    /// From the accept to the end of the connection.
    pub elapsed: Duration,
    /// What went over the connection.
    pub stats: ConnectionStats,
}

impl HandshakeFailed {
    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        self.failure.fault()
    }
}

/// An established session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ready {
    /// Which connection.
    pub connection: Arc<Connection>,
    /// From the accept to the end of the handshake.
    pub elapsed: Duration,
    /// What the two sides agreed on.
    pub tls: Tls,
}

/// The end of an established session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Closed {
    /// Which connection.
    pub connection: Arc<Connection>,
    /// Why.
    pub cause: CloseCause,
    /// From `Ready` to the end.
    pub duration: Duration,
    /// What went over the connection.
    pub stats: ConnectionStats,
    /// The alert that ended it, if one did.
    pub alert: Option<Alert>,
}

impl Closed {
    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        self.cause.fault()
    }
}

/// The kind of an event: what filters and counters go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// See [`Event::LimitsSet`].
    LimitsSet,
    /// See [`Event::Listening`].
    Listening,
    /// See [`Event::ListenerClosed`].
    ListenerClosed,
    /// See [`Event::AcceptFailed`].
    AcceptFailed,
    /// See [`Event::AcceptResumed`].
    AcceptResumed,
    /// See [`Event::Accepted`].
    Accepted,
    /// See [`Event::Dialled`].
    Dialled,
    /// See [`Event::Refused`].
    Refused,
    /// See [`Event::HandshakeFailed`].
    HandshakeFailed,
    /// See [`Event::Ready`].
    Ready,
    /// See [`Event::Closed`].
    Closed,
    /// See [`Event::Discrepancy`].
    Discrepancy,
    /// See [`Event::ObserverFailed`].
    ObserverFailed,
    /// See [`Event::Banned`].
    Banned,
    /// See [`Event::Draining`].
    Draining,
    /// See [`Event::DrainProgress`].
    DrainProgress,
    /// See [`Event::Stopped`].
    Stopped,
}

named! {
    /// The name on the wire, in snake_case.
    EventKind {
        LimitsSet = "limits_set",
        Listening = "listening",
        ListenerClosed = "listener_closed",
        AcceptFailed = "accept_failed",
        AcceptResumed = "accept_resumed",
        Accepted = "accepted",
        Dialled = "dialled",
        Refused = "refused",
        HandshakeFailed = "handshake_failed",
        Ready = "ready",
        Closed = "closed",
        Discrepancy = "discrepancy",
        ObserverFailed = "observer_failed",
        Banned = "banned",
        Draining = "draining",
        DrainProgress = "drain_progress",
        Stopped = "stopped",
    }
}

impl EventKind {
    /// Whether an event of this kind may be shed when an observer is behind. Endings and beginnings
    /// of sessions never are.
    pub const fn may_be_shed(self) -> bool {
        matches!(self, Self::Accepted | Self::Refused)
    }
}

impl Event {
    /// Its kind.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::LimitsSet(_) => EventKind::LimitsSet,
            Self::Listening { .. } => EventKind::Listening,
            Self::ListenerClosed { .. } => EventKind::ListenerClosed,
            Self::AcceptFailed { .. } => EventKind::AcceptFailed,
            Self::AcceptResumed { .. } => EventKind::AcceptResumed,
            Self::Accepted(_) => EventKind::Accepted,
            Self::Dialled(_) => EventKind::Dialled,
            Self::Refused(_) => EventKind::Refused,
            Self::HandshakeFailed(_) => EventKind::HandshakeFailed,
            Self::Ready(_) => EventKind::Ready,
            Self::Closed(_) => EventKind::Closed,
            Self::Discrepancy { .. } => EventKind::Discrepancy,
            Self::ObserverFailed { .. } => EventKind::ObserverFailed,
            Self::Banned { .. } => EventKind::Banned,
            Self::Draining { .. } => EventKind::Draining,
            Self::DrainProgress { .. } => EventKind::DrainProgress,
            Self::Stopped { .. } => EventKind::Stopped,
        }
    }

    /// The connection it is about, if it is about one.
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Accepted(connection) | Self::Dialled(connection) => Some(connection),
            Self::Refused(refused) => Some(&refused.connection),
            Self::HandshakeFailed(failed) => Some(&failed.connection),
            Self::Ready(ready) => Some(&ready.connection),
            Self::Closed(closed) => Some(&closed.connection),
            _ => None,
        }
    }
}
