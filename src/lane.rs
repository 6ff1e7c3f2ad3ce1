//! The lifecycle lane: one unbounded FIFO channel into the supervisor, written without waiting.
//!
//! It is not the actor mailbox, which is not FIFO and may lose messages; and because writing never
//! waits, a drop guard can do it.

use crate::admission::Refusal;
use crate::cause::{CloseCause, HandshakeCause, Phase};
use crate::connection::{Connection, ConnectionId};
use crate::event::Ready;
use crate::evidence::{Alert, Evidence};
use crate::flow::Line;
use crate::session::Session;
use async_std::channel::{Receiver, Sender, unbounded};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What acceptors and sessions tell the supervisor. Order is kept.
#[derive(Debug)]
pub(crate) enum Lifecycle {
    Accepted {
        line: Arc<Line>,
        session: xtra::Address<Session>,
        at: Instant,
    },
    Refused {
        connection: Arc<Connection>,
        refusal: Refusal,
    },
    /// The session waits for the answer in its line before it serves anything.
    Ready {
        ready: Arc<Ready>,
        at: Instant,
    },
    /// The last word about a connection; what it held has been dropped.
    Ended {
        id: ConnectionId,
        at: Instant,
        how: Ended,
    },
    AcceptFailed {
        listener: SocketAddr,
        error: String,
        pause: Duration,
    },
    AcceptResumed {
        listener: SocketAddr,
        lasted: Duration,
    },
    /// One connection less waits to be asked about.
    Settled,
    /// The last word of an acceptor.
    ListenerClosed {
        acceptor: u64,
        error: Option<String>,
    },
    ObserverFailed {
        observer: usize,
        message: String,
    },
}

/// How a session's task ended. Whether that is a failed handshake or a close is the ledger's to say.
#[derive(Debug)]
pub(crate) enum Ended {
    Handshake(Box<HandshakeFailure>),
    /// Called off before the supervisor's answer to `Ready`, or closed after it.
    Session {
        cause: CloseCause,
        alert: Option<Alert>,
    },
    /// It panicked, with this message.
    Panicked(String),
    /// Its task was dropped before it was done.
    Abandoned,
}

/// What is known of a handshake that failed.
#[derive(Debug)]
pub(crate) struct HandshakeFailure {
    pub(crate) cause: HandshakeCause,
    pub(crate) phase: Phase,
    pub(crate) evidence: Evidence,
}

/// The writing end.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    sender: Sender<Lifecycle>,
}

/// Nobody reads the lane any more.
#[derive(Debug)]
pub(crate) struct SupervisorGone;

impl Lane {
    pub(crate) fn new() -> (Self, Receiver<Lifecycle>) {
        let (sender, receiver) = unbounded();
        (Self { sender }, receiver)
    }

    /// Never waits.
    pub(crate) fn say(&self, word: Lifecycle) -> Result<(), SupervisorGone> {
        self.sender.try_send(word).map_err(|_| SupervisorGone)
    }
}
