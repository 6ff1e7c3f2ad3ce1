//! The location service: the bindings of each user, and the flows they name (RFC 3261 10.3, RFC
//! 5626).

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::effects::FlowId;
use super::ids::Ids;
use super::timers::TimerKey;

/// The half of a binding's number that names its user.
const ACCOUNT: u64 = !(u32::MAX as u64);

/// Two registrations of a user with equal keys are the same binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum BindingKey<'a> {
    /// `+sip.instance` and `reg-id` (RFC 5626 6).
    Instance(&'a str, u32),
    /// The Contact URI in a form that can be compared.
    Uri(&'a str),
}

/// A registered Contact of a user.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) user: String,
    /// Whether it is that of one flow of an instance, so that another Contact takes its place.
    pub(super) is_flow: bool,
    /// The Contact URI as the phone sent it.
    pub(super) contact: String,
    /// `+sip.instance`, which also a phone without `reg-id` may send.
    pub(super) instance: Option<String>,
    /// The Route of requests to the phone, from its Path; empty if it has none.
    pub(super) path: String,
    pub(super) sips: bool,
    /// The Contact parameters that responses repeat: instance, reg-id, q.
    pub(super) params: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    /// The connection the REGISTER came on. Requests to the phone are sent on no other.
    pub(super) flow: FlowId,
    pub(super) expires_at: Instant,
    pub(super) timer: TimerKey,
}

/// Each binding has a number that stays the same when the phone registers again, also over another
/// connection. Its upper half is a keyed hash of the user, its lower half one of user and key, which
/// is never 0.
#[derive(Debug, Default)]
pub(super) struct Location {
    bindings: FxHashMap<u64, Binding>,
    by_user: HashMap<String, Vec<u64>>,
    by_flow: BTreeSet<(FlowId, u64)>,
}

impl Location {
    /// The number of a binding, whether it exists or not.
    pub(super) fn id(ids: &Ids, user: &str, key: BindingKey<'_>) -> u64 {
        Location::account(ids, user) | u64::from(ids.short((user, key)).max(1))
    }

    /// What the numbers of all bindings of a user begin with: the name of a party without a binding.
    pub(super) fn account(ids: &Ids, user: &str) -> u64 {
        Location::account_of(ids.of(user))
    }

    /// The account in the number of a binding.
    pub(super) fn account_of(name: u64) -> u64 {
        name & ACCOUNT
    }

    /// Whether this is the name of a party of that user.
    pub(super) fn is_of(ids: &Ids, user: &str, name: u64) -> bool {
        Location::account_of(name) == Location::account(ids, user)
    }

    pub(super) fn get(&self, id: u64) -> Option<&Binding> {
        self.bindings.get(&id)
    }

    /// The connection that a binding names now.
    pub(super) fn flow_of(&self, id: u64) -> Option<FlowId> {
        self.bindings.get(&id).map(|binding| binding.flow)
    }

    /// The bindings of a user, oldest first.
    pub(super) fn of_user(&self, user: &str) -> impl Iterator<Item = (u64, &Binding)> + Clone {
        let ids = self.by_user.get(user).map_or(&[][..], Vec::as_slice);
        ids.iter()
            .filter_map(|id| Some((*id, self.bindings.get(id)?)))
    }

    pub(super) fn of_flow(&self, flow: FlowId) -> Vec<u64> {
        self.by_flow
            .range((flow, 0)..=(flow, u64::MAX))
            .map(|&(_, id)| id)
            .collect()
    }

    /// How many bindings name the flow.
    pub(super) fn count_on(&self, flow: FlowId) -> usize {
        self.by_flow.range((flow, 0)..=(flow, u64::MAX)).count()
    }

    /// Whether this binding names that flow.
    pub(super) fn is_on(&self, id: u64, flow: FlowId) -> bool {
        self.by_flow.contains(&(flow, id))
    }

    /// Whether some binding names the flow.
    pub(super) fn uses(&self, flow: FlowId) -> bool {
        self.by_flow
            .range((flow, 0)..=(flow, u64::MAX))
            .next()
            .is_some()
    }

    /// The binding of that number, if it names that flow and that contact.
    pub(super) fn unchanged(
        &mut self,
        id: u64,
        flow: FlowId,
        contact: &str,
    ) -> Option<&mut Binding> {
        let binding = self.bindings.get_mut(&id)?;
        (binding.flow == flow && binding.contact == contact).then_some(binding)
    }

    /// Adds a binding, or replaces the one with that number and returns the replaced one.
    pub(super) fn insert(&mut self, id: u64, binding: Binding) -> Option<Binding> {
        self.by_flow.insert((binding.flow, id));
        let flow = binding.flow;
        if !self.bindings.contains_key(&id) {
            self.by_user
                .entry(binding.user.clone())
                .or_default()
                .push(id);
        }
        let old = self.bindings.insert(id, binding);
        if let Some(old) = &old
            && old.flow != flow
        {
            self.by_flow.remove(&(old.flow, id));
        }
        old
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Binding> {
        let binding = self.bindings.remove(&id)?;
        self.by_flow.remove(&(binding.flow, id));
        if let Some(ids) = self.by_user.get_mut(&binding.user) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_user.remove(&binding.user);
            }
        }
        Some(binding)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.bindings.is_empty() && self.by_user.is_empty() && self.by_flow.is_empty()
    }
}
