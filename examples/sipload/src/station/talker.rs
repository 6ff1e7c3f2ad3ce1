//! A dialogue over connections that stay open.

use super::{Reach, Station, Step, Tokens};
use crate::dialogue::Dialogue;
use crate::failure::Failure;
use crate::trust::Identity;
use crate::wire::{News, Readiness, Wire};
use sipward::sip::Frame;
use std::net::SocketAddr;
use std::sync::Arc;

/// Keeps a dialogue's connections and carries what it says.
pub struct Talker<D> {
    dialogue: D,
    identity: Arc<Identity>,
    tokens: Tokens,
    wires: Vec<Wire>,
    open: usize,
}

impl<D: Dialogue> Talker<D> {
    /// A dialogue that has not begun.
    pub fn new(dialogue: D, identity: Arc<Identity>, tokens: Tokens) -> Self {
        Self {
            dialogue,
            identity,
            tokens,
            wires: Vec::with_capacity(D::LEGS),
            open: 0,
        }
    }

    /// One more connection is open; with the last of them the dialogue's preparation begins.
    fn opened(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        self.open += 1;
        if self.open < D::LEGS {
            return Ok(Step::Going);
        }
        let locals: Result<Vec<SocketAddr>, _> = self.wires.iter().map(Wire::local).collect();
        Ok(self.dialogue.prepare(&locals?, reach.outbox))
    }

    fn say(&mut self, reach: &mut Reach<'_>) -> Result<(), Failure> {
        for (leg, wire) in self.wires.iter_mut().enumerate() {
            let words = reach.outbox.leg(leg);
            if !words.is_empty() {
                wire.send(words)?;
                words.clear();
            }
        }
        Ok(())
    }
}

impl<D: Dialogue> Station for Talker<D> {
    fn prepare(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        self.part();
        for leg in 0..D::LEGS {
            let token = self.tokens.leg(leg);
            let wire = Wire::open(reach.dial, &self.identity.config, reach.registry, token)?;
            self.wires.push(wire);
        }
        Ok(Step::Going)
    }

    fn begin(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        reach.outbox.clear();
        self.dialogue.begin(reach.outbox);
        self.say(reach)?;
        Ok(Step::Going)
    }

    fn event(
        &mut self,
        reach: &mut Reach<'_>,
        leg: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        reach.outbox.clear();
        let Some(wire) = self.wires.get_mut(leg) else {
            return Ok(Step::Going);
        };
        let news = wire.advance(readiness)?;
        let mut step = Step::Going;
        if news == News::Open {
            step = self.opened(reach)?;
        }
        while let Some(frame) = self.wires[leg].next_frame()? {
            let heard = match frame {
                Frame::Ping => {
                    reach.outbox.leg(leg).extend_from_slice(b"\r\n");
                    Step::Going
                }
                frame => self.dialogue.heard(leg, frame, reach.outbox)?,
            };
            if heard != Step::Going {
                step = heard;
            }
        }
        self.say(reach)?;
        match news {
            News::Ended => Err(Failure::Closed),
            _ => Ok(step),
        }
    }

    fn part(&mut self) {
        for wire in &mut self.wires {
            // It is closed next, and nobody is left to tell.
            let _ = wire.part();
        }
        self.wires.clear();
        self.open = 0;
    }
}
