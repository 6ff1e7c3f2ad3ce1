//! A scenario over connections that stay open.

use super::{Client, Context, Step, Tokens};
use crate::connection::{Connection, Readiness, Transition};
use crate::failure::Failure;
use crate::scenario::Scenario;
use crate::trust::ClientTls;
use sipward::sip::Frame;
use std::net::SocketAddr;
use std::sync::Arc;

/// A client that opens a scenario's connections and sends what the scenario writes.
pub struct ScenarioClient<D> {
    scenario: D,
    tls: Arc<ClientTls>,
    tokens: Tokens,
    connections: Vec<Connection>,
    open: usize,
}

impl<D: Scenario> ScenarioClient<D> {
    /// A client that is not connected yet.
    pub fn new(scenario: D, tls: Arc<ClientTls>, tokens: Tokens) -> Self {
        Self {
            scenario,
            tls,
            tokens,
            connections: Vec::with_capacity(D::LEGS),
            open: 0,
        }
    }

    /// Notes that one more connection is open. The last one starts the scenario's preparation.
    fn opened(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        self.open += 1;
        if self.open < D::LEGS {
            return Ok(Step::Pending);
        }
        let locals: Result<Vec<SocketAddr>, _> = self
            .connections
            .iter()
            .map(Connection::local_address)
            .collect();
        Ok(self.scenario.prepare(&locals?, context.outbox))
    }

    fn send_outbox(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        for (leg, connection) in self.connections.iter_mut().enumerate() {
            let bytes = context.outbox.leg(leg);
            if !bytes.is_empty() {
                connection.send(bytes)?;
                bytes.clear();
            }
        }
        Ok(())
    }
}

impl<D: Scenario> Client for ScenarioClient<D> {
    fn prepare(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        self.close();
        for leg in 0..D::LEGS {
            let token = self.tokens.leg(leg);
            let connection =
                Connection::open(context.endpoint, &self.tls.config, context.registry, token)?;
            self.connections.push(connection);
        }
        Ok(Step::Pending)
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        context.outbox.clear();
        self.scenario.begin(context.outbox);
        self.send_outbox(context)?;
        Ok(Step::Pending)
    }

    fn event(
        &mut self,
        context: &mut Context<'_>,
        leg: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        context.outbox.clear();
        let Some(connection) = self.connections.get_mut(leg) else {
            return Ok(Step::Pending);
        };
        let transition = connection.advance(readiness)?;
        let mut step = Step::Pending;
        if transition == Transition::Opened {
            step = self.opened(context)?;
        }
        while let Some(frame) = self.connections[leg].next_frame()? {
            let received = match frame {
                Frame::Ping => {
                    context.outbox.leg(leg).extend_from_slice(b"\r\n");
                    Step::Pending
                }
                frame => self.scenario.receive(leg, frame, context.outbox)?,
            };
            if received != Step::Pending {
                step = received;
            }
        }
        self.send_outbox(context)?;
        match transition {
            Transition::PeerClosed => Err(Failure::Closed),
            _ => Ok(step),
        }
    }

    fn close(&mut self) {
        for connection in &mut self.connections {
            // The connection is dropped next, so that an error does not matter.
            let _ = connection.close();
        }
        self.connections.clear();
        self.open = 0;
    }
}
