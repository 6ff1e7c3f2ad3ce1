//! The answered calls. A call is recorded from the 2xx to its INVITE to the response to BYE. If the
//! connection of a party ends, the call waits for that party to come back, and ends when the time for
//! this is over or the other party is lost as well.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::dialog_token::{End, Side};
use super::effects::FlowId;
use super::event::{EndedBy, SwitchEvent};
use super::ids::Ids;
use super::lost::Lost;
use super::timers::{Due, TimerKey, Timers};
use super::transaction::CallAttempt;

/// An answered call.
#[derive(Debug)]
struct Call {
    attempt: CallAttempt,
    /// The callee as the call began; the caller is in `attempt`.
    callee_end: End,
    caller: Party,
    callee: Party,
    answered: Instant,
    /// When a party was lost, and when the call ends for that.
    lost: Option<(Instant, TimerKey)>,
}

#[derive(Clone, Copy, Debug)]
struct Party {
    /// `None` while the party is lost.
    flow: Option<FlowId>,
    /// The number of its binding, as in `End`.
    binding: u64,
}

/// One end of a running call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallEnd {
    pub(super) call: u64,
    pub(super) side: Side,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By keyed hash of Call-ID, the caller's tag and the callee's tag.
    running: FxHashMap<u64, Call>,
    by_flow: BTreeSet<(FlowId, u64)>,
    /// Calls with a lost party. If there is no room, a call ends with the connection.
    lost: Lost,
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
        callee: End,
        now: Instant,
    ) -> bool {
        let name = Calls::name(ids, &attempt.call_id, &attempt.caller_tag, callee_tag);
        let Entry::Vacant(place) = self.running.entry(name) else {
            return false;
        };
        let caller = attempt.caller_end;
        place.insert(Call {
            attempt: attempt.clone(),
            callee_end: callee,
            caller: Party::of(caller),
            callee: Party::of(callee),
            answered: now,
            lost: None,
        });
        self.by_flow.insert((caller.flow, name));
        self.by_flow.insert((callee.flow, name));
        *self.begun.entry(caller.flow).or_default() += 1;
        true
    }

    pub(super) fn name(ids: &Ids, call_id: &str, caller_tag: &str, callee_tag: &str) -> u64 {
        ids.of((call_id, caller_tag, callee_tag))
    }

    /// Ends the call whose BYE was answered, if it is known: under the first name if the BYE came
    /// from its caller, under the second if from its callee.
    pub(super) fn hung_up(
        &mut self,
        [by_caller, by_callee]: [u64; 2],
        now: Instant,
        timers: &mut Timers,
    ) -> Option<SwitchEvent> {
        self.end(by_caller, EndedBy::Caller, now, timers)
            .or_else(|| self.end(by_callee, EndedBy::Callee, now, timers))
    }

    /// Caller and callee of a running call as it began.
    pub(super) fn ends(&self, call: u64) -> Option<(End, End)> {
        let call = self.running.get(&call)?;
        Some((call.attempt.caller_end, call.callee_end))
    }

    /// The connection of a party that is not lost.
    pub(super) fn flow_of(&self, end: CallEnd) -> Option<FlowId> {
        self.running.get(&end.call)?.party(end.side).flow
    }

    /// The party, as `user@host`.
    pub(super) fn name_of(&self, end: CallEnd) -> Option<&str> {
        let attempt = &self.running.get(&end.call)?.attempt;
        Some(match end.side {
            Side::Caller => &attempt.caller,
            Side::Callee => &attempt.callee,
        })
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

    /// The parties on a connection that has ended are lost. Returns the events of the calls that end
    /// with it.
    pub(super) fn flow_ended(
        &mut self,
        flow: FlowId,
        now: Instant,
        patience: Duration,
        timers: &mut Timers,
    ) -> Vec<SwitchEvent> {
        let calls = self.by_flow.range((flow, 0)..=(flow, u64::MAX));
        let calls: Vec<u64> = calls.map(|&(_, name)| name).collect();
        let mut ended = Vec::new();
        for name in calls {
            for side in [Side::Caller, Side::Callee] {
                self.leave(CallEnd { call: name, side }, flow);
            }
            let Some(call) = self.running.get_mut(&name) else {
                continue;
            };
            let parties = [call.caller, call.callee];
            let is_half_open = parties.iter().any(|party| party.flow.is_some());
            let mut lost = parties.iter().filter(|party| party.flow.is_none());
            if !is_half_open || !lost.all(|party| self.lost.has_room(party.binding)) {
                ended.extend(self.end(name, EndedBy::FlowEnded, now, timers));
                continue;
            }
            call.lost = Some((now, timers.set(now + patience, Due::Call(name))));
            for party in parties.iter().filter(|party| party.flow.is_none()) {
                self.lost.insert(party.binding, name);
            }
        }
        ended
    }

    /// The time to come back is over.
    pub(super) fn not_resumed(
        &mut self,
        name: u64,
        now: Instant,
        timers: &mut Timers,
    ) -> Option<SwitchEvent> {
        self.end(name, EndedBy::FlowEnded, now, timers)
    }

    /// The calls that wait for the party with this binding go on, on this connection.
    pub(super) fn resume(&mut self, binding: u64, flow: FlowId, timers: &mut Timers) {
        for call in self.lost.of(binding) {
            for side in [Side::Caller, Side::Callee] {
                let end = CallEnd { call, side };
                let party = self.running.get(&call).map(|call| call.party(side));
                if party.is_some_and(|party| party.flow.is_none() && party.binding == binding) {
                    self.move_to(end, flow, timers);
                }
            }
        }
    }

    /// The party goes on with the call on this connection.
    pub(super) fn move_to(&mut self, end: CallEnd, flow: FlowId, timers: &mut Timers) {
        let Some(old) = self.running.get(&end.call).map(|call| call.party(end.side)) else {
            return;
        };
        if old.flow == Some(flow) {
            return;
        }
        if let Some(old) = old.flow {
            self.leave(end, old);
        }
        let Some(call) = self.running.get_mut(&end.call) else {
            return;
        };
        call.party_mut(end.side).flow = Some(flow);
        if call.caller.flow.is_some()
            && call.callee.flow.is_some()
            && let Some((_, timer)) = call.lost.take()
        {
            timers.cancel(timer);
        }
        self.lost.remove(old.binding, end.call);
        self.by_flow.insert((flow, end.call));
        if end.side == Side::Caller {
            *self.begun.entry(flow).or_default() += 1;
        }
    }

    /// Takes one end of a call from this connection, if it is there.
    fn leave(&mut self, end: CallEnd, flow: FlowId) {
        let Some(call) = self.running.get_mut(&end.call) else {
            return;
        };
        let party = call.party_mut(end.side);
        if party.flow != Some(flow) {
            return;
        }
        party.flow = None;
        if call.party(end.side.other()).flow != Some(flow) {
            self.by_flow.remove(&(flow, end.call));
        }
        if end.side == Side::Caller
            && let Some(begun) = self.begun.get_mut(&flow)
        {
            *begun -= 1;
            if *begun == 0 {
                self.begun.remove(&flow);
            }
        }
    }

    fn end(
        &mut self,
        name: u64,
        ended_by: EndedBy,
        now: Instant,
        timers: &mut Timers,
    ) -> Option<SwitchEvent> {
        for side in [Side::Caller, Side::Callee] {
            let party = self.running.get(&name)?.party(side);
            self.lost.remove(party.binding, name);
            if let Some(flow) = party.flow {
                self.leave(CallEnd { call: name, side }, flow);
            }
        }
        let call = self.running.remove(&name)?;
        let mut ended = now;
        if let Some((lost, timer)) = call.lost {
            timers.cancel(timer);
            if ended_by == EndedBy::FlowEnded {
                ended = lost;
            }
        }
        let duration = ended.saturating_duration_since(call.answered);
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
        self.running.is_empty()
            && self.by_flow.is_empty()
            && self.lost.is_empty()
            && self.begun.is_empty()
    }
}

impl Call {
    fn party(&self, side: Side) -> Party {
        match side {
            Side::Caller => self.caller,
            Side::Callee => self.callee,
        }
    }

    fn party_mut(&mut self, side: Side) -> &mut Party {
        match side {
            Side::Caller => &mut self.caller,
            Side::Callee => &mut self.callee,
        }
    }
}

impl Party {
    fn of(end: End) -> Party {
        Party {
            flow: Some(end.flow),
            binding: end.binding,
        }
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
