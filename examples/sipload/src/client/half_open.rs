//! A TCP connection that is opened and held, without TLS.

use super::{Client, Context, Step, Tokens};
use crate::connection::{Readiness, connect, has_connected};
use crate::failure::Failure;
use mio::net::TcpStream;

/// A client that sends nothing.
pub struct HalfOpenClient {
    tokens: Tokens,
    stream: Option<TcpStream>,
}

impl HalfOpenClient {
    /// A client that is not connected yet.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens,
            stream: None,
        }
    }
}

impl Client for HalfOpenClient {
    fn prepare(&mut self, _: &mut Context<'_>) -> Result<Step, Failure> {
        self.stream = None;
        Ok(Step::Ready)
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        self.stream = Some(connect(
            context.endpoint,
            context.registry,
            self.tokens.leg(0),
        )?);
        Ok(Step::Pending)
    }

    fn event(
        &mut self,
        _: &mut Context<'_>,
        _: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        let Some(stream) = &self.stream else {
            return Ok(Step::Pending);
        };
        let connected = has_connected(stream, readiness)?;
        if readiness.read_closed {
            return Err(Failure::Closed);
        }
        Ok(if connected { Step::Held } else { Step::Pending })
    }

    fn close(&mut self) {
        self.stream = None;
    }
}
