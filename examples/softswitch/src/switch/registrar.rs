//! The registrar (RFC 3261 10.3, RFC 5626 6): a REGISTER is applied as a whole or not at all.

use std::time::{Duration, Instant};

use super::contacts::{ContactRequest, RequestedBinding, contact_request};
use super::effects::{Effects, FlowId};
use super::event::{SwitchEvent, Unregistration};
use super::header_name::HeaderName;
use super::location::{Binding, BindingKey};
use super::request::Request;
use super::response_template;
use super::status::{Refusal, reason};
use super::text::push_number;
use super::timers::Due;
use super::value::items;
use super::{Arrival, Switch};

impl Switch {
    pub(super) fn register<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        check_require(request)?;
        let user = self.admit_registration(arrival, request, effects)?;
        let outbound = match contact_request(request, &self.config)? {
            ContactRequest::Query => false,
            ContactRequest::RemoveAll => {
                self.remove_all(arrival, request, &user, effects)?;
                false
            }
            ContactRequest::Update(requested) => {
                let planned = self.plan(request, &user, &requested)?;
                self.check_binding_quota(arrival.source.flow, &requested, &planned)?;
                let outbound = requested
                    .iter()
                    .any(|requested| matches!(requested.key, BindingKey::Instance(..)));
                // If the connection has ended meanwhile, no call could reach the phone, so no
                // binding is made.
                if effects.alive(arrival.source.flow) {
                    for (requested, existing) in requested.into_iter().zip(planned) {
                        self.apply_binding(arrival, request, &user, requested, existing, effects)?;
                    }
                }
                outbound
            }
        };
        let headers = self.listing(&user, outbound, arrival.now);
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

    /// The existing binding for each Contact; refuses a request that cannot be applied as a whole.
    fn plan(
        &self,
        request: &Request<'_>,
        user: &str,
        requested: &[RequestedBinding],
    ) -> Result<Vec<Option<u64>>, Refusal> {
        let mut planned = Vec::with_capacity(requested.len());
        let bound = self.location.of_user(user);
        let mut after = bound.clone().count();
        if requested.len() > after + self.config.max_contacts {
            return Err(too_many());
        }
        for (index, one) in requested.iter().enumerate() {
            if requested[..index].iter().any(|other| other.key == one.key) {
                return Err(Refusal::because(400, "Contact Given Twice"));
            }
            let existing = bound.clone().find(|(_, binding)| binding.key == one.key);
            if let Some((_, binding)) = existing {
                check_cseq_order(binding, request)?;
            }
            match (existing.is_some(), one.expires_s) {
                (true, 0) => after -= 1,
                (false, 1..) => after += 1,
                _ => {}
            }
            planned.push(existing.map(|(id, _)| id));
        }
        if after > self.config.max_contacts {
            return Err(too_many());
        }
        Ok(planned)
    }

    /// Checks that the new bindings do not exceed the quota of the connection.
    fn check_binding_quota(
        &self,
        flow: FlowId,
        requested: &[RequestedBinding],
        existing: &[Option<u64>],
    ) -> Result<(), Refusal> {
        let comes = |(one, existing): &(&RequestedBinding, &Option<u64>)| {
            one.expires_s > 0 && existing.is_none_or(|id| !self.location.is_on(id, flow))
        };
        let more = requested.iter().zip(existing).filter(comes).count();
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

    fn apply_binding<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        user: &str,
        requested: RequestedBinding,
        existing: Option<u64>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        if requested.expires_s == 0 {
            if let Some(id) = existing {
                self.unbind(id, Unregistration::Removed, Some(arrival), effects);
            }
            return Ok(());
        }
        let flow = arrival.source.flow;
        let cseq = request.sequence()?;
        let expires_at = arrival.now + Duration::from_secs(requested.expires_s.into());
        if let Some(id) = existing
            && let Some(binding) = self.location.unchanged(id, flow, &requested.contact)
        {
            self.timers.cancel(binding.timer);
            binding.timer = self.timers.set(expires_at, Due::Binding(id));
            binding.expires_at = expires_at;
            binding.cseq = cseq;
            request.call_id.clone_into(&mut binding.call_id);
            binding.params = requested.params;
            effects.report(SwitchEvent::Registered {
                user: user.to_owned(),
                contact: requested.contact,
                expires_s: requested.expires_s,
                source: arrival.source.peer,
                refresh: true,
            });
            return Ok(());
        }
        let id = existing.unwrap_or_else(|| self.location.next_id());
        let contact = requested.contact.clone();
        let held = self.location.uses(flow);
        let old = self.location.insert(
            id,
            Binding {
                user: user.to_owned(),
                key: requested.key,
                contact: requested.contact,
                sips: requested.sips,
                params: requested.params,
                call_id: request.call_id.to_owned(),
                cseq,
                flow,
                expires_at,
                timer: self.timers.set(expires_at, Due::Binding(id)),
            },
        );
        if !held {
            effects.hold(flow);
        }
        if let Some(old) = old {
            self.timers.cancel(old.timer);
            if old.flow != flow && !self.location.uses(old.flow) {
                effects.release(old.flow);
            }
            if old.contact != contact && matches!(old.key, BindingKey::Instance(..)) {
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
        Ok(())
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
    fn listing(&self, user: &str, outbound: bool, now: Instant) -> String {
        let mut lines = String::with_capacity(128);
        if outbound {
            lines.push_str("Require: outbound\r\n");
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
    if binding.call_id == request.call_id && request.sequence()? <= binding.cseq {
        return Err(Refusal::because(500, "CSeq Out Of Order"));
    }
    Ok(())
}

/// Refuses a REGISTER that requires an extension other than outbound (RFC 3261 8.2.2.3).
fn check_require(request: &Request<'_>) -> Result<(), Refusal> {
    let unknown: Vec<&str> = request
        .head
        .all(HeaderName::Require)
        .flat_map(items)
        .filter(|option| !option.eq_ignore_ascii_case("outbound"))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(420).with("Unsupported", &unknown.join(", ")))
}

fn too_many() -> Refusal {
    Refusal::because(403, "Too Many Contacts")
}
