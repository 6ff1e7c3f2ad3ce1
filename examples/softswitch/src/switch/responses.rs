//! Forwards responses (RFC 3261 16.7, 17.1; RFC 4320; RFC 6026).

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use sipward::sip::{CSeq, Message, Name, NameAddr, Via};

use super::Switch;
use super::effects::{Effects, FlowId};
use super::event::DropReason;
use super::forward::{is_asserted_identity, our_branch};
use super::splice::{Edit, spliced};
use super::text::Output;
use super::timers::Due;
use super::transaction::{BranchOutcome, BranchState, CancelState, ServerState, TransactionKind};

/// A response.
#[derive(Debug)]
pub(super) struct Response<'a> {
    message: &'a Message,
    status: u16,
    via: Via<'a>,
    /// The older Vias that stand in the same field.
    other_vias: Option<&'a [u8]>,
    /// The method of the request that it answers.
    method: &'a str,
}

/// How many calls are recorded for one INVITE. Each To tag in a 2xx begins one (RFC 3261 13.2.2.4),
/// and a callee could send any number of tags; the 2xx of further ones are forwarded, but not
/// recorded.
const MAX_CALLS_PER_INVITE: usize = 8;

impl Switch {
    /// Handles a response. One that belongs to no client transaction is dropped: it could only be
    /// forwarded to the address in the next Via, and the switch sends on existing connections only.
    pub(super) fn response<E: Effects>(
        &mut self,
        flow: FlowId,
        response: &Response<'_>,
        now: Instant,
        effects: &mut E,
    ) {
        let found = our_branch(&response.via)
            .and_then(|branch| self.transactions.of_branch(branch))
            .filter(|&(id, index)| {
                self.transactions
                    .branch(id, index)
                    .is_some_and(|branch| branch.end.flow == flow)
            });
        let Some((id, index)) = found else {
            return self.dropped(DropReason::UnexpectedResponse, now);
        };
        let invite = self
            .transactions
            .context(id)
            .is_some_and(|context| context.is_invite());
        match (response.method, response.status) {
            // The response to our own CANCEL changes nothing; the response to the INVITE decides.
            ("CANCEL", _) => {}
            _ if (response.method == "INVITE") != invite => {
                self.dropped(DropReason::UnexpectedResponse, now);
            }
            (_, ..200) if invite => self.provisional(id, index, response, now, effects),
            // Provisional responses are forwarded for an INVITE only (RFC 4320 4.1).
            (_, ..200) => {}
            (_, ..300) if invite => self.accepted(id, index, response, now, effects),
            _ => self.refused(id, index, response, now, effects),
        }
    }

    fn provisional<E: Effects>(
        &mut self,
        id: u64,
        index: usize,
        response: &Response<'_>,
        now: Instant,
        effects: &mut E,
    ) {
        let timer_c = now + self.config.ringing_timeout;
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        let first = match branch.state {
            BranchState::Calling => true,
            BranchState::Ringing => false,
            BranchState::Accepted | BranchState::Ended(_) => {
                return self.dropped(DropReason::UnexpectedResponse, now);
            }
        };
        branch.state = BranchState::Ringing;
        let held = branch.cancel == CancelState::Held;
        // Every 101-199 restarts timer C; a 100 only replaces timer B by it.
        if branch.cancel == CancelState::No && (first || response.status > 100) {
            if let Some(timer) = branch.timer.take() {
                self.timers.cancel(timer);
            }
            branch.timer = Some(self.timers.set(timer_c, Due::Branch(id, index)));
        }
        if held {
            self.cancel_branch(id, index, now, effects);
        }
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        if response.status > 100 && matches!(context.state, ServerState::Proceeding) {
            let _ = effects.send(context.server.flow, response.without_top_via());
        }
    }

    /// Forwards every 2xx to INVITE at once, also repeated ones (RFC 6026 7.2), and cancels the
    /// other branches.
    fn accepted<E: Effects>(
        &mut self,
        id: u64,
        index: usize,
        response: &Response<'_>,
        now: Instant,
        effects: &mut E,
    ) {
        let over = now + self.config.transaction_timeout;
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        let callee = branch.end;
        match branch.state {
            BranchState::Calling | BranchState::Ringing => {
                branch.state = BranchState::Accepted;
                // The copy is no longer needed: an accepted INVITE cannot be cancelled, and the
                // caller sends its ACK.
                branch.invite = None;
                if let Some(timer) = branch.timer.take() {
                    self.timers.cancel(timer);
                }
                branch.timer = Some(self.timers.set(over, Due::Branch(id, index)));
            }
            BranchState::Accepted => {}
            BranchState::Ended(_) => return self.dropped(DropReason::UnexpectedResponse, now),
        }
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        match context.state {
            ServerState::Proceeding => {
                context.state = ServerState::Accepted;
                context.timer = Some(self.timers.set(over, Due::Server(id)));
            }
            ServerState::Accepted => {}
            ServerState::Completed(_) | ServerState::Over => {
                return self.dropped(DropReason::UnexpectedResponse, now);
            }
        }
        let caller = context.server.flow;
        let _ = effects.send(caller, response.without_top_via());
        if let TransactionKind::Call(attempt) = &context.kind
            && context.calls < MAX_CALLS_PER_INVITE
            && let Some(tag) = response.to_tag()
        {
            let begun = self.calls.answered(&self.ids, attempt, &tag, callee, now);
            context.calls += usize::from(begun);
        }
        self.transactions.answered(id);
        self.cancel_pending(id, now, effects);
    }

    /// Handles a final response that ends its branch: all but a 2xx to INVITE.
    fn refused<E: Effects>(
        &mut self,
        id: u64,
        index: usize,
        response: &Response<'_>,
        now: Instant,
        effects: &mut E,
    ) {
        let status = response.status;
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        if matches!(branch.state, BranchState::Accepted | BranchState::Ended(_)) {
            return self.dropped(DropReason::UnexpectedResponse, now);
        }
        if let Some(invite) = branch.invite.take() {
            let to = response.message.header(Name::To);
            let ack = invite.ack(to.map(|to| to.raw));
            let _ = effects.send(branch.end.flow, ack);
        }
        if let Some(timer) = branch.timer.take() {
            self.timers.cancel(timer);
        }
        let response = response.without_top_via();
        // It is kept until the last branch has ended, and that of an INVITE until its ACK.
        let outcome = match self
            .transactions
            .keep(id, response.len(), 2 * self.config.max_kept)
        {
            true => BranchOutcome::Received { status, response },
            false => BranchOutcome::Failed(500),
        };
        if let Some(branch) = self.transactions.branch(id, index) {
            branch.state = BranchState::Ended(outcome);
        }
        if status >= 600 {
            self.cancel_pending(id, now, effects);
        }
        self.advance(id, now, effects);
    }
}

impl<'a> Response<'a> {
    /// `None` if Via or CSeq is missing or unreadable, since the response cannot be matched then, for
    /// a head that two readers could read differently, and for a status of no class (RFC 4475
    /// 3.1.2.19).
    pub(super) fn read(message: &'a Message) -> Option<Response<'a>> {
        if message.defect().is_some() {
            return None;
        }
        let (via, other_vias) = Via::first(message.header(Name::Via)?.value).ok()?;
        let cseq = CSeq::parse(message.only(Name::CSeq)?.value).ok()?;
        Some(Response {
            message,
            status: message
                .status()
                .filter(|status| (100..700).contains(status))?,
            via,
            other_vias,
            method: cseq.method,
        })
    }

    /// The response without our Via.
    fn without_top_via(&self) -> Bytes {
        let message = self.message;
        let mut edits = Vec::with_capacity(4);
        let mut top = true;
        for header in message.headers() {
            if header.name == Name::Via && top {
                top = false;
                let mut others = Vec::new();
                if let Some(vias) = self.other_vias {
                    others.put("Via: ");
                    others.extend_from_slice(vias);
                    others.put("\r\n");
                }
                edits.push(Edit::replace(message, header.raw, others));
            } else if is_asserted_identity(header.name) {
                edits.push(Edit::remove(message, header.raw));
            }
        }
        spliced(message, &[message.start_line()], &[], &edits)
    }

    /// The To tag. Without one that can be read, no BYE can name the call.
    fn to_tag(&self) -> Option<Cow<'a, str>> {
        let to = self.message.only(Name::To)?;
        let to = NameAddr::parse(to.value).ok()?;
        to.tag_text().filter(|tag| !tag.is_empty())
    }
}
