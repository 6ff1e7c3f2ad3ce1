//! REGISTER refreshes of one binding.

use super::registration::Registration;
use super::{Outbox, Scenario};
use crate::client::Step;
use crate::failure::Failure;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// The preparation registers; each operation refreshes.
pub struct Register {
    registration: Registration,
    registered: bool,
}

impl Register {
    /// For this binding.
    pub fn new(registration: Registration) -> Self {
        Self {
            registration,
            registered: false,
        }
    }
}

impl Scenario for Register {
    const LEGS: usize = 1;

    fn prepare(&mut self, locals: &[SocketAddr], outbox: &mut Outbox) -> Step {
        self.registered = false;
        self.registration.set_local(locals[0]);
        self.registration.write_request(outbox.leg(0));
        Step::Pending
    }

    fn begin(&mut self, outbox: &mut Outbox) {
        self.registration.write_request(outbox.leg(0));
    }

    fn receive(&mut self, _: usize, frame: Frame, outbox: &mut Outbox) -> Result<Step, Failure> {
        let Frame::Message(message) = frame else {
            return Ok(Step::Pending);
        };
        if !self.registration.receive(&message, outbox.leg(0))? {
            return Ok(Step::Pending);
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
