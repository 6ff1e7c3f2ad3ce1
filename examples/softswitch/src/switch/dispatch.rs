//! Decides which part handles a message: the switch itself, the registrar, a transaction or the
//! proxy.

use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use sipward::sip::{CSeq, Message, Name, Uri};

use super::domains::KnownAs;
use super::effects::{Effects, FlowId};
use super::event::{DropReason, SwitchEvent};
use super::incoming::{Content, Incoming, user_of};
use super::registrar::check_require;
use super::request::Request;
use super::response_template;
use super::status::{Refusal, reason};
use super::text::cut;
use super::transaction::{ServerKey, ServerState};
use super::{Arrival, Switch};

/// Bytes of a method and of a user that a report may have.
const MAX_REPORTED: usize = 64;

impl Switch {
    /// Handles one received message.
    pub fn receive<E: Effects>(
        &mut self,
        message: &Incoming<'_>,
        now: Instant,
        wall: SystemTime,
        effects: &mut E,
    ) {
        let source = message.source;
        let arrival = Arrival { source, now, wall };
        match &message.content {
            Content::Request(request) => {
                if let Err(refusal) = self.request(arrival, request, effects) {
                    self.refuse(arrival, request, &refusal, effects);
                }
            }
            Content::Refused(message, refusal) => {
                report_refusal(arrival, message, refusal, effects);
                let response = message.respond(refusal.status, &refusal.reason);
                // Only an ACK gets no response, and an ACK is never refused. The response cannot be
                // sent only if the connection has ended or its queue is full.
                if let Ok(response) = response {
                    let _ = effects.send(source.flow, response.build());
                }
            }
            Content::Response(response) => self.response(source.flow, response, now, effects),
            Content::Dropped(reason) => self.dropped(*reason, now),
        }
    }

    fn refuse<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        refusal: &Refusal,
        effects: &mut E,
    ) {
        if request.method == "ACK" {
            return self.dropped(DropReason::UnexpectedAck, arrival.now);
        }
        report_refusal(arrival, request.message, refusal, effects);
        let Refusal {
            status,
            reason,
            headers,
        } = refusal;
        let tag = self.ids.draw();
        let message = response_template::response(request, *status, reason, tag, headers);
        // This fails only if the connection has ended or its queue is full; then the response
        // cannot reach the peer in any way.
        let _ = effects.send(arrival.source.flow, message);
    }

    fn request<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        let flow = arrival.source.flow;
        match request.method {
            "OPTIONS" if self.is_for_us(request, flow, effects) => {
                check_require(request)?;
                self.answer_options(arrival, request, effects);
                Ok(())
            }
            "REGISTER" => self.register(arrival, request, effects),
            "ACK" => {
                let invite = self.server_key(flow, request, "INVITE");
                let found = self.transactions.of_request(&invite);
                if !found.is_some_and(|id| self.acknowledged(id, arrival.now, effects)) {
                    self.forward_ack(arrival, request, effects);
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
                    Some(id) => self.repeated(id, arrival.now, effects),
                    None => self.proxy(arrival, request, key, effects)?,
                }
                Ok(())
            }
        }
    }

    fn is_for_us<E: Effects>(&self, request: &Request<'_>, flow: FlowId, effects: &E) -> bool {
        let Ok(uri) = Uri::parse(request.uri) else {
            return false;
        };
        uri.sip().is_some_and(|uri| {
            uri.user().is_none() && (self.domains.serve(uri) || KnownAs::on(flow, effects).is(uri))
        })
    }

    /// Answers an OPTIONS for the switch itself (RFC 3261 11.2).
    fn answer_options<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) {
        const CAPABILITIES: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, \
            INFO, UPDATE, PRACK, SUBSCRIBE, NOTIFY, REFER, PUBLISH\r\n\
            Supported: outbound, path\r\nAccept: application/sdp\r\nContact: <sip:";
        let flow = arrival.source.flow;
        let headers = [CAPABILITIES, &effects.address(flow), ";transport=tls>\r\n"].concat();
        let tag = self.ids.draw();
        let message = response_template::response(request, 200, reason(200), tag, &headers);
        let _ = effects.send(flow, message);
    }

    /// What identifies the transaction of a request: its branch, or the fields of RFC 2543 if the
    /// branch has no magic cookie (RFC 3261 17.2.3). Call-ID and CSeq count with a branch as well:
    /// some clients use one branch for all their requests, and none of these may get lost. The To
    /// tag is not among these, because an ACK has that of the response.
    fn server_key(&self, flow: FlowId, request: &Request<'_>, method: &str) -> ServerKey {
        let via = &request.via;
        let name = match request.has_magic_cookie {
            true => self.ids.of((
                &*request.branch,
                via.sent_by,
                request.call_id,
                request.cseq.number,
                method,
            )),
            false => self.ids.of((
                request.uri,
                &*request.from_tag,
                request.call_id,
                request.cseq.number,
                via.raw,
                method,
            )),
        };
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

    /// A repeated request gets the final response again, if one was sent (RFC 3261 17.2.1);
    /// otherwise it is dropped.
    fn repeated<E: Effects>(&mut self, id: u64, now: Instant, effects: &mut E) {
        if let Some(context) = self.transactions.context(id)
            && let ServerState::Completed(response) = &context.state
        {
            let _ = effects.send(context.server.flow, response.clone());
            return;
        }
        self.dropped(DropReason::RepeatedRequest, now);
    }
}

fn report_refusal<E: Effects>(
    arrival: Arrival,
    message: &Message,
    refusal: &Refusal,
    effects: &mut E,
) {
    let Refusal { status, reason, .. } = refusal;
    // A challenge refuses nothing: it asks for credentials.
    if !matches!(status, 401 | 407) {
        let from = (arrival.source.flow, arrival.source.peer);
        effects.report(refused(message, *status, reason, from));
    }
}

/// The report of a refusal. `message` is the request, or a response to it.
pub(super) fn refused(
    message: &Message,
    status: u16,
    reason: &str,
    (flow, source): (FlowId, SocketAddr),
) -> SwitchEvent {
    let cseq = message.header(Name::CSeq).map(|header| header.value);
    let cseq = cseq.and_then(|value| CSeq::parse(value).ok());
    let method = message.method().or(cseq.map(|cseq| cseq.method));
    SwitchEvent::RequestRefused {
        status,
        reason: reason.to_owned(),
        method: cut(method.unwrap_or_default(), MAX_REPORTED).to_owned(),
        user: cut(&user_of(message), MAX_REPORTED).to_owned(),
        source,
        session: flow.0,
    }
}
