//! CRLFCRLF and the answering CRLF (RFC 5626 3.5.1).

use super::{Outbox, Scenario};
use crate::client::Step;
use crate::failure::Failure;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// Sends one ping after another.
pub struct Ping;

impl Scenario for Ping {
    const LEGS: usize = 1;

    fn prepare(&mut self, _: &[SocketAddr], _: &mut Outbox) -> Step {
        Step::Ready
    }

    fn begin(&mut self, outbox: &mut Outbox) {
        outbox.leg(0).extend_from_slice(b"\r\n\r\n");
    }

    fn receive(&mut self, _: usize, frame: Frame, _: &mut Outbox) -> Result<Step, Failure> {
        Ok(match frame {
            Frame::Pong => Step::Done,
            _ => Step::Pending,
        })
    }
}
