//! Decides which part handles a message: the switch itself, the registrar, a transaction or the
//! proxy.

use std::time::{Instant, SystemTime};

use super::effects::{Effects, FlowId};
use super::incoming::{Content, Incoming};
use super::request::Request;
use super::response_template;
use super::status::{Refusal, reason};
use super::transaction::{ServerKey, ServerState};
use super::{Arrival, Switch};

impl Switch {
    /// Handles one received message.
    pub fn receive<E: Effects>(
        &mut self,
        message: Incoming<'_>,
        now: Instant,
        wall: SystemTime,
        effects: &mut E,
    ) {
        let Incoming { source, content } = message;
        let (request, checked) = match content {
            Content::Request(request, checked) => (request, checked),
            Content::Response(response) => {
                return self.response(source.flow, response, now, effects);
            }
            Content::Unreadable => {
                self.dropped += 1;
                return;
            }
        };
        let arrival = Arrival { source, now, wall };
        let done = checked.and_then(|()| self.request(arrival, &request, effects));
        let Err(refusal) = done else {
            return;
        };
        if request.method != "ACK" {
            let Refusal {
                status,
                reason,
                headers,
            } = refusal;
            let tag = self.ids.draw();
            let message = response_template::response(&request, status, reason, tag, &headers);
            // This fails only if the connection has ended or its queue is full; then the response
            // cannot reach the peer in any way.
            let _ = effects.send(arrival.source.flow, message);
        }
    }

    fn request<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        if request.method == "OPTIONS" && self.is_for_us(request) {
            let tag = self.ids.draw();
            let message =
                response_template::response(request, 200, reason(200), tag, &self.capabilities);
            let _ = effects.send(arrival.source.flow, message);
            return Ok(());
        }
        let flow = arrival.source.flow;
        match request.method {
            "REGISTER" => self.register(arrival, request, effects),
            "ACK" => {
                let invite = self.server_key(flow, request, "INVITE");
                let found = self.transactions.of_request(&invite);
                if !found.is_some_and(|id| self.acknowledged(id, arrival.now, effects)) {
                    self.forward_ack(request, effects);
                }
                Ok(())
            }
            "CANCEL" => {
                let invite = self.server_key(flow, request, "INVITE");
                let found = self.transactions.of_request(&invite);
                let id = found.ok_or_else(|| Refusal::new(481))?;
                self.cancel_transaction(id, arrival, request, effects);
                Ok(())
            }
            method => {
                let key = self.server_key(flow, request, method);
                match self.transactions.of_request(&key) {
                    Some(id) => self.resend_final(id, effects),
                    None => self.proxy(arrival, request, key, effects)?,
                }
                Ok(())
            }
        }
    }

    fn is_for_us(&self, request: &Request<'_>) -> bool {
        request
            .target()
            .is_ok_and(|uri| uri.user().is_none() && self.domains.serve(&uri))
    }

    fn server_key(&self, flow: FlowId, request: &Request<'_>, method: &str) -> ServerKey {
        let via = &request.via;
        let name = self.ids.of((via.branch(), via.sent_by, method));
        ServerKey { flow, name }
    }

    /// Answers a CANCEL for a known transaction, and cancels its branches that have no final
    /// response.
    fn cancel_transaction<E: Effects>(
        &mut self,
        id: u64,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) {
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let message = response_template::response(request, 200, reason(200), context.tag, "");
        let _ = effects.send(arrival.source.flow, message);
        context.cancelled = true;
        self.cancel_pending(id, arrival.now, effects);
    }

    /// A repeated request gets the final response again, if one was sent (RFC 3261 17.2.1).
    fn resend_final<E: Effects>(&mut self, id: u64, effects: &mut E) {
        if let Some(context) = self.transactions.context(id)
            && let ServerState::Completed(response) = &context.state
        {
            let _ = effects.send(context.server.flow, response.clone());
        }
    }
}
