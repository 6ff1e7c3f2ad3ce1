//! A TCP connection that is opened and then only held.

use super::{Reach, Station, Step, Tokens};
use crate::failure::Failure;
use crate::wire::{Readiness, connect, has_connected};
use mio::net::TcpStream;

/// Never says anything.
pub struct HalfOpen {
    tokens: Tokens,
    stream: Option<TcpStream>,
}

impl HalfOpen {
    /// Not opened yet.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens,
            stream: None,
        }
    }
}

impl Station for HalfOpen {
    fn prepare(&mut self, _: &mut Reach<'_>) -> Result<Step, Failure> {
        self.stream = None;
        Ok(Step::Ready)
    }

    fn begin(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        self.stream = Some(connect(reach.dial, reach.registry, self.tokens.leg(0))?);
        Ok(Step::Going)
    }

    fn event(
        &mut self,
        _: &mut Reach<'_>,
        _: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        let Some(stream) = &self.stream else {
            return Ok(Step::Going);
        };
        let connected = has_connected(stream, readiness)?;
        if readiness.read_closed {
            return Err(Failure::Closed);
        }
        Ok(if connected { Step::Held } else { Step::Going })
    }

    fn part(&mut self) {
        self.stream = None;
    }
}
