//! A permit that nobody holds any more and that never came back.

use crate::connection::{Connection, ConnectionId, Direction};
use crate::flow::Line;
use crate::handle::{Ended, Handle};
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
        let line = Line::new(Arc::new(connection), 0);
        let books = self.books();
        let now = books.clock.now();
        // A refusal has nothing to leak.
        std::mem::forget(books.admission.admit(nobody.ip(), &line, now));
    }
}

impl Handle {
    /// Leaks one permit, as a defect of ours would; the next audits raise
    /// [`Event::Discrepancy`](crate::Event::Discrepancy).
    ///
    /// # Errors
    /// [`Ended`] when the supervisor has ended.
    pub async fn leak_permit(&self) -> Result<(), Ended> {
        self.ask(LeakPermit).await
    }
}
