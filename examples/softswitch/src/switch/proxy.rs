//! Forwards a request (RFC 3261 16.3 to 16.6): checks it, determines its targets, and makes a
//! branch for each.

use bytes::Bytes;

use super::effects::{Effects, FlowId};
use super::event::EndedBy;
use super::flow_token::{FlowToken, short_hash};
use super::forward::{ForwardTemplate, forms_dialog, record_route};
use super::header_name::HeaderName;
use super::request::Request;
use super::response_template::ResponseTemplate;
use super::route::RouteSet;
use super::status::Refusal;
use super::timers::Due;
use super::transaction::{
    Branch, BranchOutcome, BranchState, CallAttempt, CancelState, Context, ServerKey, ServerState,
    TransactionKind,
};
use super::uri::Uri;
use super::value::items;
use super::{Arrival, Switch};

/// The Retry-After of a 503 (RFC 3261 21.5.4). After this time a restarted switch is back, or a
/// load balancer has noticed that it is not.
pub(super) const RETRY_AFTER_S: &str = "10";

/// A flow and a Request-URI to send a request to.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    flow: FlowId,
    uri: String,
}

impl Switch {
    /// Forwards a request to all its targets, or refuses it.
    pub(super) fn proxy<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        server: ServerKey,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        let sips = request.is_sips()?;
        let mut route_set = self.route_set(request)?;
        let edits = std::mem::take(&mut route_set.edits);
        let template =
            ForwardTemplate::of(request, edits, &self.domains, self.authenticator.realm())?;
        check_proxy_require(request)?;
        let (targets, kind) = match route_set.dialog {
            Some(token) => {
                self.admit_in_dialog(arrival, request, token, effects)?;
                (
                    in_dialog(token, &route_set, request, effects)?,
                    kind_in_dialog(request),
                )
            }
            None if self.draining && forms_dialog(request.method) => {
                return Err(Refusal::new(503).with("Retry-After", RETRY_AFTER_S));
            }
            None => self.out_of_dialog(arrival, request, route_set.has_other_routes, effects)?,
        };
        let branches_kept = if template.is_invite() {
            targets.len()
        } else {
            0
        };
        let kept = request.head_len() * (1 + branches_kept);
        let in_dialog = route_set.dialog.is_some();
        self.check_quotas(arrival.source.flow, request, kept, in_dialog)?;
        // A transaction for a connection that has ended would never be removed: `flow_ended` has
        // been called already.
        if !effects.alive(arrival.source.flow) {
            return Ok(());
        }
        let recorded = forms_dialog(request.method)
            && (route_set.dialog.is_none() || request.method == "NOTIFY");
        let id = self.open(arrival, request, server, (kind, kept), effects);
        for target in targets {
            self.branch(arrival, id, target, &template, (recorded, sips), effects);
        }
        self.advance(id, arrival.now, effects);
        Ok(())
    }

    /// Forwards an ACK for a 2xx within its dialog, without a transaction (RFC 3261 16.11). An ACK
    /// without a valid route is dropped, because there is no response to an ACK.
    pub(super) fn forward_ack<E: Effects>(&mut self, request: &Request<'_>, effects: &mut E) {
        let Ok(mut route_set) = self.route_set(request) else {
            return;
        };
        let Some(token) = route_set.dialog else {
            return;
        };
        let edits = std::mem::take(&mut route_set.edits);
        let Ok(template) =
            ForwardTemplate::of(request, edits, &self.domains, self.authenticator.realm())
        else {
            return;
        };
        let message = template.write(route_set.uri, self.ids.draw(), "", &self.domains);
        let _ = effects.send(token.towards(request.sender_tag()), message);
    }

    /// The targets of a request outside a dialog, after its sender was authenticated.
    fn out_of_dialog<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        has_other_routes: bool,
        effects: &mut E,
    ) -> Result<(Vec<Target>, TransactionKind), Refusal> {
        let requested = request.target()?;
        if !self.domains.serve(&requested) || has_other_routes {
            return Err(Refusal::because(403, "Not Relaying"));
        }
        self.admit_caller(arrival, request, effects)?;
        let kind = kind_out_of_dialog(request, requested.address_of_record());
        match self.bound_targets(&requested) {
            Ok(targets) => Ok((targets, kind)),
            Err(refusal) => {
                if let TransactionKind::Call(attempt) = kind {
                    effects.report(attempt.unanswered(refusal.status, EndedBy::Failed));
                }
                Err(refusal)
            }
        }
    }

    /// The targets for the user in the Request-URI, from its bindings (16.5).
    fn bound_targets(&self, requested: &Uri<'_>) -> Result<Vec<Target>, Refusal> {
        let user = requested.user().ok_or_else(|| Refusal::new(404))?;
        let mut targets = Vec::new();
        for (_, binding) in self.location.of_user(user) {
            // A sips request may be sent only to a sips Contact (RFC 5630).
            let uri = match (requested.sips, binding.sips) {
                (true, false) => continue,
                (false, true) => downgraded(&binding.contact),
                _ => binding.contact.clone(),
            };
            let target = Target {
                flow: binding.flow,
                uri,
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        if !targets.is_empty() {
            return Ok(targets);
        }
        let known = self.authenticator.knows(user) || self.location.of_user(user).next().is_some();
        Err(Refusal::new(if known { 480 } else { 404 }))
    }

    /// Makes the server transaction, and sends 100 at once for an INVITE.
    fn open<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        server: ServerKey,
        (kind, kept): (TransactionKind, usize),
        effects: &mut E,
    ) -> u64 {
        let response_template = ResponseTemplate::to(request);
        if request.method == "INVITE" {
            let _ = effects.send(arrival.source.flow, response_template.bare(100, 0));
        }
        let tag = self.ids.draw();
        self.transactions.insert(Context {
            server,
            response_template,
            tag,
            kind,
            state: ServerState::Proceeding,
            branches: Vec::new(),
            timer: None,
            kept,
            calls: 0,
            answered: false,
            cancelled: false,
        })
    }

    fn branch<E: Effects>(
        &mut self,
        arrival: Arrival,
        id: u64,
        target: Target,
        template: &ForwardTemplate<'_>,
        (recorded, sips): (bool, bool),
        effects: &mut E,
    ) {
        let number = self.ids.draw();
        let flow = target.flow;
        let message = if recorded {
            let token = FlowToken {
                caller: arrival.source.flow,
                callee: flow,
                caller_tag: short_hash(template.sender_tag()),
            };
            let line = record_route(&self.tokens, token, sips, &self.domains);
            template.write(&target.uri, number, &line, &self.domains)
        } else {
            template.write(&target.uri, number, "", &self.domains)
        };
        // The head is kept because a CANCEL or an ACK is made from it.
        let copy = template.is_invite().then(|| template.head_of(&message));
        let state = deliver(flow, message, effects);
        // If nothing was sent, no CANCEL and no ACK will be needed.
        let invite = copy.filter(|_| matches!(state, BranchState::Calling));
        let index = self
            .transactions
            .context(id)
            .map_or(0, |context| context.branches.len());
        let timer = matches!(state, BranchState::Calling).then(|| {
            let at = arrival.now + self.config.transaction_timeout;
            self.timers.set(at, Due::Branch(id, index))
        });
        self.transactions.add_branch(
            id,
            Branch {
                id: number,
                flow,
                invite,
                state,
                cancel: CancelState::No,
                timer,
            },
        );
    }
}

/// Sends a request on a flow. The branch fails with 430 if the flow has ended (RFC 5626 5.3), and
/// with 503 if its queue is full (RFC 3261 16.9).
fn deliver<E: Effects>(flow: FlowId, message: Bytes, effects: &mut E) -> BranchState {
    if !effects.alive(flow) {
        return BranchState::Ended(BranchOutcome::Failed(430));
    }
    match effects.send(flow, message) {
        Ok(()) => BranchState::Calling,
        Err(_) => BranchState::Ended(BranchOutcome::Failed(503)),
    }
}

fn in_dialog<E: Effects>(
    token: FlowToken,
    route_set: &RouteSet<'_>,
    request: &Request<'_>,
    effects: &mut E,
) -> Result<Vec<Target>, Refusal> {
    let flow = token.towards(request.sender_tag());
    if !effects.alive(flow) {
        return Err(Refusal::new(430));
    }
    Ok(vec![Target {
        flow,
        uri: route_set.uri.to_owned(),
    }])
}

/// The transaction kind of a request within a dialog.
fn kind_in_dialog(request: &Request<'_>) -> TransactionKind {
    match request.method {
        "INVITE" => TransactionKind::Reinvite,
        "BYE" => TransactionKind::Bye {
            call_id: request.call_id.to_owned(),
            from_tag: request.sender_tag().to_owned(),
            to_tag: request.to.tag().unwrap_or("").to_owned(),
        },
        _ => TransactionKind::Other,
    }
}

/// The transaction kind of a request outside any known dialog.
fn kind_out_of_dialog(request: &Request<'_>, callee: String) -> TransactionKind {
    if request.method != "INVITE" || request.has_to_tag() {
        return kind_in_dialog(request);
    }
    let caller = match request.sender() {
        Ok(uri) => uri.address_of_record(),
        Err(_) => request.from.uri.to_owned(),
    };
    TransactionKind::Call(CallAttempt {
        call_id: request.call_id.to_owned(),
        caller,
        callee,
        caller_tag: request.sender_tag().to_owned(),
    })
}

/// Refuses with 420 a request with Proxy-Require: the switch implements no such extension (16.3
/// step 5).
fn check_proxy_require(request: &Request<'_>) -> Result<(), Refusal> {
    let options: Vec<&str> = request
        .head
        .all(HeaderName::ProxyRequire)
        .flat_map(items)
        .collect();
    if options.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(420).with("Unsupported", &options.join(", ")))
}

/// The sip URI for a sips Contact (RFC 5630 5.3). The request still goes over TLS.
fn downgraded(contact: &str) -> String {
    let rest = contact.split_once(':').map_or(contact, |(_, rest)| rest);
    if rest.contains(";transport=") {
        format!("sip:{rest}")
    } else {
        format!("sip:{rest};transport=tls")
    }
}
