//! Every event an observer may receive: the public contract.
//!
//! For one connection the order is fixed: `Accepted` (or `Dialled`), then exactly one of `Refused`,
//! `HandshakeFailed`, `Ready`; after `Ready` exactly one `Closed`; after the last, nothing.
//! Logs, metrics and the softswitch's event stream are made from these and from nothing else.

mod fields;
mod limits_set;
mod list;

pub use fields::Field;
pub use list::{Event, EventKind};

use crate::admission::{AdmissionLimits, BanRule};
use crate::cause::{CloseCause, Fault, RefusalCause};
use crate::connection::{Alert, Connection, ConnectionStats, HandshakeFailure, Tls};
use crate::deadline::Deadlines;
use crate::sip::Limits;
use std::sync::Arc;
use std::time::Duration;

/// Every limit and deadline in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LimitsSet {
    /// Who may come in, and how many.
    pub admission: AdmissionLimits,
    /// The rule that bans a source automatically.
    pub ban_rule: Option<BanRule>,
    /// How long a connection may stay in each state.
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

impl Event {
    /// The connection it is about, if it is about one.
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Accepted(connection) | Self::Dialled(connection) => Some(connection),
            Self::Refused(refused) => Some(&refused.connection),
            Self::HandshakeFailed(failed) => Some(&failed.connection),
            Self::Ready(ready) => Some(&ready.connection),
            Self::Closed(closed) => Some(&closed.connection),
            Self::LimitsSet(_)
            | Self::Listening { .. }
            | Self::ListenerClosed { .. }
            | Self::AcceptFailed { .. }
            | Self::AcceptResumed { .. }
            | Self::Discrepancy { .. }
            | Self::ObserverFailed { .. }
            | Self::Banned { .. }
            | Self::Draining { .. }
            | Self::DrainProgress { .. }
            | Self::Stopped { .. } => None,
        }
    }
}
