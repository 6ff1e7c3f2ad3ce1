//! REGISTER again and again: the refresh of one binding.

use super::registration::Registration;
use super::{Dialogue, Outbox};
use crate::failure::Failure;
use crate::station::Step;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// Registers as preparation and refreshes as operation.
pub struct Register {
    registration: Registration,
    registered: bool,
}

impl Register {
    /// One binding.
    pub fn new(registration: Registration) -> Self {
        Self {
            registration,
            registered: false,
        }
    }
}

impl Dialogue for Register {
    const LEGS: usize = 1;

    fn prepare(&mut self, locals: &[SocketAddr], outbox: &mut Outbox) -> Step {
        self.registered = false;
        self.registration.moved_to(locals[0]);
        self.registration.ask(outbox.leg(0));
        Step::Going
    }

    fn begin(&mut self, outbox: &mut Outbox) {
        self.registration.ask(outbox.leg(0));
    }

    fn heard(&mut self, _: usize, frame: Frame, outbox: &mut Outbox) -> Result<Step, Failure> {
        let Frame::Message(message) = frame else {
            return Ok(Step::Going);
        };
        if !self.registration.heard(&message, outbox.leg(0))? {
            return Ok(Step::Going);
        }
        let step = if self.registered {
            Step::Done
        } else {
            Step::Ready
        };
        self.registered = true;
        Ok(step)
    }
}
