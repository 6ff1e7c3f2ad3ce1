//! A scenario without messages.

use super::{Outbox, Scenario};
use crate::client::Step;
use crate::failure::Failure;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// For connections that are only held; nothing is ever sent.
pub struct Silence;

impl Scenario for Silence {
    const LEGS: usize = 1;

    fn prepare(&mut self, _: &[SocketAddr], _: &mut Outbox) -> Step {
        Step::Ready
    }

    fn begin(&mut self, _: &mut Outbox) {}

    fn receive(&mut self, _: usize, _: Frame, _: &mut Outbox) -> Result<Step, Failure> {
        Ok(Step::Pending)
    }
}
