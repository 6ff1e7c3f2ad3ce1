//! A fault that tests inject: a supervisor that panics.

use crate::control::Handle;
use crate::supervisor::Supervisor;
use xtra::{Context, Handler};

/// Makes the supervisor's actor panic, so that a test can check what happens to its sessions. See
/// [`Handle::panic_supervisor`].
#[derive(Clone, Copy, Debug)]
pub struct Panic;

impl Handler<Panic> for Supervisor {
    type Return = ();

    async fn handle(&mut self, _: Panic, _: &mut Context<Self>) {
        panic!("told to panic");
    }
}

impl Handle {
    /// Makes the supervisor's actor panic with the message `told to panic`, and returns when it has.
    /// Its monitor then closes every session with `supervisor_gone`; [`Handle::wait`] reports the
    /// panic.
    pub async fn panic_supervisor(&self) {
        // The actor ends without an answer, so the result is always an error.
        let _ = self.ask(Panic).await;
    }
}
