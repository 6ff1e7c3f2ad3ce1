//! Finds the parties of a dialog: who they are, where each can be reached now, and which of them
//! sends a request.

use sipward::sip::{SipUri, Uri};

use super::calls::{CallEnd, Calls};
use super::dialog_token::{DialogToken, End, Side};
use super::effects::{Effects, FlowId};
use super::location::Location;
use super::proxy::party;
use super::request::Request;
use super::{Arrival, Switch};

/// The dialog of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialog {
    caller: End,
    callee: End,
    /// The end that the request comes from, as its From tag says.
    pub(super) sender: Side,
    /// The running call, if the dialog is one.
    pub(super) call: Option<u64>,
}

impl Dialog {
    pub(super) fn end(&self, side: Side) -> End {
        match side {
            Side::Caller => self.caller,
            Side::Callee => self.callee,
        }
    }
}

impl Switch {
    /// `None` if the token is that of another dialog.
    pub(super) fn dialog(&self, request: &Request<'_>, token: DialogToken) -> Option<Dialog> {
        let is_begun_by = |tag: &str| self.dialog_id(request.call_id, tag) == token.dialog;
        let sender = match is_begun_by(&request.from_tag) {
            true => Side::Caller,
            false if is_begun_by(request.to_tag()) => Side::Callee,
            false => return None,
        };
        // Anyone can begin a dialog with the Call-ID and the tag of another's and get a token for it.
        // So the ends of a call are those that it began with.
        let call = self.call_of(request);
        Some(call.unwrap_or(Dialog {
            caller: token.caller,
            callee: token.callee,
            sender,
            call: None,
        }))
    }

    /// The running call that the Call-ID and the tags of a request name.
    pub(super) fn call_of(&self, request: &Request<'_>) -> Option<Dialog> {
        let [by_caller, by_callee] = self.call_names(request);
        let found = |name, sender| {
            let (caller, callee) = self.calls.ends(name)?;
            Some(Dialog {
                caller,
                callee,
                sender,
                call: Some(name),
            })
        };
        found(by_caller, Side::Caller).or_else(|| found(by_callee, Side::Callee))
    }

    /// The names of the call if the request comes from its caller, and if it comes from its callee.
    pub(super) fn call_names(&self, request: &Request<'_>) -> [u64; 2] {
        let (from, to) = (&*request.from_tag, request.to_tag());
        [[from, to], [to, from]]
            .map(|[caller, callee]| Calls::name(&self.ids, request.call_id, caller, callee))
    }

    /// The dialog in a token.
    pub(super) fn dialog_id(&self, call_id: &str, caller_tag: &str) -> u64 {
        self.ids.of((call_id, caller_tag))
    }

    /// The connection on which an end of the dialog can be reached: the newest open one among that of
    /// its binding, that of its last request in the call, and that on which the dialog began.
    pub(super) fn flow_of<E: Effects>(
        &self,
        dialog: Dialog,
        side: Side,
        effects: &E,
    ) -> Option<FlowId> {
        self.flows_of(dialog, side)
            .into_iter()
            .flatten()
            .filter(|flow| effects.alive(*flow))
            .max()
    }

    fn flows_of(&self, dialog: Dialog, side: Side) -> [Option<FlowId>; 3] {
        let end = dialog.end(side);
        let in_call = dialog.call.map(|call| CallEnd { call, side });
        [
            Some(end.flow),
            self.location.flow_of(end.binding),
            in_call.and_then(|end| self.calls.flow_of(end)),
        ]
    }

    /// Whether the connection is one on which the sender's end of the dialog is or was.
    pub(super) fn is_in_dialog(&self, dialog: Dialog, flow: FlowId) -> bool {
        self.flows_of(dialog, dialog.sender).contains(&Some(flow))
    }

    /// Whether the connection has proved that it is of the account at the sender's end.
    pub(super) fn is_proved(&self, dialog: Dialog, flow: FlowId) -> bool {
        let proved = self.accounts.get(&flow);
        let mut proved = proved.into_iter().flatten();
        proved.any(|account| self.is_end_of(dialog, account))
    }

    /// Whether the sender's end is of this account.
    pub(super) fn is_end_of(&self, dialog: Dialog, account: &str) -> bool {
        Location::is_of(&self.ids, account, dialog.end(dialog.sender).binding)
    }

    /// A party of a call that has moved to another connection is reached there from now on, if it has
    /// proved there to be the party. Without accounts its From has to name it.
    pub(super) fn follow(&mut self, arrival: Arrival, request: &Request<'_>, dialog: Dialog) {
        let Some(call) = dialog.call else {
            return;
        };
        let end = CallEnd {
            call,
            side: dialog.sender,
        };
        let flow = arrival.source.flow;
        if self.calls.flow_of(end) == Some(flow) {
            return;
        }
        let is_party = match self.authenticator.is_open() {
            true => {
                let sender = request.sender();
                let sender = sender.as_ref().and_then(Uri::sip);
                let name = sender.map(|sender| party(&sender.address_of_record()));
                name.is_some() && name.as_deref() == self.calls.name_of(end)
            }
            false => self.is_proved(dialog, flow),
        };
        if is_party {
            self.calls.move_to(end, flow, &mut self.timers);
        }
    }

    /// The end of a sender outside a dialog, who was admitted. One who is anonymous is the account
    /// that the connection has proved.
    pub(super) fn end_of_sender(&self, request: &Request<'_>, flow: FlowId) -> End {
        let from = request.sender();
        let from = from.as_ref().and_then(Uri::sip);
        let user = from
            .filter(|from| self.domains.serve(from))
            .and_then(SipUri::user);
        let proved = self.accounts.get(&flow);
        let proved = proved.and_then(|accounts| accounts.first());
        let user = user.as_deref().or(proved.map(String::as_str));
        let name = |user: &str| {
            let mut bindings = self.location.of_user(user);
            let bound = bindings.find(|(_, binding)| binding.flow == flow);
            bound.map_or_else(|| Location::account(&self.ids, user), |(id, _)| id)
        };
        End {
            flow,
            binding: user.map_or(0, name),
        }
    }
}
