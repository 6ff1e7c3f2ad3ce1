//! Sans-io: what is said on connections, and what the answers mean.

pub mod call;
pub mod callee;
pub mod caller;
pub mod options;
pub mod ping;
pub mod register;
pub mod registration;
pub mod silence;

use crate::failure::Failure;
use crate::station::Step;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// One exchange after another over connections that stay open.
pub trait Dialogue: Send {
    /// How many connections it needs, 1 or 2.
    const LEGS: usize;

    /// The connections are open, with these local ends: says what must come before operations.
    /// [`Step::Ready`] when that is nothing. Said again after a connection was lost.
    fn prepare(&mut self, locals: &[SocketAddr], outbox: &mut Outbox) -> Step;

    /// Begins an operation.
    fn begin(&mut self, outbox: &mut Outbox);

    /// The server said this on this connection. [`Step::Ready`] at the end of the preparation,
    /// [`Step::Done`] at the end of an operation.
    ///
    /// # Errors
    /// [`Failure`] of what is under way.
    fn heard(&mut self, leg: usize, frame: Frame, outbox: &mut Outbox) -> Result<Step, Failure>;
}

/// What is to be said, by connection.
#[derive(Debug, Default)]
pub struct Outbox([Vec<u8>; 2]);

impl Outbox {
    /// What is to be said on this connection.
    pub fn leg(&mut self, leg: usize) -> &mut Vec<u8> {
        &mut self.0[leg]
    }

    /// Nothing is to be said.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }
}
