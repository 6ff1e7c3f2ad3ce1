//! How transactions end: CANCEL, timers, lost flows, and the choice of the final response (RFC 3261
//! 9, 16.7, 16.8).

use std::time::Instant;

use super::Switch;
use super::best::final_response;
use super::event::EndedBy;
use super::hop;
use super::timers::Due;
use super::transaction::{Branch, Cancel, Kind, Outcome, Progress, Stage};
use super::world::{FlowId, World};

impl Switch {
    /// Cancels every branch that has no final response yet. One that has not answered at all is
    /// cancelled with its first provisional response (RFC 3261 9.1).
    pub(super) fn cancel_pending<W: World>(&mut self, id: u64, now: Instant, world: &mut W) {
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        for index in 0..context.branches.len() {
            self.cancel_branch(id, index, now, world);
        }
    }

    pub(super) fn cancel_branch<W: World>(
        &mut self,
        id: u64,
        index: usize,
        now: Instant,
        world: &mut W,
    ) {
        let over = now + self.config.transaction_timeout;
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        match (&branch.progress, branch.cancel) {
            (Progress::Calling, Cancel::No) => branch.cancel = Cancel::Held,
            (Progress::Ringing, Cancel::No | Cancel::Held) => {
                branch.cancel = Cancel::Sent;
                if let Some(message) = branch.invite.as_ref().and_then(hop::cancel) {
                    let _ = world.send(branch.flow, message);
                }
                // 64*T1 for the 487, then the branch counts as cancelled.
                if let Some(timer) = branch.timer.take() {
                    self.timers.cancel(timer);
                }
                branch.timer = Some(self.timers.set(over, Due::Branch(id, index)));
            }
            _ => {}
        }
    }

    /// Timer B, C, F or M.
    pub(super) fn branch_due<W: World>(
        &mut self,
        id: u64,
        index: usize,
        now: Instant,
        world: &mut W,
    ) {
        let Some(branch) = self.transactions.branch(id, index) else {
            return;
        };
        branch.timer = None;
        match (&branch.progress, branch.cancel) {
            // Timer C: the phone is asked to stop before it is given up (16.8).
            (Progress::Ringing, Cancel::No) => return self.cancel_branch(id, index, now, world),
            (Progress::Accepted, _) => branch.progress = Progress::Ended(Outcome::Delivered),
            (Progress::Calling | Progress::Ringing, _) => {
                branch.progress = Progress::Ended(Outcome::Failed(408));
            }
            (Progress::Ended(_), _) => return,
        }
        self.settle(id, now, world);
    }

    /// Timer H or L.
    pub(super) fn server_due<W: World>(&mut self, id: u64, now: Instant, world: &mut W) {
        if let Some(context) = self.transactions.context(id) {
            context.timer = None;
            context.stage = Stage::Over;
        }
        self.settle(id, now, world);
    }

    /// The ACK for a final response that was refused with: nothing more to wait for (timer I is
    /// zero).
    pub(super) fn acknowledged<W: World>(&mut self, id: u64, now: Instant, world: &mut W) -> bool {
        match self.transactions.context(id) {
            Some(context) if matches!(context.stage, Stage::Completed(_)) => {
                context.stage = Stage::Over;
                self.settle(id, now, world);
                true
            }
            _ => false,
        }
    }

    /// A flow has ended: its branches have failed, and its requests have nobody left to answer.
    pub(super) fn transactions_lost<W: World>(
        &mut self,
        flow: FlowId,
        now: Instant,
        world: &mut W,
    ) {
        for id in self.transactions.of_flow(flow) {
            let Some(context) = self.transactions.context(id) else {
                continue;
            };
            for branch in &mut context.branches {
                if branch.flow == flow && !branch.is_ended() {
                    let outcome = match branch.progress {
                        Progress::Accepted => Outcome::Delivered,
                        _ => Outcome::Failed(430),
                    };
                    branch.progress = Progress::Ended(outcome);
                    if let Some(timer) = branch.timer.take() {
                        self.timers.cancel(timer);
                    }
                }
            }
            if context.server.flow == flow {
                let unanswered = matches!(context.stage, Stage::Proceeding);
                context.stage = Stage::Over;
                if let (true, Kind::Call(attempt)) = (unanswered, &context.kind) {
                    world.report(attempt.clone().unanswered(487, EndedBy::FlowEnded));
                }
                if context.is_invite() {
                    self.cancel_pending(id, now, world);
                }
            }
            self.settle(id, now, world);
        }
    }

    /// Sends the best final response once every branch has one, and forgets what is over.
    pub(super) fn settle<W: World>(&mut self, id: u64, now: Instant, world: &mut W) {
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let success = context.branches.iter().any(Branch::has_succeeded);
        // Only a request other than INVITE has a 2xx here: it need not wait for anybody.
        if matches!(context.stage, Stage::Proceeding) && (success || context.is_settled()) {
            self.conclude(id, now, world);
        }
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let done = context.is_settled() || !context.is_invite();
        if matches!(context.stage, Stage::Over) && done {
            self.transactions.remove(id, &mut self.timers);
        }
    }

    fn conclude<W: World>(&mut self, id: u64, now: Instant, world: &mut W) {
        let over = now + self.config.transaction_timeout;
        let Some(context) = self.transactions.context(id) else {
            return;
        };
        let (status, response) = final_response(context);
        context.stage = Stage::Over;
        if context.is_invite() {
            let _ = world.send(context.server.flow, response.clone());
            context.stage = Stage::Completed(response);
            context.timer = Some(self.timers.set(over, Due::Server(id)));
        } else if status != 408 {
            // RFC 4320 4.2: a 408 to a request other than INVITE always comes too late.
            let _ = world.send(context.server.flow, response);
        }
        match &context.kind {
            Kind::Call(attempt) => {
                let by = if context.given_up {
                    EndedBy::Caller
                } else {
                    EndedBy::Failed
                };
                world.report(attempt.clone().unanswered(status, by));
            }
            // A BYE ends the session whatever is said to it (RFC 3261 15.1.1), unless it has to come
            // again with credentials.
            Kind::Bye {
                call_id,
                from_tag,
                to_tag,
            } if !matches!(status, 401 | 407) => {
                let ended = self
                    .calls
                    .hung_up(&self.ids, call_id, from_tag, to_tag, now);
                if let Some(event) = ended {
                    world.report(event);
                }
            }
            _ => {}
        }
    }
}
