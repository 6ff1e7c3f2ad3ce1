//! A connection that is opened, prepared and then only held.

use super::talker::Talker;
use super::{Reach, Station, Step};
use crate::dialogue::Dialogue;
use crate::failure::Failure;
use crate::wire::Readiness;

/// Its one operation is what is preparation to others.
pub struct Holder<D>(Talker<D>);

impl<D: Dialogue> Holder<D> {
    /// Holds what this talker opens.
    pub fn new(talker: Talker<D>) -> Self {
        Self(talker)
    }
}

impl<D: Dialogue> Station for Holder<D> {
    fn prepare(&mut self, _: &mut Reach<'_>) -> Result<Step, Failure> {
        Ok(Step::Ready)
    }

    fn begin(&mut self, reach: &mut Reach<'_>) -> Result<Step, Failure> {
        self.0.prepare(reach)
    }

    fn event(
        &mut self,
        reach: &mut Reach<'_>,
        leg: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        Ok(match self.0.event(reach, leg, readiness)? {
            Step::Ready => Step::Held,
            step => step,
        })
    }

    fn part(&mut self) {
        self.0.part();
    }
}
