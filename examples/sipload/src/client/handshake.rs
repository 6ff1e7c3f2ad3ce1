//! One TLS handshake after another, each on a new connection.

use super::{Client, Context, Step, Tokens};
use crate::connection::{Connection, Readiness, Transition};
use crate::failure::Failure;
use crate::trust::ClientTls;

/// A client that makes a handshake, sends close_notify and waits until the server closes as well.
/// In TLS 1.3 the client finishes first, so that only the server's close shows that the server
/// accepted the handshake. A client that resumes sessions closes only after it has received a
/// ticket for the next time.
pub struct HandshakeClient {
    tls: ClientTls,
    tokens: Tokens,
    resuming: bool,
    connection: Option<Connection>,
    preparing: bool,
    open: bool,
    full_before: u64,
    tickets_before: u64,
}

impl HandshakeClient {
    /// A client that makes full handshakes, or resumes sessions if `resuming`.
    pub fn new(tls: ClientTls, tokens: Tokens, resuming: bool) -> Self {
        Self {
            tls,
            tokens,
            resuming,
            connection: None,
            preparing: false,
            open: false,
            full_before: 0,
            tickets_before: 0,
        }
    }

    fn open(&mut self, context: &Context<'_>) -> Result<Step, Failure> {
        self.open = false;
        self.full_before = self.tls.full_handshakes();
        self.tickets_before = self.tls.tickets();
        let token = self.tokens.leg(0);
        let connection =
            Connection::open(context.endpoint, &self.tls.config, context.registry, token)?;
        self.connection = Some(connection);
        Ok(Step::Pending)
    }

    fn was_full(&self) -> bool {
        self.tls.full_handshakes() > self.full_before
    }

    fn has_ticket(&self) -> bool {
        self.tls.tickets() > self.tickets_before
    }

    fn opened(&mut self) -> Result<Step, Failure> {
        self.open = true;
        if self.resuming && !self.preparing && self.was_full() {
            return Err(Failure::NotResumed);
        }
        self.close_when_due()?;
        Ok(Step::Answered)
    }

    fn close_when_due(&mut self) -> Result<(), Failure> {
        let due = self.open && (!self.resuming || self.has_ticket());
        match &mut self.connection {
            Some(connection) if due => {
                self.open = false;
                connection.close()
            }
            _ => Ok(()),
        }
    }
}

impl Client for HandshakeClient {
    fn prepare(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        self.connection = None;
        if !self.resuming {
            return Ok(Step::Ready);
        }
        self.preparing = true;
        self.open(context)
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        self.preparing = false;
        self.open(context)
    }

    fn event(
        &mut self,
        _: &mut Context<'_>,
        _: usize,
        readiness: Readiness,
    ) -> Result<Step, Failure> {
        let Some(connection) = &mut self.connection else {
            return Ok(Step::Pending);
        };
        match connection.advance(readiness)? {
            Transition::None => self.close_when_due().map(|()| Step::Pending),
            Transition::Opened => self.opened(),
            Transition::PeerClosed => {
                self.connection = None;
                Ok(if self.preparing {
                    Step::Ready
                } else {
                    Step::Done
                })
            }
        }
    }

    fn timeout_failure(&self) -> Failure {
        if self.open {
            Failure::NotResumed
        } else {
            Failure::Timeout
        }
    }

    fn close(&mut self) {
        self.connection = None;
    }
}
