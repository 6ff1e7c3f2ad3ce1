//! The control message that says a peer has authenticated itself.

use super::{Handle, Stopped};
use crate::connection::ConnectionId;
use crate::supervisor::Supervisor;
use xtra::{Context, Handler};

/// Says that the peer of an established connection has authenticated itself: the authentication
/// deadline ([`Deadlines::authentication`](crate::Deadlines::authentication)) does not apply to it any
/// more. The answer is `false` when there is no such established connection. Code that holds the
/// session's flow calls [`Flow::mark_authenticated`](crate::Flow::mark_authenticated).
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
/// let marked = sipward.mark_authenticated(ConnectionId::new(7)).await?;
/// assert!(!marked, "there is no connection with this id");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MarkAuthenticated {
    /// The connection.
    pub id: ConnectionId,
}

impl Handle {
    /// Says that the peer of this connection has authenticated itself: the authentication deadline does
    /// not apply to it any more. `false` when there is no such established connection.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn mark_authenticated(&self, id: ConnectionId) -> Result<bool, Stopped> {
        self.ask(MarkAuthenticated { id }).await
    }
}

impl Handler<MarkAuthenticated> for Supervisor {
    type Return = bool;

    async fn handle(&mut self, mark: MarkAuthenticated, _: &mut Context<Self>) -> bool {
        let state = self.state();
        let entry = state.ledger.entry(mark.id);
        let Some(entry) = entry.filter(|entry| entry.ready().is_some()) else {
            return false;
        };
        entry.held.handle.mark_authenticated();
        true
    }
}
