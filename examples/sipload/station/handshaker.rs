//! One TLS handshake after another, each on a connection of its own.

use super::{Reach, Station, Step, Tokens};
use crate::failure::Failure;
use crate::trust::Identity;
use crate::wire::{News, Readiness, Wire};

/// Shakes hands, parts by close_notify, and waits for the server to part as well: only then is it
/// known that the server was content, as with TLS 1.3 the client finishes first.
pub struct Handshaker {
    identity: Identity,
    tokens: Tokens,
    resuming: bool,
    wire: Option<Wire>,
    preparing: bool,
    full_before: u64,
}

impl Handshaker {
    /// Full handshakes, or resumed ones if the identity resumes.
    pub fn new(identity: Identity, tokens: Tokens, resuming: bool) -> Self {
        Self {
            identity,
            tokens,
            resuming,
            wire: None,
            preparing: false,
            full_before: 0,
        }
    }

    fn open(&mut self, reach: &Reach<'_>) -> Result<Step, Failure> {
        self.full_before = self.identity.full_handshakes();
        let token = self.tokens.leg(0);
        let wire = Wire::open(reach.dial, &self.identity.config, reach.registry, token)?;
        self.wire = Some(wire);
        Ok(Step::Going)
    }

    fn was_full(&self) -> bool {
        self.identity.full_handshakes() > self.full_before
    }
}

impl Station for Handshaker {
    fn prepare(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        self.wire = None;
        if !self.resuming {
            return Ok(Step::Ready);
        }
        self.preparing = true;
        self.open(reach)
    }

    fn begin(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        self.preparing = false;
        self.open(reach)
    }

    fn event(
        &mut self,
        _: &mut Reach<'_>,
        _: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        let Some(wire) = &mut self.wire else {
            return Ok(Step::Going);
        };
        match wire.advance(readiness)? {
            News::Nothing => Ok(Step::Going),
            News::Open => {
                wire.part()?;
                if self.resuming && !self.preparing && self.was_full() {
                    return Err(Failure::NotResumed);
                }
                Ok(Step::Answered)
            }
            News::Ended => {
                self.wire = None;
                Ok(if self.preparing {
                    Step::Ready
                } else {
                    Step::Done
                })
            }
        }
    }

    fn part(&mut self) {
        self.wire = None;
    }
}
