//! Actor: registers every connection, decides, keeps the ledger, obeys control messages.

mod books;
mod control;
mod desk;
mod keeper;
mod listing;
mod shutdown;

pub(crate) use books::Books;
pub(crate) use desk::{Desk, Window};
pub(crate) use keeper::{Keeper, keep};

use crate::application::Silent;
use crate::builder::Builder;
use crate::tls::TlsPolicy;
use std::fmt;
use std::sync::MutexGuard;
use xtra::Actor;

/// The actor that accounts for every connection. Built by [`Supervisor::builder`], steered through
/// its [`Handle`](crate::Handle) or by the messages of [`control`](crate::control).
pub struct Supervisor {
    pub(crate) desk: Desk,
}

impl Supervisor {
    /// Begins to build a supervisor with this TLS policy.
    ///
    /// ```no_run
    /// # use sipward::{Supervisor, TlsPolicy};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let handle = Supervisor::builder(TlsPolicy::from_pem_files("server.crt", "server.key")?)
    ///     .listen("127.0.0.1:5061")
    ///     .start()
    ///     .await?;
    /// # drop(handle);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(policy: TlsPolicy) -> Builder<Silent> {
        Builder::new(policy)
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.desk.books()
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("open", &self.books().ledger.len())
            .finish_non_exhaustive()
    }
}

impl Actor for Supervisor {
    type Stop = ();

    async fn stopped(self) {}
}
