//! The supervisor's handle, for those who do not know xtra.

use crate::admission::{AdmissionLimits, Ban};
use crate::connection::ConnectionId;
use crate::control::{
    AddBan, Bans, Close, CloseReason, Drain, Figures, Inspect, Inspection, LiftBan, Listen,
    MarkAuthenticated, Outcome, Pause, Report, Resume, Send, Sent, SessionFilter, SessionPage,
    Sessions, SetLimits, Shutdown, Snapshot, StopListening, Subscribe, Target,
};
use crate::observe::{EventFilter, Subscription};
use crate::start_error::StartError;
use crate::supervisor::{Books, Supervisor, Window};
use bytes::Bytes;
use futures_util::future::{Either, select};
use std::fmt;
use std::future::IntoFuture;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;
use xtra::{Address, Handler};

/// Sessions looked at without a rest.
const PIECE: usize = 500;

/// How long a listing then leaves the machine to others.
const REST: Duration = Duration::from_millis(1);

/// Steers a running supervisor. Clones steer the same one.
///
/// When the last clone and the last address are dropped, the supervisor shuts down as if it had been
/// told to, with a deadline of 8 s.
#[derive(Clone)]
#[must_use = "dropping the last handle shuts the supervisor down"]
pub struct Handle {
    pub(crate) address: Address<Supervisor>,
    pub(crate) listeners: Vec<SocketAddr>,
    pub(crate) outcome: Outcome,
    pub(crate) window: Window,
}

/// The supervisor has ended; [`Handle::wait`] says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl Handle {
    /// The addresses bound at the start; a port 0 has become the real one.
    pub fn listeners(&self) -> &[SocketAddr] {
        &self.listeners
    }

    /// The supervisor's address, for xtra users: every message of [`control`](crate::control) can be
    /// sent to it. An ask that races the actor's end may hang; race it with `address.join()`.
    pub const fn address(&self) -> &Address<Supervisor> {
        &self.address
    }

    /// The counters and limits of this moment.
    ///
    /// # Errors
    /// [`Ended`] when the supervisor has ended, here and in every other call.
    pub async fn snapshot(&self) -> Result<Figures, Ended> {
        self.ask(Snapshot).await
    }

    /// A page of sessions: those after the id `after`, at most `limit` of them (0 is taken as 100).
    ///
    /// The caller's task does the work, not the supervisor's: it looks at 500 sessions at a time, each
    /// time at one moment, with a millisecond's rest before it goes on. So a page of 20,000 takes some
    /// 50 ms and keeps nobody's messages waiting; with a filter twice that, as all are counted first.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        after: Option<ConnectionId>,
        limit: usize,
    ) -> Result<SessionPage, Ended> {
        let asked = Sessions {
            filter,
            after,
            limit,
        };
        let (filter, wanted) = (&asked.filter, asked.wanted());
        let mut total = 0;
        let mut from = None;
        loop {
            let found = self.look(|books| books.count(filter, from, PIECE))?;
            total += found.matching;
            from = found.last;
            if from.is_none() {
                break;
            }
            async_std::task::sleep(REST).await;
        }
        let mut sessions = Vec::new();
        let mut from = after;
        loop {
            let left = wanted + 1 - sessions.len();
            let found = self.look(|books| books.look_for(filter, from, Some(left), PIECE))?;
            sessions.extend(found.sessions);
            from = found.last;
            if from.is_none() || sessions.len() > wanted {
                return Ok(SessionPage::of(sessions, wanted, total));
            }
            async_std::task::sleep(REST).await;
        }
    }

    fn look<R>(&self, look: impl FnOnce(&Books) -> R) -> Result<R, Ended> {
        self.window.look(look).ok_or(Ended)
    }

    /// Everything about one connection; `None` when it is not open.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn inspect(&self, id: ConnectionId) -> Result<Option<Inspection>, Ended> {
        self.ask(Inspect { id }).await
    }

    /// Queues one whole SIP message on a connection.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn send(&self, id: ConnectionId, message: impl Into<Bytes>) -> Result<Sent, Ended> {
        let message = message.into();
        self.ask(Send { id, message }).await
    }

    /// The peer of this connection has proved who it is: no authentication deadline applies to it
    /// any more. Whether there is such an established connection.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn mark_authenticated(&self, id: ConnectionId) -> Result<bool, Ended> {
        self.ask(MarkAuthenticated { id }).await
    }

    /// Tells connections to close, and says how many.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn close(
        &self,
        target: Target,
        reason: CloseReason,
        grace: Duration,
    ) -> Result<usize, Ended> {
        let close = Close {
            target,
            reason,
            grace,
        };
        self.ask(close).await
    }

    /// Changes who may come in; gives the limits of before.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn set_limits(&self, limits: AdmissionLimits) -> Result<AdmissionLimits, Ended> {
        self.ask(SetLimits { limits }).await
    }

    /// Bans the source of this address, for this time or until it is lifted; gives the source.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn ban(&self, peer: IpAddr, lasts: Option<Duration>) -> Result<IpAddr, Ended> {
        self.ask(AddBan { peer, lasts }).await
    }

    /// Lifts the ban of this address's source; whether there was one.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn lift_ban(&self, peer: IpAddr) -> Result<bool, Ended> {
        self.ask(LiftBan { peer }).await
    }

    /// The bans in force, ordered by address.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn bans(&self) -> Result<Vec<Ban>, Ended> {
        self.ask(Bans).await
    }

    /// Listens on one more address; gives the address bound.
    ///
    /// # Errors
    /// [`Ended`]; within it [`StartError`] when the address cannot be listened on.
    pub async fn listen(
        &self,
        address: SocketAddr,
    ) -> Result<Result<SocketAddr, StartError>, Ended> {
        self.ask(Listen { address }).await
    }

    /// Closes a listener; connections that came by it stay. Whether there was one.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn stop_listening(&self, listener: SocketAddr) -> Result<bool, Ended> {
        self.ask(StopListening { listener }).await
    }

    /// Stops accepting on this listener, or on all; connections wait in the kernel's backlog. How
    /// many acceptors were told.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn pause(&self, listener: Option<SocketAddr>) -> Result<usize, Ended> {
        self.ask(Pause { listener }).await
    }

    /// Accepts again after [`Handle::pause`].
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn resume(&self, listener: Option<SocketAddr>) -> Result<usize, Ended> {
        self.ask(Resume { listener }).await
    }

    /// A stream of the events the filter lets through, from now on.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn subscribe(
        &self,
        filter: EventFilter,
        capacity: usize,
    ) -> Result<Subscription, Ended> {
        self.ask(Subscribe { filter, capacity }).await
    }

    /// Ends the supervisor, sessions having `deadline` to close, and waits for that end. Bounded:
    /// it takes at most the deadline and a few seconds.
    pub async fn shutdown(&self, deadline: Duration) -> Report {
        // One that has ended already has its report ready.
        let _ = self.ask(Shutdown { deadline }).await;
        self.outcome.wait().await
    }

    /// Ends the supervisor gently, as [`control::Drain`](crate::control::Drain) says, and waits for
    /// that end.
    pub async fn drain(&self, deadline: Duration) -> Report {
        // One that has ended already has its report ready.
        let _ = self.ask(Drain { deadline }).await;
        self.outcome.wait().await
    }

    /// Waits until the supervisor has ended, for whatever reason.
    pub async fn wait(&self) -> Report {
        self.outcome.wait().await
    }

    pub(crate) async fn ask<M, R>(&self, message: M) -> Result<R, Ended>
    where
        Supervisor: Handler<M, Return = R>,
        M: std::marker::Send + 'static,
        R: std::marker::Send + 'static,
    {
        // An ask that races the actor's stop is sometimes never answered.
        let answer = pin!(self.address.send(message).into_future());
        let stopped = pin!(self.address.join());
        match select(answer, stopped).await {
            Either::Left((answer, _)) => answer.map_err(|_| Ended),
            Either::Right(_) => Err(Ended),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the supervisor has ended")
    }
}

impl std::error::Error for Ended {}
