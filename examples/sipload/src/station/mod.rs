//! A station does one operation at a time, over connections of its own.

pub mod half_open;
pub mod handshaker;
pub mod holder;
pub mod talker;

use crate::dialogue::Outbox;
use crate::failure::Failure;
use crate::wire::{Dial, Readiness};
use mio::Registry;

/// How far a station has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An answer is awaited.
    Going,
    /// Prepared: operations may begin.
    Ready,
    /// The operation's latency ends here; what follows is clearing up.
    Answered,
    /// The operation is done; another may begin.
    Done,
    /// The operation is done and the connection is held; no other follows.
    Held,
}

/// What a station reaches the network through.
pub struct Reach<'a> {
    /// Where sockets are registered.
    pub registry: &'a Registry,
    /// The server.
    pub dial: &'a Dial,
    /// Room for what is to be said, shared by all stations of a worker.
    pub outbox: &'a mut Outbox,
}

/// One operation at a time. After an error the next call is [`prepare`](Self::prepare).
pub trait Station: Send {
    /// Connections are opened and prepared, anew if need be.
    ///
    /// # Errors
    /// [`Failure`]: it cannot be.
    fn prepare(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure>;

    /// Begins an operation. Only when ready or done.
    ///
    /// # Errors
    /// [`Failure`] of the operation.
    fn begin(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure>;

    /// Something happened on this connection, 0 or 1.
    ///
    /// # Errors
    /// [`Failure`] of the operation or the preparation under way.
    fn event(
        &mut self,
        reach: &mut Reach<'_>,
        leg: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure>;

    /// What it means that the operation or the preparation under way takes too long.
    fn late(&self) -> Failure {
        Failure::Timeout
    }

    /// Closes all connections.
    fn part(&mut self);
}

/// Tokens for a station's connections, apart from those of all others.
#[derive(Clone, Copy, Debug)]
pub struct Tokens(usize);

impl Tokens {
    /// No station's token.
    pub const ALARM: mio::Token = mio::Token(usize::MAX - 1);

    /// Those of the worker's station with this number.
    pub fn of(station: usize) -> Self {
        Self(station * 2)
    }

    /// That of the station's connection 0 or 1.
    pub fn leg(self, leg: usize) -> mio::Token {
        mio::Token(self.0 + leg)
    }

    /// Station and connection of a token.
    pub fn parse(token: mio::Token) -> (usize, usize) {
        (token.0 / 2, token.0 % 2)
    }
}
