//! A fault that tests inject: a permit that leaks.

use crate::connection::{Connection, ConnectionId, Direction};
use crate::control::{Handle, Stopped};
use crate::session::SessionHandle;
use crate::supervisor::Supervisor;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;
use xtra::{Context, Handler};

/// Leaks one permit, so that a test can check how such a defect is reported. See
/// [`Handle::leak_permit`].
#[derive(Clone, Copy, Debug)]
pub struct LeakPermit;

impl Handler<LeakPermit> for Supervisor {
    type Return = ();

    async fn handle(&mut self, _: LeakPermit, _: &mut Context<Self>) {
        let unspecified = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let connection = Connection {
            id: ConnectionId::new(0),
            direction: Direction::Inbound,
            peer: unspecified,
            local: unspecified,
            listener: unspecified,
            begun: SystemTime::UNIX_EPOCH,
        };
        let (handle, _) = SessionHandle::new(Arc::new(connection), 0);
        let state = self.state();
        let now = state.clock.now();
        // When admission refuses, there is no permit to leak.
        let handshake = Arc::clone(&handle);
        let permit = state
            .admission
            .admit(unspecified.ip(), handshake, &handle.counters, now);
        std::mem::forget(permit);
    }
}

impl Handle {
    /// Leaks one permit, as a defect of the library would; the next audits publish
    /// [`Event::Discrepancy`](crate::Event::Discrepancy).
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn leak_permit(&self) -> Result<(), Stopped> {
        self.ask(LeakPermit).await
    }
}
