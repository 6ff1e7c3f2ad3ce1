//! Forwards a request (RFC 3261 16.3 to 16.6): checks it, determines its targets, and makes a
//! branch for each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sipward::sip::{Name, Uri};

use super::dialog::Dialog;
use super::dialog_token::{DialogToken, End};
use super::domains::KnownAs;
use super::effects::{Effects, FlowId};
use super::event::{DropReason, EndedBy};
use super::forward::{Copy, ForwardTemplate, forms_dialog, record_route};
use super::request::{Request, option_tags, refuse_tags};
use super::response_template::ResponseTemplate;
use super::status::Refusal;
use super::targets::{Target, route};
use super::text::cut;
use super::timers::Due;
use super::transaction::{
    Branch, BranchOutcome, BranchState, CallAttempt, CancelState, Context, ServerKey, ServerState,
    TransactionKind,
};
use super::{Arrival, Switch};

/// The Retry-After of a 503 (RFC 3261 21.5.4). After this time a restarted switch is back, or a
/// load balancer has noticed that it is not.
pub(super) const RETRY_AFTER_S: &str = "10";

/// How long a client over an unreliable transport would have sent a request more and more slowly: its
/// timer E has reached T2 (RFC 4320 4.1, RFC 3261 17.1.2.2).
const TRYING_AFTER: Duration = Duration::from_millis(3500);

/// Bytes of a party's address in the records of a call; what is longer is cut.
const MAX_PARTY_LEN: usize = 256;

/// What a request begins or belongs to.
struct Routed {
    targets: Vec<Target>,
    kind: TransactionKind,
    /// The end of its sender.
    sender: End,
}

/// What the branches of one request have in common.
struct Recording {
    /// The end of the sender, if Record-Route is to be added.
    sender: Option<End>,
    sips: bool,
    /// What the sender knows the switch by.
    address: Arc<str>,
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
        let known_as = KnownAs::on(arrival.source.flow, effects);
        let mut route_set = self.route_set(request, &known_as)?;
        let realm = self.authenticator.realm();
        let template = ForwardTemplate::of(request, &mut route_set, &self.ids, realm)?;
        refuse_tags(option_tags(request, Name::ProxyRequire)?)?;
        let token = route_set.dialog;
        let routed = match token {
            Some(token) => self.in_dialog(arrival, request, (token, route_set.uri), effects)?,
            None if self.draining && forms_dialog(request.method) => {
                return Err(Refusal::new(503).with("Retry-After", RETRY_AFTER_S));
            }
            None => self.out_of_dialog(arrival, request, route_set.has_other_routes, effects)?,
        };
        let branches_kept = if template.is_invite() {
            routed.targets.len()
        } else {
            0
        };
        let kept = request.head_len() * (1 + branches_kept);
        self.check_quotas(arrival.source.flow, request, kept, token.is_some())?;
        // A transaction for a connection that has ended would never be removed: `flow_ended` has
        // been called already.
        if !effects.alive(arrival.source.flow) {
            return Ok(());
        }
        let recorded =
            forms_dialog(request.method) && (token.is_none() || request.method == "NOTIFY");
        let recording = Recording {
            sender: recorded.then_some(routed.sender),
            sips: request.is_sips(),
            address: known_as.address,
        };
        let id = self.open(arrival, request, server, (routed.kind, kept), effects);
        for target in routed.targets {
            self.branch(arrival, id, target, &template, &recording, effects);
        }
        self.advance(id, arrival.now, effects);
        Ok(())
    }

    /// Forwards an ACK for a 2xx within its dialog, without a transaction (RFC 3261 16.11). An ACK
    /// without a valid route is dropped, because there is no response to an ACK.
    pub(super) fn forward_ack<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) {
        if self.try_forward_ack(arrival, request, effects).is_none() {
            self.dropped(DropReason::UnexpectedAck, arrival.now);
        }
    }

    fn try_forward_ack<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Option<()> {
        let known_as = KnownAs::on(arrival.source.flow, effects);
        let mut route_set = self.route_set(request, &known_as).ok()?;
        let dialog = self.dialog(request, route_set.dialog?)?;
        if !self.is_in_dialog(dialog, arrival.source.flow) {
            return None;
        }
        let realm = self.authenticator.realm();
        let template = ForwardTemplate::of(request, &mut route_set, &self.ids, realm).ok()?;
        let flow = self.flow_of(dialog, dialog.sender.other(), effects)?;
        let message = template.write(&Copy {
            uri: route_set.uri,
            branch: self.ids.draw(),
            sent_by: &effects.address(flow),
            record_route: "",
            route: "",
        });
        // If the queue is full, the ACK is lost as on any other transport; the 2xx comes again.
        let _ = effects.send(flow, message);
        Some(())
    }

    /// The target of a request within a dialog: the other end, where it can be reached now.
    fn in_dialog<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        (token, uri): (DialogToken, &str),
        effects: &mut E,
    ) -> Result<Routed, Refusal> {
        let dialog = self.dialog(request, token);
        let dialog = dialog.ok_or_else(|| Refusal::new(481))?;
        self.admit_in_dialog(arrival, request, dialog, effects)?;
        self.follow(arrival, request, dialog);
        let receiver = dialog.sender.other();
        let Some(flow) = self.flow_of(dialog, receiver, effects) else {
            return Err(self.unreachable(arrival, request, dialog, effects));
        };
        let binding = dialog.end(receiver).binding;
        Ok(Routed {
            targets: vec![Target {
                end: End { flow, binding },
                uri: uri.to_owned(),
                route: self.location.get(binding).map_or_else(String::new, route),
            }],
            kind: self.kind_in_dialog(request),
            sender: End {
                flow: arrival.source.flow,
                binding: dialog.end(dialog.sender).binding,
            },
        })
    }

    /// The refusal when the other end of a dialog cannot be reached. While its phone may come back,
    /// the dialog goes on; a BYE ends the call all the same.
    fn unreachable<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        dialog: Dialog,
        effects: &mut E,
    ) -> Refusal {
        if request.method == "BYE" {
            let names = self.call_names(request);
            let ended = self.calls.hung_up(names, arrival.now, &mut self.timers);
            if let Some(event) = ended {
                effects.report(event);
            }
            return Refusal::new(481);
        }
        Refusal::new(if dialog.call.is_some() { 480 } else { 481 })
    }

    /// The targets of a request outside a dialog, after its sender was authenticated.
    fn out_of_dialog<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        has_other_routes: bool,
        effects: &mut E,
    ) -> Result<Routed, Refusal> {
        let requested = request.target()?;
        // `target` refuses all but sip and sips.
        let requested = requested.sip().ok_or_else(|| Refusal::new(416))?;
        if !self.domains.serve(requested) || has_other_routes {
            return Err(Refusal::because(403, "Not Relaying"));
        }
        self.admit_caller(arrival, request, effects)?;
        if request.has_to_tag()
            && let Some(call) = self.call_of(request)
        {
            self.admit_in_dialog(arrival, request, call, effects)?;
        }
        let sender = self.end_of_sender(request, arrival.source.flow);
        let kind = self.kind_out_of_dialog(request, requested.address_of_record(), sender);
        match self.bound_targets(requested, effects) {
            Ok(targets) => Ok(Routed {
                targets,
                kind,
                sender,
            }),
            Err(refusal) => {
                if let TransactionKind::Call(attempt) = kind {
                    effects.report(attempt.unanswered(refusal.status, EndedBy::Failed));
                }
                Err(refusal)
            }
        }
    }

    /// The transaction kind of a request within a dialog.
    fn kind_in_dialog(&self, request: &Request<'_>) -> TransactionKind {
        match request.method {
            "INVITE" => TransactionKind::Reinvite,
            "BYE" => TransactionKind::Bye(self.call_names(request)),
            _ => TransactionKind::Other,
        }
    }

    /// The transaction kind of a request outside any known dialog.
    fn kind_out_of_dialog(
        &self,
        request: &Request<'_>,
        callee: String,
        sender: End,
    ) -> TransactionKind {
        if request.method != "INVITE" || request.has_to_tag() {
            return self.kind_in_dialog(request);
        }
        let from = request.sender();
        let caller = match from.as_ref().and_then(Uri::sip) {
            Some(uri) => party(&uri.address_of_record()),
            None => party(request.from.uri),
        };
        TransactionKind::Call(CallAttempt {
            call_id: request.call_id.to_owned(),
            caller,
            callee: party(&callee),
            caller_tag: request.from_tag.clone().into_owned(),
            caller_end: sender,
        })
    }

    /// Makes the server transaction, and sends 100 at once for an INVITE, for another request when
    /// its sender has waited for some time.
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
        let id = self.transactions.next_id();
        let timer = (request.method != "INVITE")
            .then(|| self.timers.set(arrival.now + TRYING_AFTER, Due::Server(id)));
        self.transactions.insert(
            id,
            Context {
                server,
                response_template,
                tag,
                kind,
                state: ServerState::Proceeding,
                branches: Vec::new(),
                timer,
                kept,
                peer: arrival.source.peer,
                calls: 0,
                answered: false,
                cancelled: false,
            },
        );
        id
    }

    fn branch<E: Effects>(
        &mut self,
        arrival: Arrival,
        id: u64,
        target: Target,
        template: &ForwardTemplate<'_>,
        recording: &Recording,
        effects: &mut E,
    ) {
        let number = self.ids.draw();
        let flow = target.end.flow;
        let address = effects.address(flow);
        let record_route = recording.sender.map(|sender| {
            let token = DialogToken {
                caller: sender,
                callee: target.end,
                dialog: template.dialog(|call_id, tag| self.dialog_id(call_id, tag)),
            };
            let hosts = [&*address, &*recording.address];
            record_route(&self.tokens, token, recording.sips, hosts)
        });
        let copy = Copy {
            uri: &target.uri,
            branch: number,
            sent_by: &address,
            record_route: record_route.as_deref().unwrap_or_default(),
            route: &target.route,
        };
        let state = deliver(flow, template.write(&copy), effects);
        // If nothing was sent, no CANCEL and no ACK will be needed.
        let is_calling = matches!(state, BranchState::Calling);
        let invite = (template.is_invite() && is_calling).then(|| template.invite_copy(&copy));
        let index = self
            .transactions
            .context(id)
            .map_or(0, |context| context.branches.len());
        let timer = is_calling.then(|| {
            let at = arrival.now + self.config.transaction_timeout;
            self.timers.set(at, Due::Branch(id, index))
        });
        self.transactions.add_branch(
            id,
            Branch {
                id: number,
                end: target.end,
                invite,
                state,
                cancel: CancelState::No,
                timer,
            },
        );
    }
}

/// Sends a request on a flow. The branch fails with 480 if the flow has ended, since the phone may
/// connect again, and with 503 if its queue is full (RFC 3261 16.9).
fn deliver<E: Effects>(flow: FlowId, message: Bytes, effects: &mut E) -> BranchState {
    if !effects.alive(flow) {
        return BranchState::Ended(BranchOutcome::Failed(480));
    }
    match effects.send(flow, message) {
        Ok(()) => BranchState::Calling,
        Err(_) => BranchState::Ended(BranchOutcome::Failed(503)),
    }
}

/// A party as the records of a call have it.
pub(super) fn party(address: &str) -> String {
    cut(address, MAX_PARTY_LEN).to_owned()
}
