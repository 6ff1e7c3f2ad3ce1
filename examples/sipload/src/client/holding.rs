//! A connection that is opened, prepared by a scenario, and then held.

use super::scenario::ScenarioClient;
use super::{Client, Context, Step};
use crate::connection::Readiness;
use crate::failure::Failure;
use crate::scenario::Scenario;

/// A client whose only operation is the preparation of a [`ScenarioClient`].
pub struct HoldingClient<D>(ScenarioClient<D>);

impl<D: Scenario> HoldingClient<D> {
    /// Holds the connections of this client.
    pub fn new(client: ScenarioClient<D>) -> Self {
        Self(client)
    }
}

impl<D: Scenario> Client for HoldingClient<D> {
    fn prepare(&mut self, _: &mut Context<'_>) -> Result<Step, Failure> {
        Ok(Step::Ready)
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        self.0.prepare(context)
    }

    fn event(
        &mut self,
        context: &mut Context<'_>,
        leg: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        Ok(match self.0.event(context, leg, readiness)? {
            Step::Ready => Step::Held,
            step => step,
        })
    }

    fn close(&mut self) {
        self.0.close();
    }
}
