//! All running transactions, indexed by what can arrive for them: a request, a response, the end of
//! a flow.

use std::collections::{BTreeSet, HashMap};

use super::effects::FlowId;
use super::timers::Timers;
use super::transaction::{Branch, Context, ServerKey};

/// How many transactions of a connection are not over, and what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenTransactions {
    pub(super) unanswered: usize,
    /// INVITEs with a 2xx, kept for repeated responses.
    pub(super) answered: usize,
    /// Bytes kept for them.
    pub(super) kept: usize,
}

#[derive(Debug, Default)]
pub(super) struct Transactions {
    contexts: HashMap<u64, Context>,
    by_server: HashMap<ServerKey, u64>,
    by_branch: HashMap<u64, (u64, usize)>,
    /// The sender's flow and those of the branches.
    by_flow: BTreeSet<(FlowId, u64)>,
    /// The counts of each sender's flow.
    begun: HashMap<FlowId, OpenTransactions>,
    made: u64,
}

impl Transactions {
    /// The number of the next context.
    pub(super) fn next_id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn insert(&mut self, id: u64, context: Context) {
        self.by_server.insert(context.server, id);
        self.by_flow.insert((context.server.flow, id));
        let begun = self.begun.entry(context.server.flow).or_default();
        begun.unanswered += 1;
        begun.kept += context.kept;
        self.contexts.insert(id, context);
    }

    pub(super) fn begun_by(&self, flow: FlowId) -> OpenTransactions {
        self.begun.get(&flow).copied().unwrap_or_default()
    }

    /// Counts bytes of a response that is kept for a transaction. False if these and what is kept for
    /// its sender already are beyond the limit.
    pub(super) fn keep(&mut self, id: u64, bytes: usize, limit: usize) -> bool {
        let Some(context) = self.contexts.get_mut(&id) else {
            return false;
        };
        let begun = self.begun.entry(context.server.flow).or_default();
        let fits = begun.kept + bytes <= limit;
        if fits {
            context.kept += bytes;
            begun.kept += bytes;
        }
        fits
    }

    /// Records that a 2xx to an INVITE has been sent.
    pub(super) fn answered(&mut self, id: u64) {
        let Some(context) = self.contexts.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut context.answered, true) {
            return;
        }
        if let Some(begun) = self.begun.get_mut(&context.server.flow) {
            begun.unanswered -= 1;
            begun.answered += 1;
        }
    }

    pub(super) fn add_branch(&mut self, id: u64, branch: Branch) {
        let Some(context) = self.contexts.get_mut(&id) else {
            return;
        };
        self.by_branch
            .insert(branch.id, (id, context.branches.len()));
        self.by_flow.insert((branch.end.flow, id));
        context.branches.push(branch);
    }

    pub(super) fn context(&mut self, id: u64) -> Option<&mut Context> {
        self.contexts.get_mut(&id)
    }

    pub(super) fn branch(&mut self, id: u64, index: usize) -> Option<&mut Branch> {
        self.contexts.get_mut(&id)?.branches.get_mut(index)
    }

    pub(super) fn of_request(&self, key: &ServerKey) -> Option<u64> {
        self.by_server.get(key).copied()
    }

    /// The context and the position of a branch in it.
    pub(super) fn of_branch(&self, branch: u64) -> Option<(u64, usize)> {
        self.by_branch.get(&branch).copied()
    }

    pub(super) fn of_flow(&self, flow: FlowId) -> Vec<u64> {
        self.by_flow
            .range((flow, 0)..=(flow, u64::MAX))
            .map(|&(_, id)| id)
            .collect()
    }

    /// Removes a context with its branches and timers.
    pub(super) fn remove(&mut self, id: u64, timers: &mut Timers) {
        let Some(context) = self.contexts.remove(&id) else {
            return;
        };
        if let Some(begun) = self.begun.get_mut(&context.server.flow) {
            begun.kept -= context.kept;
            match context.answered {
                true => begun.answered -= 1,
                false => begun.unanswered -= 1,
            }
            if *begun == OpenTransactions::default() {
                self.begun.remove(&context.server.flow);
            }
        }
        // A later request may have the same key; its entry stays.
        if self.by_server.get(&context.server) == Some(&id) {
            self.by_server.remove(&context.server);
        }
        self.by_flow.remove(&(context.server.flow, id));
        if let Some(timer) = context.timer {
            timers.cancel(timer);
        }
        for branch in context.branches {
            self.by_branch.remove(&branch.id);
            self.by_flow.remove(&(branch.end.flow, id));
            if let Some(timer) = branch.timer {
                timers.cancel(timer);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.contexts.is_empty()
            && self.by_server.is_empty()
            && self.by_branch.is_empty()
            && self.by_flow.is_empty()
            && self.begun.is_empty()
    }
}
