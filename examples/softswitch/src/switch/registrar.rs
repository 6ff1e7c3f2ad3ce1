//! The registrar (RFC 3261 10.3, RFC 5626 6): a REGISTER is applied as a whole or not at all.

use std::time::{Duration, Instant};

use sipward::sip::Name;

use super::contacts::{ContactRequest, ContactRules, RequestedBinding, contact_request, too_many};
use super::effects::{Effects, FlowId};
use super::event::{SwitchEvent, Unregistration};
use super::location::Binding;
use super::path::Path;
use super::request::{Request, option_tags, refuse_tags};
use super::response_template;
use super::status::{Refusal, reason};
use super::text::push_number;
use super::timers::Due;
use super::{Arrival, Switch};

/// Seconds after which a phone that uses outbound sends its next keep-alive (RFC 5626 4.4.1, 6).
const FLOW_TIMER_S: &str = "120";

/// What a REGISTER does.
struct Plan {
    /// One for each binding.
    steps: Vec<RequestedBinding>,
    /// Older bindings of the same phone that make room.
    evicted: Vec<u64>,
}

impl Switch {
    pub(super) fn register<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        check_require(request)?;
        let user = self.admit_registration(arrival, request, effects)?;
        let path = Path::of(request)?;
        let uses_outbound = path.uses_outbound(request)?;
        let mut outbound = false;
        let rules = ContactRules {
            config: &self.config,
            ids: &self.ids,
            location: &self.location,
            user: &user,
            uses_outbound,
        };
        match contact_request(request, &rules)? {
            ContactRequest::Query => {}
            ContactRequest::RemoveAll => self.remove_all(arrival, request, &user, effects)?,
            ContactRequest::Update(requested) => {
                outbound = requested.iter().any(|one| one.is_flow);
                let plan = self.plan(request, &user, requested)?;
                self.check_binding_quota(arrival.source.flow, &plan)?;
                // If the connection has ended meanwhile, no call could reach the phone, so no
                // binding is made.
                if effects.alive(arrival.source.flow) {
                    self.carry_out(arrival, request, &user, (plan, &path), effects);
                }
            }
        }
        let headers = self.listing(&user, (outbound, &path), arrival.now);
        let message =
            response_template::response(request, 200, reason(200), self.ids.draw(), &headers);
        // If the connection has ended, the response is lost; there is no other way to send it.
        let _ = effects.send(arrival.source.flow, message);
        Ok(())
    }

    /// Removes a binding that was not refreshed in time.
    pub(super) fn binding_expired<E: Effects>(&mut self, id: u64, effects: &mut E) {
        self.unbind(id, Unregistration::Expired, None, effects);
    }

    /// Removes the bindings that name a flow which has ended; those that moved to another stay.
    pub(super) fn bindings_lost<E: Effects>(&mut self, flow: FlowId, effects: &mut E) {
        for id in self.location.of_flow(flow) {
            self.unbind(id, Unregistration::FlowEnded, None, effects);
        }
    }

    /// What is to be done; refuses a request that cannot be applied as a whole.
    fn plan(
        &self,
        request: &Request<'_>,
        user: &str,
        requested: Vec<RequestedBinding>,
    ) -> Result<Plan, Refusal> {
        let mut after = self.location.of_user(user).count();
        let mut steps = Vec::with_capacity(requested.len());
        for one in requested {
            if let Some(binding) = self.location.get(one.id) {
                check_cseq_order(binding, request)?;
            }
            in_turn(&mut steps, one);
        }
        for one in &steps {
            match (self.location.get(one.id).is_some(), one.expires_s) {
                (true, 0) => after -= 1,
                (false, 1..) => after += 1,
                _ => {}
            }
        }
        let excess = after.saturating_sub(self.config.max_contacts);
        let evicted: Vec<u64> = match excess {
            0 => Vec::new(),
            _ => self.replaceable(user, &steps).take(excess).collect(),
        };
        match evicted.len() == excess {
            true => Ok(Plan { steps, evicted }),
            false => Err(too_many()),
        }
    }

    /// The bindings that a phone left behind: of the same instance as one that is added, but with
    /// other Contacts, the oldest first. A phone that connects anew and sends no `reg-id` has a
    /// new Contact each time, and its dead connections must not lock it out.
    fn replaceable<'s>(
        &'s self,
        user: &'s str,
        steps: &'s [RequestedBinding],
    ) -> impl Iterator<Item = u64> + 's {
        let bound = self.location.of_user(user);
        let left_behind = move |(id, binding): &(u64, &Binding)| {
            let is_added = |one: &RequestedBinding| {
                one.expires_s > 0 && one.instance.is_some() && one.instance == binding.instance
            };
            steps.iter().any(is_added) && steps.iter().all(|one| one.id != *id)
        };
        bound.filter(left_behind).map(|(id, _)| id)
    }

    /// Checks that the new bindings do not exceed the quota of the connection.
    fn check_binding_quota(&self, flow: FlowId, plan: &Plan) -> Result<(), Refusal> {
        let comes =
            |one: &&RequestedBinding| one.expires_s > 0 && !self.location.is_on(one.id, flow);
        let more = plan.steps.iter().filter(comes).count();
        if more > 0 && self.location.count_on(flow) + more > self.config.max_bindings {
            return Err(Refusal::because(
                403,
                "Too Many Bindings On This Connection",
            ));
        }
        Ok(())
    }

    fn remove_all<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        user: &str,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        let mut ids = Vec::new();
        for (id, binding) in self.location.of_user(user) {
            check_cseq_order(binding, request)?;
            ids.push(id);
        }
        for id in ids {
            self.unbind(id, Unregistration::Removed, Some(arrival), effects);
        }
        Ok(())
    }

    fn carry_out<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        user: &str,
        (plan, path): (Plan, &Path),
        effects: &mut E,
    ) {
        for id in plan.evicted {
            self.unbind(id, Unregistration::Replaced, Some(arrival), effects);
        }
        for one in plan.steps {
            match one.expires_s {
                0 => self.unbind(one.id, Unregistration::Removed, Some(arrival), effects),
                _ => self.bind(arrival, request, user, (one, path), effects),
            }
        }
    }

    fn bind<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        user: &str,
        (requested, path): (RequestedBinding, &Path),
        effects: &mut E,
    ) {
        let id = requested.id;
        let flow = arrival.source.flow;
        let cseq = request.cseq.number;
        let expires_at = arrival.now + Duration::from_secs(requested.expires_s.into());
        let timer = self.timers.set(expires_at, Due::Binding(id));
        if let Some(binding) = self.location.unchanged(id, flow, &requested.contact) {
            self.timers.cancel(binding.timer);
            binding.timer = timer;
            binding.expires_at = expires_at;
            binding.cseq = cseq;
            request.call_id.clone_into(&mut binding.call_id);
            binding.params = requested.params;
            path.entries.clone_into(&mut binding.path);
            effects.report(SwitchEvent::Registered {
                user: user.to_owned(),
                contact: requested.contact,
                expires_s: requested.expires_s,
                source: arrival.source.peer,
                refresh: true,
            });
            return;
        }
        let contact = requested.contact.clone();
        let held = self.location.uses(flow);
        let old = self.location.insert(
            id,
            Binding {
                user: user.to_owned(),
                is_flow: requested.is_flow,
                contact: requested.contact,
                instance: requested.instance,
                path: path.entries.clone(),
                sips: requested.sips,
                params: requested.params,
                call_id: request.call_id.to_owned(),
                cseq,
                flow,
                expires_at,
                timer,
            },
        );
        if !held {
            effects.hold(flow);
        }
        self.calls.resume(id, flow, &mut self.timers);
        if let Some(old) = old {
            self.timers.cancel(old.timer);
            if old.flow != flow && !self.location.uses(old.flow) {
                effects.release(old.flow);
            }
            if old.contact != contact && old.is_flow {
                effects.report(SwitchEvent::Unregistered {
                    user: old.user,
                    contact: old.contact,
                    why: Unregistration::Replaced,
                    source: Some(arrival.source.peer),
                });
            }
        }
        effects.report(SwitchEvent::Registered {
            user: user.to_owned(),
            contact,
            expires_s: requested.expires_s,
            source: arrival.source.peer,
            refresh: false,
        });
    }

    fn unbind<E: Effects>(
        &mut self,
        id: u64,
        why: Unregistration,
        by: Option<Arrival>,
        effects: &mut E,
    ) {
        let Some(binding) = self.location.remove(id) else {
            return;
        };
        self.timers.cancel(binding.timer);
        if why != Unregistration::FlowEnded && !self.location.uses(binding.flow) {
            effects.release(binding.flow);
        }
        effects.report(SwitchEvent::Unregistered {
            user: binding.user,
            contact: binding.contact,
            why,
            source: by.map(|arrival| arrival.source.peer),
        });
    }

    /// The header lines of the 200: all bindings of the user with the seconds until they expire.
    fn listing(&self, user: &str, (outbound, path): (bool, &Path), now: Instant) -> String {
        let mut lines = String::with_capacity(128);
        if outbound {
            for text in ["Require: outbound\r\nFlow-Timer: ", FLOW_TIMER_S, "\r\n"] {
                lines.push_str(text);
            }
        }
        if !path.entries.is_empty() {
            for text in ["Path: ", &path.entries, "\r\n"] {
                lines.push_str(text);
            }
        }
        for (_, binding) in self.location.of_user(user) {
            let left = binding.expires_at.saturating_duration_since(now);
            let seconds = left.as_millis().div_ceil(1000);
            for text in ["Contact: <", &binding.contact, ">;expires="] {
                lines.push_str(text);
            }
            push_number(&mut lines, seconds);
            for text in [&binding.params, "\r\n"] {
                lines.push_str(text);
            }
        }
        lines
    }
}

/// Within one Call-ID, only a higher CSeq may change a binding (RFC 3261 10.3 step 7).
fn check_cseq_order(binding: &Binding, request: &Request<'_>) -> Result<(), Refusal> {
    if binding.call_id == request.call_id && request.cseq.number <= binding.cseq {
        return Err(Refusal::because(500, "CSeq Out Of Order"));
    }
    Ok(())
}

/// Takes one Contact after those before it. A phone whose address has changed sends its new Contact
/// and the removal of the old one in one request, in any order, and both may be the same binding:
/// the new Contact stays then. A removal of the very Contact that was just added removes it.
fn in_turn(steps: &mut Vec<RequestedBinding>, next: RequestedBinding) {
    let Some(before) = steps.iter_mut().find(|other| other.id == next.id) else {
        return steps.push(next);
    };
    let removes_another = next.expires_s == 0 && next.contact != before.contact;
    if before.expires_s == 0 || !removes_another {
        *before = next;
    }
}

/// Refuses a request to the switch that requires an extension other than outbound and path (RFC 3261
/// 8.2.2.3).
pub(super) fn check_require(request: &Request<'_>) -> Result<(), Refusal> {
    let known = ["outbound", "path"];
    let is_unknown = |tag: &&str| !known.iter().any(|known| known.eq_ignore_ascii_case(tag));
    let tags = option_tags(request, Name::Require)?;
    refuse_tags(tags.into_iter().filter(is_unknown).collect())
}
