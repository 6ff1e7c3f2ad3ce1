//! The handle of a supervisor: a method for each control message, for code that does not use xtra.

use crate::supervisor::{PendingReport, SharedState, Supervisor, SupervisorState};
use futures_util::future::{Either, select};
use std::fmt;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Weak;
use xtra::{Address, Handler};

/// Controls a running supervisor. Clones control the same one.
///
/// When the last clone and the last address are dropped, the supervisor shuts down as by
/// [`shutdown`](Self::shutdown) with a deadline of 8 s.
#[derive(Clone)]
#[must_use = "dropping the last handle shuts the supervisor down"]
pub struct Handle {
    address: Address<Supervisor>,
    listeners: Vec<SocketAddr>,
    pub(super) report: PendingReport,
    state: Weak<SharedState>,
}

/// The supervisor has ended; [`Handle::wait`] says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl Handle {
    pub(crate) const fn new(
        address: Address<Supervisor>,
        listeners: Vec<SocketAddr>,
        report: PendingReport,
        state: Weak<SharedState>,
    ) -> Self {
        Self {
            address,
            listeners,
            report,
            state,
        }
    }

    /// The addresses bound at the start, with the port that was chosen for a port 0. For the addresses
    /// of this moment see [`snapshot`](Self::snapshot).
    pub fn listeners(&self) -> &[SocketAddr] {
        &self.listeners
    }

    /// The supervisor's address, for xtra users: every message of [`control`](crate::control) can be
    /// sent to it. A message sent while the actor ends may never be answered, so wait for
    /// `address.join()` at the same time.
    pub const fn address(&self) -> &Address<Supervisor> {
        &self.address
    }

    pub(crate) async fn ask<M, R>(&self, message: M) -> Result<R, Stopped>
    where
        Supervisor: Handler<M, Return = R>,
        M: Send + 'static,
        R: Send + 'static,
    {
        // A message sent while the actor stops is sometimes never answered.
        let answer = pin!(self.address.send(message).into_future());
        let stopped = pin!(self.address.join());
        match select(answer, stopped).await {
            Either::Left((answer, _)) => answer.map_err(|_| Stopped),
            Either::Right(_) => Err(Stopped),
        }
    }

    /// Reads the supervisor's state in the caller's task, without a message.
    pub(super) fn read<R>(&self, read: impl FnOnce(&SupervisorState) -> R) -> Result<R, Stopped> {
        let state = self.state.upgrade().ok_or(Stopped)?;
        state.read(read).ok_or(Stopped)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the supervisor has ended")
    }
}

impl std::error::Error for Stopped {}
