//! Parses the Contact headers of a REGISTER (RFC 3261 10.3 step 6, RFC 5626 6).

use std::fmt::Write;

use super::config::SwitchConfig;
use super::header_name::HeaderName;
use super::location::BindingKey;
use super::request::Request;
use super::status::Refusal;
use super::text::push_number;
use super::uri::Uri;
use super::value::{Address, items, param};

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
    pub(super) key: BindingKey,
    pub(super) contact: String,
    pub(super) sips: bool,
    pub(super) params: String,
    /// Seconds, within the limits; 0 removes the binding.
    pub(super) expires_s: u32,
}

/// Parses all Contacts. One bad Contact refuses the whole request.
pub(super) fn contact_request(
    request: &Request<'_>,
    config: &SwitchConfig,
) -> Result<ContactRequest, Refusal> {
    let general = request.head.first(HeaderName::Expires).map(|text| {
        // A malformed value counts as the default (RFC 3261 20.19).
        text.parse().unwrap_or(config.default_expires_s)
    });
    let mut requested = Vec::new();
    let mut star = false;
    for item in request.head.all(HeaderName::Contact).flat_map(items) {
        if item == "*" {
            star = true;
        } else {
            requested.push(read(item, general, config)?);
        }
    }
    match (star, requested.is_empty()) {
        (false, true) => Ok(ContactRequest::Query),
        (false, false) => Ok(ContactRequest::Update(requested)),
        (true, true) if general == Some(0) => Ok(ContactRequest::RemoveAll),
        (true, _) => Err(Refusal::because(
            400,
            "Contact Star Needs Expires Zero And No Other Contact",
        )),
    }
}

fn read(
    item: &str,
    general: Option<u32>,
    config: &SwitchConfig,
) -> Result<RequestedBinding, Refusal> {
    let bad = || Refusal::because(400, "Bad Contact");
    let address = Address::split(item).ok_or_else(bad)?;
    let uri = Uri::parse(address.uri).ok_or_else(bad)?;
    let wanted = match param(address.params, "expires") {
        Some(text) => text.parse().unwrap_or(config.default_expires_s),
        None => general.unwrap_or(config.default_expires_s),
    };
    if wanted > 0 && wanted < config.min_expires_s {
        return Err(Refusal::new(423).with("Min-Expires", &config.min_expires_s.to_string()));
    }
    let instance = param(address.params, "+sip.instance");
    let reg_id = param(address.params, "reg-id").and_then(|text| text.parse().ok());
    let key = match (instance, reg_id) {
        (Some(instance), Some(reg_id)) => BindingKey::Instance(instance.to_owned(), reg_id),
        _ => BindingKey::Uri(comparable(&uri)),
    };
    let contact = address.uri.split('?').next().unwrap_or(address.uri);
    Ok(RequestedBinding {
        key,
        contact: contact.to_owned(),
        sips: uri.sips,
        params: listed(instance, reg_id, param(address.params, "q")),
        expires_s: wanted.min(config.max_expires_s),
    })
}

/// A text that is equal for URIs that are equal by RFC 3261 19.1.4, except that the order of
/// parameters matters.
fn comparable(uri: &Uri<'_>) -> String {
    let user = uri.user().unwrap_or("");
    let mut text = String::with_capacity(user.len() + uri.params.len() + 64);
    for piece in [if uri.sips { "sips:" } else { "sip:" }, user, "@"] {
        text.push_str(piece);
    }
    let without_case = text.len();
    uri.host.push_to(&mut text);
    text.push(':');
    push_number(&mut text, uri.port.unwrap_or(0));
    text.push_str(&uri.params);
    text[without_case..].make_ascii_lowercase();
    text
}

/// The Contact parameters that the 200 repeats, as text.
fn listed(instance: Option<&str>, reg_id: Option<u32>, q: Option<&str>) -> String {
    let mut params = String::new();
    // Writing to a String cannot fail.
    if let Some(instance) = instance {
        let _ = write!(params, ";+sip.instance=\"{instance}\"");
    }
    if let Some(reg_id) = reg_id {
        let _ = write!(params, ";reg-id={reg_id}");
    }
    if let Some(q) = q {
        let _ = write!(params, ";q={q}");
    }
    params
}
