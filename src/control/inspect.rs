//! The control message that asks for everything about one connection.

use super::{Handle, SessionSummary, Stopped};
use crate::cause::CloseCause;
use crate::connection::ConnectionId;
use crate::session::Flow;
use crate::supervisor::{Stage, Supervisor};
use std::sync::Arc;
use std::time::Duration;
use xtra::{Context, Handler};

/// Asks for everything about one connection; the answer is an [`Inspection`], or `None` when no
/// connection with this id is open.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::ConnectionId;
///
/// match sipward.inspect(ConnectionId::new(7)).await? {
///     Some(seen) => println!("{} bytes wait for {}", seen.queued, seen.summary.connection.peer),
///     None => println!("that connection has ended"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Inspect {
    /// The connection.
    pub id: ConnectionId,
}

/// The answer to [`Inspect`]: everything about one connection. TLS facts are in `summary.ready`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// What a listing shows of it.
    pub summary: SessionSummary,
    /// Bytes queued for the peer.
    pub queued: usize,
    /// The budget of that queue, in bytes.
    pub flow_budget: usize,
    /// Whether the idle deadline is suspended ([`Flow::keep_open`](crate::Flow::keep_open)).
    pub held_open: bool,
    /// Its next deadline: the time left, and the cause it would close with. `None` during the
    /// handshake.
    pub next_deadline: Option<(Duration, CloseCause)>,
    /// The cause it was asked to close with, if it was.
    pub closing: Option<CloseCause>,
}

impl Handle {
    /// Returns everything about one connection; `None` when no connection with this id is open.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn inspect(&self, id: ConnectionId) -> Result<Option<Inspection>, Stopped> {
        self.ask(Inspect { id }).await
    }
}

impl Handler<Inspect> for Supervisor {
    type Return = Option<Inspection>;

    async fn handle(&mut self, which: Inspect, _: &mut Context<Self>) -> Option<Inspection> {
        let state = self.state();
        let entry = state.ledger.entry(which.id)?;
        let handle = &entry.held.handle;
        let now = state.clock.now();
        let next_deadline = match entry.stage {
            Stage::Handshaking => None,
            Stage::Ready { at, .. } => handle.counters.deadline().map(|(after, cause)| {
                let left = (at + after).saturating_duration_since(now);
                (left, cause)
            }),
        };
        Some(Inspection {
            summary: super::listing::summary(entry, now),
            queued: Flow::new(Arc::clone(handle)).queued(),
            flow_budget: state.limits.flow_budget,
            held_open: handle.held_open(),
            next_deadline,
            closing: handle.close_request().map(|request| request.cause),
        })
    }
}
