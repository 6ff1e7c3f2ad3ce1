//! Everything about one connection.

use super::{Handle, SessionSummary, Stopped};
use crate::cause::CloseCause;
use crate::connection::ConnectionId;
use crate::session::Flow;
use crate::supervisor::{Stage, Supervisor};
use std::sync::Arc;
use std::time::Duration;
use xtra::{Context, Handler};

/// Asks for everything about one connection; answered with an [`Inspection`], or `None` when it is
/// not open.
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
    /// Which one.
    pub id: ConnectionId,
}

/// Everything about one connection. TLS facts are in `summary.ready`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// What a listing says of it.
    pub summary: SessionSummary,
    /// Bytes queued for the peer.
    pub queued: usize,
    /// The budget of that queue, in bytes.
    pub flow_budget: usize,
    /// Whether something holds it open, a binding for instance.
    pub held_open: bool,
    /// Its next deadline: how long until then, and what it would close with.
    pub next_deadline: Option<(Duration, CloseCause)>,
    /// The cause it is closing for, if it is.
    pub closing: Option<CloseCause>,
}

impl Handle {
    /// Everything about one connection; `None` when it is not open.
    ///
    /// # Errors
    /// [`Stopped`].
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
