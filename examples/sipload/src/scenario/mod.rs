//! Sans-io: what a client sends on its connections, and what the answers mean.

pub mod call;
pub mod callee;
pub mod caller;
pub mod options;
pub mod ping;
pub mod register;
pub mod registration;
pub mod silence;

use crate::client::Step;
use crate::failure::Failure;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// One operation after another over connections that stay open.
pub trait Scenario: Send {
    /// The number of connections, 1 or 2.
    const LEGS: usize;

    /// Writes what must be sent before the first operation; the connections are open and have these
    /// local addresses. [`Step::Ready`] when nothing must be. Called again after a connection was
    /// lost.
    fn prepare(&mut self, locals: &[SocketAddr], outbox: &mut Outbox) -> Step;

    /// Writes the first message of an operation.
    fn begin(&mut self, outbox: &mut Outbox);

    /// Handles a frame that the server sent on this connection. [`Step::Ready`] at the end of the
    /// preparation, [`Step::Done`] at the end of an operation.
    ///
    /// # Errors
    /// [`Failure`] of the operation or the preparation under way.
    fn receive(&mut self, leg: usize, frame: Frame, outbox: &mut Outbox) -> Result<Step, Failure>;
}

/// What is to be sent, by connection.
#[derive(Debug, Default)]
pub struct Outbox([Vec<u8>; 2]);

impl Outbox {
    /// What is to be sent on this connection.
    pub fn leg(&mut self, leg: usize) -> &mut Vec<u8> {
        &mut self.0[leg]
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }
}
