//! The reports that acceptors, sessions and observers make to the supervisor.
//!
//! A report is not an actor message: xtra's mailboxes are not FIFO and may lose messages. It is applied
//! to the supervisor's state at once, in the thread that reports. So the reports of one connection are
//! applied in the order in which they were made, a drop guard can make one, and no task has to be woken
//! for it.

use super::handle::SessionHandle;
use crate::admission::Refusal;
use crate::cause::CloseCause;
use crate::connection::{Alert, Connection, ConnectionId, HandshakeFailure};
use crate::event::Ready;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// One report.
#[derive(Debug)]
pub(crate) enum Lifecycle {
    Refused {
        connection: Arc<Connection>,
        refusal: Refusal,
    },
    /// The last report about a connection, made after everything the connection held was dropped.
    Ended {
        id: ConnectionId,
        at: Instant,
        outcome: SessionOutcome,
    },
    AcceptFailed {
        listener: SocketAddr,
        error: String,
        pause: Duration,
    },
    AcceptResumed {
        listener: SocketAddr,
        duration: Duration,
    },
    /// A connection that waited for its PROXY header has been admitted or refused.
    ProxyHeaderSettled,
    /// The last report of an acceptor.
    ListenerClosed {
        acceptor: u64,
        error: Option<String>,
    },
    ObserverFailed {
        observer: usize,
        message: String,
    },
}

/// How a session's task ended. The ledger decides whether that is a failed handshake or a close.
#[derive(Debug)]
pub(crate) enum SessionOutcome {
    HandshakeFailed(Box<HandshakeFailure>),
    /// The handshake was done; the session was then refused, cancelled, or closed after the
    /// supervisor's answer.
    Closed {
        cause: CloseCause,
        alert: Option<Alert>,
    },
    /// The session's task panicked with this message.
    Panicked(String),
    /// The session's task was dropped before it was done.
    Dropped,
}

/// The supervisor's answer to a session that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadyAnswer {
    Serve,
    Refuse,
}

/// Says that a connection is in the ledger, so that its end may be reported. Only the report that it was
/// accepted gives one.
#[derive(Debug)]
pub(crate) struct InLedger(());

/// Applies reports. Implemented by the supervisor's state. Each method fails when the supervisor has ended.
pub(crate) trait LifecycleSink: Send + Sync {
    fn accepted(&self, handle: Arc<SessionHandle>, at: Instant) -> Result<(), SupervisorGone>;

    /// Fails also when the supervisor panicked over this report.
    fn ready(&self, ready: Arc<Ready>, at: Instant) -> Result<ReadyAnswer, SupervisorGone>;

    fn apply(&self, report: Lifecycle) -> Result<(), SupervisorGone>;
}

/// Sends reports. It does not keep the supervisor's state alive.
#[derive(Clone)]
pub(crate) struct LifecycleSender {
    sink: Weak<dyn LifecycleSink>,
}

/// The supervisor has ended.
#[derive(Debug)]
pub(crate) struct SupervisorGone;

impl LifecycleSender {
    pub(crate) fn new(sink: Weak<dyn LifecycleSink>) -> Self {
        Self { sink }
    }

    /// Reports that a connection was accepted. Comes before every other report about it.
    ///
    /// # Errors
    /// When the supervisor has ended.
    pub(crate) fn accepted(
        &self,
        handle: Arc<SessionHandle>,
        at: Instant,
    ) -> Result<InLedger, SupervisorGone> {
        let sink = self.sink.upgrade().ok_or(SupervisorGone)?;
        sink.accepted(handle, at).map(|()| InLedger(()))
    }

    /// Reports that a session is ready, and returns whether it may serve.
    ///
    /// # Errors
    /// When the supervisor has ended, or panics over this report.
    pub(crate) fn ready(
        &self,
        ready: Arc<Ready>,
        at: Instant,
    ) -> Result<ReadyAnswer, SupervisorGone> {
        let sink = self.sink.upgrade().ok_or(SupervisorGone)?;
        sink.ready(ready, at)
    }

    /// Applies a report. Takes the supervisor's lock for a few microseconds and waits for nothing else.
    ///
    /// # Errors
    /// When the supervisor has ended.
    pub(crate) fn send(&self, report: Lifecycle) -> Result<(), SupervisorGone> {
        self.sink.upgrade().ok_or(SupervisorGone)?.apply(report)
    }
}

/// Keeps every report, for tests and measurements of sessions without a supervisor. Every session may serve.
#[cfg(any(test, all(feature = "fuzzing", feature = "testing")))]
#[derive(Debug, Default)]
pub(crate) struct ReportLog {
    reports: std::sync::Mutex<std::collections::VecDeque<Lifecycle>>,
    /// How many reports were made that a session waits for an answer to.
    ready: std::sync::atomic::AtomicU64,
}

#[cfg(any(test, all(feature = "fuzzing", feature = "testing")))]
impl ReportLog {
    /// A log and the sender that fills it.
    pub(crate) fn new() -> (Arc<Self>, LifecycleSender) {
        let log = Arc::new(Self::default());
        let sink: Weak<dyn LifecycleSink> = Arc::downgrade(&log) as _;
        (log, LifecycleSender::new(sink))
    }

    /// The oldest report that was not taken yet.
    pub(crate) fn take(&self) -> Option<Lifecycle> {
        self.reports().pop_front()
    }

    /// How many sessions were ready.
    #[cfg(all(feature = "fuzzing", feature = "testing"))]
    pub(crate) fn ready_reports(&self) -> u64 {
        self.ready.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn reports(&self) -> std::sync::MutexGuard<'_, std::collections::VecDeque<Lifecycle>> {
        self.reports
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(any(test, all(feature = "fuzzing", feature = "testing")))]
impl LifecycleSink for ReportLog {
    fn accepted(&self, _: Arc<SessionHandle>, _: Instant) -> Result<(), SupervisorGone> {
        Ok(())
    }

    fn ready(&self, _: Arc<Ready>, _: Instant) -> Result<ReadyAnswer, SupervisorGone> {
        self.ready
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(ReadyAnswer::Serve)
    }

    fn apply(&self, report: Lifecycle) -> Result<(), SupervisorGone> {
        self.reports().push_back(report);
        Ok(())
    }
}

impl fmt::Debug for LifecycleSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LifecycleSender")
    }
}
