//! The targets of a request for a user of ours, from the user's bindings (RFC 3261 16.5).

use sipward::sip::SipUri;

use super::Switch;
use super::dialog_token::End;
use super::effects::{Effects, FlowId};
use super::location::Binding;
use super::route::without_headers;
use super::status::Refusal;

/// Where to send a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) end: End,
    /// The Request-URI.
    pub(super) uri: String,
    /// A whole Route line, or nothing.
    pub(super) route: String,
}

impl Switch {
    /// The targets for the user in the Request-URI. Of the flows of one phone there is one at a time
    /// (RFC 5626 7): the newest that is open.
    pub(super) fn bound_targets<E: Effects>(
        &self,
        requested: &SipUri<'_>,
        effects: &E,
    ) -> Result<Vec<Target>, Refusal> {
        let user = requested.user().ok_or_else(|| Refusal::new(404))?;
        let mut targets: Vec<Target> = Vec::new();
        for (id, binding) in self.location.of_user(&user) {
            // A sips request may be sent only to a sips Contact (RFC 5630).
            let contact = without_headers(&binding.contact);
            let uri = match (requested.secure, binding.sips) {
                (true, false) => continue,
                (false, true) => downgraded(contact),
                _ => contact.to_owned(),
            };
            let flow = binding.flow;
            let is_same = |one: &Target| one.end.flow == flow && one.uri == uri;
            if targets.iter().any(is_same) {
                continue;
            }
            let target = Target {
                end: End { flow, binding: id },
                uri,
                route: route(binding),
            };
            let other = targets
                .iter_mut()
                .find(|one| self.is_of_same_phone(one, binding));
            match other {
                Some(other) => {
                    let worth = |flow: FlowId| (effects.alive(flow), flow);
                    if worth(flow) > worth(other.end.flow) {
                        *other = target;
                    }
                }
                None => targets.push(target),
            }
        }
        if !targets.is_empty() {
            return Ok(targets);
        }
        let known =
            self.authenticator.knows(&user) || self.location.of_user(&user).next().is_some();
        Err(Refusal::new(if known { 480 } else { 404 }))
    }

    /// Whether both are flows of one phone.
    fn is_of_same_phone(&self, target: &Target, binding: &Binding) -> bool {
        binding.is_flow
            && self
                .location
                .get(target.end.binding)
                .is_some_and(|other| other.is_flow && other.instance == binding.instance)
    }
}

/// The Route line of requests to a binding that was made with a Path (RFC 3327 5.3).
pub(super) fn route(binding: &Binding) -> String {
    match binding.path.as_str() {
        "" => String::new(),
        path => format!("Route: {path}\r\n"),
    }
}

/// The sip URI for a sips Contact (RFC 5630 5.3). The request still goes over TLS.
fn downgraded(contact: &str) -> String {
    let rest = contact.split_once(':').map_or(contact, |(_, rest)| rest);
    if rest.contains(";transport=") {
        format!("sip:{rest}")
    } else {
        format!("sip:{rest};transport=tls")
    }
}
