//! Subscribing to events.

use super::{Handle, Stopped};
use crate::observe::{EventFilter, Subscription};
use crate::supervisor::Supervisor;
use xtra::{Context, Handler};

/// Subscribes to events; answered with a [`Subscription`](crate::Subscription).
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::{EventFilter, EventKind};
///
/// let only = EventFilter::all().kinds([EventKind::HandshakeFailed, EventKind::Draining]);
/// let mut events = sipward.subscribe(only, 1000).await?;
/// let report = sipward.shutdown(std::time::Duration::ZERO).await;
/// assert_eq!(events.next().await.map(|event| event.kind()), Some(EventKind::Draining));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Which events.
    pub filter: EventFilter,
    /// How many may wait before no connection is accepted any more.
    pub capacity: usize,
}

impl Handle {
    /// A stream of the events the filter lets through, from now on.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn subscribe(
        &self,
        filter: EventFilter,
        capacity: usize,
    ) -> Result<Subscription, Stopped> {
        self.ask(Subscribe { filter, capacity }).await
    }
}

impl Handler<Subscribe> for Supervisor {
    type Return = Subscription;

    async fn handle(&mut self, wish: Subscribe, _: &mut Context<Self>) -> Subscription {
        let mut state = self.state();
        state.subscribers.subscribe(wish.filter, wish.capacity)
    }
}
