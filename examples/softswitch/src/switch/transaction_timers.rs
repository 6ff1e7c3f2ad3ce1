//! Ends transactions: by CANCEL, timers and lost flows, and by the final response (RFC 3261 9,
//! 16.7, 16.8).

use std::time::Instant;

use sipward::sip::Message;

use super::Switch;
use super::dispatch::refused;
use super::effects::{Effects, FlowId};
use super::event::EndedBy;
use super::response_selection::{FinalResponse, final_response};
use super::status::reason;
use super::timers::Due;
use super::transaction::{
    Branch, BranchOutcome, BranchState, CancelState, ServerState, TransactionKind,
};

impl Switch {
    /// Cancels every branch without a final response. A branch without any response is cancelled
    /// when its first provisional response arrives (RFC 3261 9.1).
    pub(super) fn cancel_pending<E: Effects>(&mut self, id: u64, now: Instant, effects: &mut E) {
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        for index in 0..context.branches.len() {
            self.cancel_branch(id, index, now, effects);
        }
    }

    pub(super) fn cancel_branch<E: Effects>(
        &mut self,
        id: u64,
        index: usize,
        now: Instant,
        effects: &mut E,
    ) {
        let over = now + self.config.transaction_timeout;
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        match (&branch.state, branch.cancel) {
            (BranchState::Calling, CancelState::No) => branch.cancel = CancelState::Held,
            (BranchState::Ringing, CancelState::No | CancelState::Held) => {
                branch.cancel = CancelState::Sent;
                if let Some(invite) = &branch.invite {
                    let _ = effects.send(branch.end.flow, invite.cancel());
                }
                // The branch has 64*T1 to send its 487; then it counts as ended (RFC 3261 9.1).
                if let Some(timer) = branch.timer.take() {
                    self.timers.cancel(timer);
                }
                branch.timer = Some(self.timers.set(over, Due::Branch(id, index)));
            }
            _ => {}
        }
    }

    /// Handles timer B, C, F or M of a branch.
    pub(super) fn branch_due<E: Effects>(
        &mut self,
        id: u64,
        index: usize,
        now: Instant,
        effects: &mut E,
    ) {
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        branch.timer = None;
        match (&branch.state, branch.cancel) {
            // Timer C: the phone gets a CANCEL before the branch ends (16.8).
            (BranchState::Ringing, CancelState::No) => {
                return self.cancel_branch(id, index, now, effects);
            }
            (BranchState::Accepted, _) => {
                branch.state = BranchState::Ended(BranchOutcome::Delivered)
            }
            (BranchState::Calling | BranchState::Ringing, _) => {
                branch.state = BranchState::Ended(BranchOutcome::Failed(408));
            }
            (BranchState::Ended(_), _) => return,
        }
        self.advance(id, now, effects);
    }

    /// Handles the timer of a server transaction: H or L of an INVITE. Another request that has no
    /// response yet gets a 100 (RFC 4320 4.1).
    pub(super) fn server_due<E: Effects>(&mut self, id: u64, now: Instant, effects: &mut E) {
        if let Some(context) = self.transactions.context(id) {
            context.timer = None;
            if !context.is_invite() {
                let trying = context.response_template.bare(100, 0);
                let _ = effects.send(context.server.flow, trying);
                return;
            }
            context.state = ServerState::Over;
        }
        self.advance(id, now, effects);
    }

    /// Handles the ACK for a final response other than 2xx: the server transaction is over, because
    /// timer I is zero.
    pub(super) fn acknowledged<E: Effects>(
        &mut self,
        id: u64,
        now: Instant,
        effects: &mut E,
    ) -> bool {
        match self.transactions.context(id) {
            Some(context) if matches!(context.state, ServerState::Completed(_)) => {
                context.state = ServerState::Over;
                self.advance(id, now, effects);
                true
            }
            _ => false,
        }
    }

    /// Handles the end of a flow: its branches fail, and the transactions of its requests end,
    /// because no response can be sent.
    pub(super) fn transactions_lost<E: Effects>(
        &mut self,
        flow: FlowId,
        now: Instant,
        effects: &mut E,
    ) {
        for id in self.transactions.of_flow(flow) {
            let Some(context) = self.transactions.context(id) else {
                continue;
            };
            for branch in &mut context.branches {
                if branch.end.flow == flow && !branch.is_ended() {
                    let outcome = match branch.state {
                        BranchState::Accepted => BranchOutcome::Delivered,
                        _ => BranchOutcome::Failed(480),
                    };
                    branch.state = BranchState::Ended(outcome);
                    if let Some(timer) = branch.timer.take() {
                        self.timers.cancel(timer);
                    }
                }
            }
            if context.server.flow == flow {
                let unanswered = matches!(context.state, ServerState::Proceeding);
                context.state = ServerState::Over;
                if let (true, TransactionKind::Call(attempt)) = (unanswered, &context.kind) {
                    effects.report(attempt.clone().unanswered(487, EndedBy::FlowEnded));
                }
                if context.is_invite() {
                    self.cancel_pending(id, now, effects);
                }
            }
            self.advance(id, now, effects);
        }
    }

    /// Sends the final response once every branch has ended, and removes the transaction once it is
    /// over.
    pub(super) fn advance<E: Effects>(&mut self, id: u64, now: Instant, effects: &mut E) {
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let success = context.branches.iter().any(Branch::has_succeeded);
        // A 2xx is here for requests other than INVITE only; it is sent without waiting for the
        // other branches.
        if matches!(context.state, ServerState::Proceeding) && (success || context.is_settled()) {
            self.send_final(id, now, effects);
        }
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let done = context.is_settled() || !context.is_invite();
        if matches!(context.state, ServerState::Over) && done {
            self.transactions.remove(id, &mut self.timers);
        }
    }

    fn send_final<E: Effects>(&mut self, id: u64, now: Instant, effects: &mut E) {
        let over = now + self.config.transaction_timeout;
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let FinalResponse {
            status,
            message,
            is_own,
        } = final_response(context);
        let flow = context.server.flow;
        if is_own && let Ok(response) = Message::parse(message.clone()) {
            effects.report(refused(
                &response,
                status,
                reason(status),
                (flow, context.peer),
            ));
        }
        context.state = ServerState::Over;
        if context.is_invite() {
            let _ = effects.send(flow, message.clone());
            context.state = ServerState::Completed(message);
            context.timer = Some(self.timers.set(over, Due::Server(id)));
        } else if status != 408 {
            // A 408 to a request other than INVITE is not sent: it would arrive after the sender's
            // own timeout (RFC 4320 4.2).
            let _ = effects.send(flow, message);
        }
        match &context.kind {
            TransactionKind::Call(attempt) => {
                let by = if context.cancelled {
                    EndedBy::Caller
                } else {
                    EndedBy::Failed
                };
                effects.report(attempt.clone().unanswered(status, by));
            }
            // A BYE ends the call whatever the response (RFC 3261 15.1.1), except that after a 401
            // or 407 the phone sends it again with credentials.
            TransactionKind::Bye(names) if !matches!(status, 401 | 407) => {
                let ended = self.calls.hung_up(*names, now, &mut self.timers);
                if let Some(event) = ended {
                    effects.report(event);
                }
            }
            _ => {}
        }
    }
}
