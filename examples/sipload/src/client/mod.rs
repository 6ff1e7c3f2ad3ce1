//! A client does one operation at a time, over connections of its own.

pub mod half_open;
pub mod handshake;
pub mod holding;
pub mod scenario;

use crate::connection::{Endpoint, Readiness};
use crate::failure::Failure;
use crate::scenario::Outbox;
use mio::Registry;

/// What a client has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing new: it waits for the server.
    Pending,
    /// It is prepared, and operations may start.
    Ready,
    /// The operation's latency ends here, though the operation still has to close its connection.
    Answered,
    /// The operation is done, and another may start.
    Done,
    /// The operation is done, and its connection is held; no other operation follows.
    Held,
}

/// What the worker lends a client for a call.
pub struct Context<'a> {
    /// The poll's registry, for new sockets.
    pub registry: &'a Registry,
    /// The server.
    pub endpoint: &'a Endpoint,
    /// A buffer for what is to be sent, shared by all clients of a worker.
    pub outbox: &'a mut Outbox,
}

/// A client of the server. After an error the next call is [`prepare`](Self::prepare).
pub trait Client: Send {
    /// Opens and prepares the connections, after closing old ones.
    ///
    /// # Errors
    /// [`Failure`] of the preparation.
    fn prepare(&mut self, context: &mut Context<'_>) -> Result<Step, Failure>;

    /// Starts an operation. Called only after [`Step::Ready`] or [`Step::Done`].
    ///
    /// # Errors
    /// [`Failure`] of the operation.
    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, Failure>;

    /// Handles a readiness event of this connection, 0 or 1.
    ///
    /// # Errors
    /// [`Failure`] of the operation or the preparation under way.
    fn event(
        &mut self,
        context: &mut Context<'_>,
        leg: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure>;

    /// The failure to report when the operation or the preparation under way takes too long.
    fn timeout_failure(&self) -> Failure {
        Failure::Timeout
    }

    /// Closes all connections.
    fn close(&mut self);
}

/// The poll tokens of one client's connections.
#[derive(Clone, Copy, Debug)]
pub struct Tokens(usize);

impl Tokens {
    /// The token of the worker's timer, which no client has.
    pub const TIMER: mio::Token = mio::Token(usize::MAX - 1);

    /// The tokens of the worker's client with this number.
    pub fn of(client: usize) -> Self {
        Self(client * 2)
    }

    /// The token of the client's connection 0 or 1.
    pub fn leg(self, leg: usize) -> mio::Token {
        mio::Token(self.0 + leg)
    }

    /// The client's number and the connection of a token.
    pub fn parse(token: mio::Token) -> (usize, usize) {
        (token.0 / 2, token.0 % 2)
    }
}
