//! Finds the parties of a dialog: where each can be reached now, and which of them sends a request.

use super::Switch;
use super::calls::CallEnd;
use super::dialog_token::{DialogToken, End, Side};
use super::effects::{Effects, FlowId};
use super::request::Request;

/// The dialog of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialog {
    pub(super) token: DialogToken,
    /// The end that the request comes from, as its From tag says.
    pub(super) sender: Side,
    /// The running call, if the dialog is one.
    pub(super) call: Option<u64>,
}

impl Switch {
    /// `None` if the token is that of another dialog.
    pub(super) fn dialog(&self, request: &Request<'_>, token: DialogToken) -> Option<Dialog> {
        let (from, to) = (&*request.from_tag, request.to_tag());
        let is_begun_by = |tag: &str| self.dialog_id(request.call_id, tag) == token.dialog;
        let (sender, caller, callee) = match is_begun_by(from) {
            true => (Side::Caller, from, to),
            false if is_begun_by(to) => (Side::Callee, to, from),
            false => return None,
        };
        let name = self.ids.of((request.call_id, caller, callee));
        Some(Dialog {
            token,
            sender,
            call: self.calls.is_running(name).then_some(name),
        })
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
        let end = dialog.token.end(side);
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

    /// The end of a dialog that is about to begin, for a user on this connection.
    pub(super) fn end_of(&self, user: Option<&str>, flow: FlowId) -> End {
        let bound = user.and_then(|user| {
            let mut bindings = self.location.of_user(user);
            bindings.find(|(_, binding)| binding.flow == flow)
        });
        End {
            flow,
            binding: bound.map_or(0, |(id, _)| id),
        }
    }
}
