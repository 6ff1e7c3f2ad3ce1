//! The answered calls. A call is recorded from the 2xx to its INVITE to the response to BYE, or to
//! the end of either party's connection.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::effects::FlowId;
use super::event::{EndedBy, SwitchEvent};
use super::ids::Ids;
use super::transaction::CallAttempt;

/// An answered call.
#[derive(Debug)]
struct Call {
    attempt: CallAttempt,
    caller: FlowId,
    callee: FlowId,
    answered: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By keyed hash of Call-ID, the caller's tag and the callee's tag.
    running: FxHashMap<u64, Call>,
    by_flow: BTreeSet<(FlowId, u64)>,
    /// How many calls each caller has.
    begun: FxHashMap<FlowId, usize>,
}

impl Calls {
    /// Records a call whose 2xx was forwarded. True for a new call; a repeated 2xx changes nothing.
    pub(super) fn answered(
        &mut self,
        ids: &Ids,
        attempt: &CallAttempt,
        callee_tag: &str,
        flows: (FlowId, FlowId),
        now: Instant,
    ) -> bool {
        let name = ids.of((&*attempt.call_id, &*attempt.caller_tag, callee_tag));
        let (caller, callee) = flows;
        let Entry::Vacant(place) = self.running.entry(name) else {
            return false;
        };
        place.insert(Call {
            attempt: attempt.clone(),
            caller,
            callee,
            answered: now,
        });
        self.by_flow.insert((caller, name));
        self.by_flow.insert((callee, name));
        *self.begun.entry(caller).or_default() += 1;
        true
    }

    /// Ends the call whose BYE was answered, if it is known.
    pub(super) fn hung_up(
        &mut self,
        ids: &Ids,
        call_id: &str,
        from_tag: &str,
        to_tag: &str,
        now: Instant,
    ) -> Option<SwitchEvent> {
        self.end(ids.of((call_id, from_tag, to_tag)), EndedBy::Caller, now)
            .or_else(|| self.end(ids.of((call_id, to_tag, from_tag)), EndedBy::Callee, now))
    }

    /// How many running calls this connection has begun.
    pub(super) fn begun_by(&self, flow: FlowId) -> usize {
        self.begun.get(&flow).copied().unwrap_or(0)
    }

    /// The connections that carry a call, each once.
    pub(super) fn flows(&self) -> impl Iterator<Item = FlowId> + '_ {
        let mut last = None;
        let flows = self.by_flow.iter().map(|&(flow, _)| flow);
        flows.filter(move |&flow| last.replace(flow) != Some(flow))
    }

    /// Ends the calls over a connection that has ended.
    pub(super) fn flow_ended(&mut self, flow: FlowId, now: Instant) -> Vec<SwitchEvent> {
        let names: Vec<u64> = self
            .by_flow
            .range((flow, 0)..=(flow, u64::MAX))
            .map(|&(_, name)| name)
            .collect();
        names
            .into_iter()
            .filter_map(|name| self.end(name, EndedBy::FlowEnded, now))
            .collect()
    }

    fn end(&mut self, name: u64, ended_by: EndedBy, now: Instant) -> Option<SwitchEvent> {
        let call = self.running.remove(&name)?;
        self.by_flow.remove(&(call.caller, name));
        self.by_flow.remove(&(call.callee, name));
        if let Some(begun) = self.begun.get_mut(&call.caller) {
            *begun -= 1;
            if *begun == 0 {
                self.begun.remove(&call.caller);
            }
        }
        let duration = now.saturating_duration_since(call.answered);
        Some(SwitchEvent::CallEnded {
            call_id: call.attempt.call_id,
            caller: call.attempt.caller,
            callee: call.attempt.callee,
            status: 200,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            ended_by,
        })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.by_flow.is_empty() && self.begun.is_empty()
    }
}

impl CallAttempt {
    /// The report of an attempt that was never answered.
    pub(super) fn unanswered(self, status: u16, ended_by: EndedBy) -> SwitchEvent {
        SwitchEvent::CallEnded {
            call_id: self.call_id,
            caller: self.caller,
            callee: self.callee,
            status,
            duration_ms: 0,
            ended_by,
        }
    }
}
