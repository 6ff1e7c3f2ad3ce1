//! A fault to inject: a permit that leaks.

use crate::connection::{Connection, ConnectionId, Direction};
use crate::control::{Handle, Stopped};
use crate::session::SessionHandle;
use crate::supervisor::Supervisor;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;
use xtra::{Context, Handler};

/// Leaks one permit: what the running system says of such a defect can then be tested. See
/// [`Handle::leak_permit`].
#[derive(Clone, Copy, Debug)]
pub struct LeakPermit;

impl Handler<LeakPermit> for Supervisor {
    type Return = ();

    async fn handle(&mut self, _: LeakPermit, _: &mut Context<Self>) {
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let connection = Connection {
            id: ConnectionId::new(0),
            direction: Direction::Inbound,
            peer: nobody,
            local: nobody,
            listener: nobody,
            begun: SystemTime::UNIX_EPOCH,
        };
        let (handle, _) = SessionHandle::new(Arc::new(connection), 0);
        let state = self.state();
        let now = state.clock.now();
        // A refusal has nothing to leak.
        let handshake = Arc::clone(&handle);
        let permit = state
            .admission
            .admit(nobody.ip(), handshake, &handle.counters, now);
        std::mem::forget(permit);
    }
}

impl Handle {
    /// Leaks one permit, as a defect of ours would; the next audits raise
    /// [`Event::Discrepancy`](crate::Event::Discrepancy).
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn leak_permit(&self) -> Result<(), Stopped> {
        self.ask(LeakPermit).await
    }
}
