//! Nothing is said.

use super::{Dialogue, Outbox};
use crate::failure::Failure;
use crate::station::Step;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// For connections that are only held.
pub struct Silence;

impl Dialogue for Silence {
    const LEGS: usize = 1;

    fn prepare(&mut self, _: &[SocketAddr], _: &mut Outbox) -> Step {
        Step::Ready
    }

    fn begin(&mut self, _: &mut Outbox) {}

    fn heard(&mut self, _: usize, _: Frame, _: &mut Outbox) -> Result<Step, Failure> {
        Ok(Step::Going)
    }
}
