//! Reads the Contact headers of a REGISTER (RFC 3261 10.3 step 6, RFC 5626 6).
//!
//! The URI of a Contact is opaque: requests reach the phone over its connection, and the phone alone
//! has to understand what stands in their Request-URI.

use std::cmp::Ordering;
use std::fmt::Write;

use sipward::sip::{Contacts, Name, NameAddr, Problem, Uri, decimal, param, qvalue};

use super::config::SwitchConfig;
use super::ids::Ids;
use super::location::{Binding, BindingKey, Location};
use super::request::Request;
use super::status::Refusal;
use super::text::{push_ip, push_number};

/// Bytes that the URI and the instance of one Contact may have together. Beyond: 400.
const MAX_CONTACT_LEN: usize = 1024;

/// What a REGISTER asks for.
#[derive(Debug)]
pub(super) enum ContactRequest {
    /// No Contact: only list the bindings.
    Query,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// At least one.
    Update(Vec<RequestedBinding>),
}

/// One Contact of a REGISTER.
#[derive(Debug)]
pub(super) struct RequestedBinding {
    /// The number of the binding.
    pub(super) id: u64,
    /// Whether it is one flow of an instance (RFC 5626).
    pub(super) is_flow: bool,
    pub(super) contact: String,
    pub(super) instance: Option<String>,
    pub(super) sips: bool,
    pub(super) params: String,
    /// Seconds, within the limits; 0 removes the binding.
    pub(super) expires_s: u32,
}

/// What decides how Contacts are read.
pub(super) struct ContactRules<'a> {
    pub(super) config: &'a SwitchConfig,
    pub(super) ids: &'a Ids,
    pub(super) location: &'a Location,
    pub(super) user: &'a str,
    pub(super) uses_outbound: bool,
}

/// Reads all Contacts. One bad Contact refuses the whole request.
pub(super) fn contact_request(
    request: &Request<'_>,
    rules: &ContactRules<'_>,
) -> Result<ContactRequest, Refusal> {
    let message = request.message;
    let general = message.header(Name::Expires).map(|header| {
        // A malformed value counts as the default (RFC 3261 20.19).
        decimal(header.value).unwrap_or(rules.config.default_expires_s)
    });
    let values = message.all(Name::Contact).map(|header| header.value);
    let contacts = Contacts::parse(values).map_err(|problem| match problem {
        Problem::Star => star_alone(),
        problem => Refusal::unreadable("Contact", problem),
    })?;
    let list = match contacts {
        Contacts::Star if general == Some(0) => return Ok(ContactRequest::RemoveAll),
        Contacts::Star => return Err(star_alone()),
        Contacts::List(list) if list.is_empty() => return Ok(ContactRequest::Query),
        Contacts::List(list) => list,
    };
    let bound = rules.location.of_user(rules.user).count();
    if list.len() > bound + rules.config.max_contacts {
        return Err(too_many());
    }
    let requested = list
        .iter()
        .map(|contact| read(contact, general, rules))
        .collect::<Result<Vec<_>, _>>()?;
    // RFC 5626 6: one flow is registered at a time, beside removals.
    let added = || requested.iter().filter(|one| one.expires_s > 0);
    let has_flow = added().any(|one| one.is_flow);
    if has_flow && added().count() > 1 {
        return Err(Refusal::because(400, "Several Contacts With reg-id"));
    }
    Ok(ContactRequest::Update(requested))
}

pub(super) fn too_many() -> Refusal {
    Refusal::because(403, "Too Many Contacts")
}

fn star_alone() -> Refusal {
    Refusal::because(400, "Contact Star Needs Expires Zero And No Other Contact")
}

fn read(
    contact: &NameAddr<'_>,
    general: Option<u32>,
    rules: &ContactRules<'_>,
) -> Result<RequestedBinding, Refusal> {
    let config = rules.config;
    let params = &contact.params;
    let sips = match scheme(contact.uri) {
        Some(sips) => sips,
        None => return Err(Refusal::because(400, "Contact Is No SIP URI")),
    };
    let wanted = match params.get("expires") {
        Some(text) => decimal(text.as_bytes()).unwrap_or(config.default_expires_s),
        None => general.unwrap_or(config.default_expires_s),
    };
    if wanted > 0 && wanted < config.min_expires_s {
        return Err(Refusal::new(423).with("Min-Expires", &config.min_expires_s.to_string()));
    }
    let instance = params.get("+sip.instance");
    if contact.uri.len() + instance.as_ref().map_or(0, |instance| instance.len()) > MAX_CONTACT_LEN
    {
        return Err(Refusal::because(400, "Contact Too Long"));
    }
    let reg_id = params.get("reg-id");
    let reg_id = reg_id.and_then(|text| decimal(text.as_bytes()).ok());
    let reg_id = reg_id.filter(|_| rules.uses_outbound);
    let q = params.get("q").filter(|q| qvalue(q).is_ok());
    let flow = instance.as_deref().zip(reg_id);
    Ok(RequestedBinding {
        id: identify(contact.uri, flow, rules),
        is_flow: flow.is_some(),
        contact: contact.uri.to_owned(),
        params: listed(instance.as_deref(), reg_id, q.as_deref())?,
        instance: instance.map(|instance| instance.into_owned()),
        sips,
        expires_s: wanted.min(config.max_expires_s),
    })
}

/// The number of the binding.
fn identify(contact: &str, flow: Option<(&str, u32)>, rules: &ContactRules<'_>) -> u64 {
    if let Some((instance, reg_id)) = flow {
        let key = BindingKey::Instance(instance, reg_id);
        return Location::id(rules.ids, rules.user, key);
    }
    // Most phones register the same again and again, and then nothing needs to be read.
    let is_same = |binding: &Binding| binding.contact == contact && !binding.is_flow;
    let mut bound = rules.location.of_user(rules.user);
    if let Some((id, _)) = bound.find(|(_, binding)| is_same(binding)) {
        return id;
    }
    let text = comparable(contact, Uri::parse(contact).ok().as_ref());
    Location::id(rules.ids, rules.user, BindingKey::Uri(&text))
}

/// `Some(true)` for sips, `Some(false)` for sip.
fn scheme(uri: &str) -> Option<bool> {
    let (scheme, _) = uri.split_once(':')?;
    let is_sips = scheme.eq_ignore_ascii_case("sips");
    (is_sips || scheme.eq_ignore_ascii_case("sip")).then_some(is_sips)
}

/// A text that is equal for URIs that are equal by RFC 3261 19.1.4: what has no case in lower case,
/// and parameters and headers in one order. A URI that cannot be read equals itself only.
fn comparable(text: &str, uri: Option<&Uri<'_>>) -> String {
    let Some(uri) = uri.and_then(Uri::sip) else {
        return text.to_owned();
    };
    let mut params: Vec<&str> = uri
        .params
        .split(';')
        .filter(|one| !one.is_empty())
        .collect();
    params.sort_unstable_by(by_lower_case);
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str(if uri.secure { "sips:" } else { "sip:" });
    let without_case = out.len();
    match uri.host.ip() {
        Some(ip) => push_ip(&mut out, ip),
        None => out.push_str(&uri.host.to_string()),
    }
    out.push(':');
    push_number(&mut out, uri.port.unwrap_or(0));
    out.push(';');
    for param in params {
        out.push_str(param);
        out.push(';');
    }
    if !uri.headers.is_empty() {
        let mut headers: Vec<&str> = uri.headers[1..].split('&').collect();
        headers.sort_unstable_by(by_lower_case);
        for header in headers {
            out.push('&');
            out.push_str(header);
        }
    }
    // Nothing before the user has this.
    out.push('@');
    out[without_case..].make_ascii_lowercase();
    out.push_str(&uri.user().unwrap_or_default());
    out
}

/// The order of two texts in lower case.
fn by_lower_case(one: &&str, other: &&str) -> Ordering {
    let one = one.bytes().map(|byte| byte.to_ascii_lowercase());
    one.cmp(other.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// The Contact parameters that the 200 repeats, as text.
fn listed(instance: Option<&str>, reg_id: Option<u32>, q: Option<&str>) -> Result<String, Refusal> {
    let mut params = String::new();
    if let Some(instance) = instance {
        let unwritable = || Refusal::because(400, "Bad Contact Instance");
        params = param("+sip.instance", instance).ok_or_else(unwritable)?;
    }
    // Writing to a String cannot fail.
    if let Some(reg_id) = reg_id {
        let _ = write!(params, ";reg-id={reg_id}");
    }
    if let Some(q) = q {
        let _ = write!(params, ";q={q}");
    }
    Ok(params)
}
