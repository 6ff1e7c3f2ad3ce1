//! The control message that subscribes to events.

use super::{Handle, Stopped};
use crate::observe::{EventFilter, Subscription};
use crate::supervisor::Supervisor;
use xtra::{Context, Handler};

/// Subscribes to events; the answer is a [`Subscription`](crate::Subscription).
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
/// let only = EventFilter::all().with_kinds([EventKind::HandshakeFailed, EventKind::Draining]);
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
    /// How many events may wait for the subscriber; 0 counts as 1. At the limit no connection is
    /// accepted until half of them have been taken.
    pub capacity: usize,
}

impl Handle {
    /// Returns a stream of the events that the filter lets through, from now on. At most `capacity` may
    /// wait; see [`Subscription`].
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
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

    async fn handle(&mut self, request: Subscribe, _: &mut Context<Self>) -> Subscription {
        let mut state = self.state();
        state
            .subscribers
            .subscribe(request.filter, request.capacity)
    }
}
