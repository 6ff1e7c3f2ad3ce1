//! One TLS handshake after another, each on a connection of its own.

use super::{Reach, Station, Step, Tokens};
use crate::failure::Failure;
use crate::trust::Identity;
use crate::wire::{News, Readiness, Wire};

/// Shakes hands, parts by close_notify, and waits for the server to part as well: only then is it
/// known that the server was content, as with TLS 1.3 the client finishes first. One that resumes
/// parts when it has been given what to resume by the next time.
pub struct Handshaker {
    identity: Identity,
    tokens: Tokens,
    resuming: bool,
    wire: Option<Wire>,
    preparing: bool,
    open: bool,
    full_before: u64,
    tickets_before: u64,
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
            open: false,
            full_before: 0,
            tickets_before: 0,
        }
    }

    fn open(&mut self, reach: &Reach<'_>) -> Result<Step, Failure> {
        self.open = false;
        self.full_before = self.identity.full_handshakes();
        self.tickets_before = self.identity.tickets();
        let token = self.tokens.leg(0);
        let wire = Wire::open(reach.dial, &self.identity.config, reach.registry, token)?;
        self.wire = Some(wire);
        Ok(Step::Going)
    }

    fn was_full(&self) -> bool {
        self.identity.full_handshakes() > self.full_before
    }

    fn has_ticket(&self) -> bool {
        self.identity.tickets() > self.tickets_before
    }

    fn opened(&mut self) -> Result<Step, Failure> {
        self.open = true;
        if self.resuming && !self.preparing && self.was_full() {
            return Err(Failure::NotResumed);
        }
        self.part_when_due()?;
        Ok(Step::Answered)
    }

    fn part_when_due(&mut self) -> Result<(), Failure> {
        let due = self.open && (!self.resuming || self.has_ticket());
        match &mut self.wire {
            Some(wire) if due => {
                self.open = false;
                wire.part()
            }
            _ => Ok(()),
        }
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
            News::Nothing => self.part_when_due().map(|()| Step::Going),
            News::Open => self.opened(),
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

    fn late(&self) -> Failure {
        if self.open {
            Failure::NotResumed
        } else {
            Failure::Timeout
        }
    }

    fn part(&mut self) {
        self.wire = None;
    }
}
