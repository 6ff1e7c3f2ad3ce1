//! The supervisor actor: it keeps the ledger of all connections and handles control messages.

mod acceptor;
mod audit;
mod ingress;
mod ledger;
mod monitor;
mod proxy_header;
mod report;
mod shared;
mod shutdown;
mod start_error;
mod state;
#[cfg(test)]
mod state_tests;

pub use report::Report;
pub use start_error::StartError;

pub(crate) use acceptor::{CloseListener, SetPaused};
pub(crate) use ingress::AcceptorContext;
pub(crate) use ledger::{Entry, Ledger, Stage};
pub(crate) use monitor::{Monitor, run};
pub(crate) use report::PendingReport;
pub(crate) use shared::SharedState;
pub(crate) use state::{OpenSession, SupervisorState};

use std::fmt;
use std::sync::{Arc, MutexGuard};
use xtra::Actor;

/// The actor that accounts for every connection. Built by [`Supervisor::builder`], and controlled
/// through its [`Handle`](crate::Handle) or by the messages of [`control`](crate::control).
pub struct Supervisor {
    pub(crate) shared: Arc<SharedState>,
}

impl Supervisor {
    pub(crate) fn state(&self) -> MutexGuard<'_, SupervisorState> {
        self.shared.lock()
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("open", &self.state().ledger.len())
            .finish_non_exhaustive()
    }
}

impl Actor for Supervisor {
    type Stop = ();

    async fn stopped(self) {}
}
