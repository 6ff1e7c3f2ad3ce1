//! Route preprocessing (RFC 3261 16.4, 16.12): determines whether a request is within a dialog that
//! passes here, and its next hop.

use std::collections::VecDeque;

use sipward::sip::{Message, Name, NameAddr, Uri, elements};

use super::Switch;
use super::dialog_token::{DialogToken, TOKEN_LEN, is_token};
use super::domains::KnownAs;
use super::request::Request;
use super::splice::Edit;
use super::status::Refusal;
use super::text::Output;

/// Where a request goes, and how its Route fields change for that.
#[derive(Debug)]
pub(super) struct RouteSet<'a> {
    /// The dialog of the request, from a token made here.
    pub(super) dialog: Option<DialogToken>,
    /// The Request-URI to use. It differs from the request's own after a strict router (16.4).
    pub(super) uri: &'a str,
    /// Whether Routes remain that are not ours.
    pub(super) has_other_routes: bool,
    /// Replacements for the Route fields.
    pub(super) edits: Vec<Edit<'a>>,
    /// The Route field that is left, as a whole line; empty if there is none.
    pub(super) left: Vec<u8>,
}

impl Switch {
    /// Removes our own entries from Route. `known_as` is what the sender knows the switch by. Refuses
    /// with 403 a token that was not made here.
    pub(super) fn route_set<'a>(
        &self,
        request: &Request<'a>,
        known_as: &KnownAs,
    ) -> Result<RouteSet<'a>, Refusal> {
        let mut routes = Routes::of(request.message);
        let mut uri = request.uri;
        // A shorter URI cannot contain a token, so it need not be read.
        let mut dialog = match uri.len() > TOKEN_LEN {
            true => self.token(Uri::parse(uri).ok().as_ref().and_then(token_text))?,
            false => None,
        };
        if dialog.is_some()
            && let Some(last) = routes.left.pop_back()
        {
            uri = read(last)?.uri;
        }
        let mut opened = None;
        while let Some(first) = routes.left.front() {
            let route = Uri::parse(read(first)?.uri).ok();
            let text = route.as_ref().and_then(token_text);
            if opened.is_some() {
                // A second entry with the same token is that of the other side (RFC 5658).
                if text == opened {
                    routes.left.pop_front();
                }
                break;
            }
            let is_ours = route
                .as_ref()
                .is_some_and(|uri| self.is_ours(uri, known_as));
            if text.is_none() && !is_ours {
                break;
            }
            routes.left.pop_front();
            if text.is_some() {
                dialog = self.token(text)?;
                opened = text;
            }
        }
        // A token is valid in its dialog only. A request without a To tag would begin a new one, so
        // it is admitted like any other request outside a dialog, unless it is for a caller of RFC
        // 2543, who has no tag.
        let is_for_its_caller =
            |token: &DialogToken| token.dialog == self.dialog_id(request.call_id, "");
        let dialog = dialog.filter(|token| request.has_to_tag() || is_for_its_caller(token));
        let left = routes.line();
        Ok(RouteSet {
            dialog,
            uri: without_headers(uri),
            has_other_routes: !routes.left.is_empty(),
            edits: routes.edits(request.message, &left),
            left,
        })
    }

    /// The dialog that a token names.
    fn token(&self, text: Option<&str>) -> Result<Option<DialogToken>, Refusal> {
        let dialog = text.map(|text| self.tokens.open(text)).transpose();
        dialog.map_err(|_| Refusal::because(403, "Forged Route"))
    }

    /// Whether the URI names this switch: a served domain, or what the sender knows it by.
    fn is_ours(&self, uri: &Uri<'_>, known_as: &KnownAs) -> bool {
        uri.sip()
            .is_some_and(|uri| self.domains.serve(uri) || known_as.is(uri))
    }
}

/// The URI without its headers: they stand for header fields, and a Request-URI has none (RFC 3261
/// 19.1.1, 19.1.5).
pub(super) fn without_headers(uri: &str) -> &str {
    if !uri.contains('?') {
        return uri;
    }
    match Uri::parse(uri) {
        Ok(Uri::Sip(sip)) => &uri[..uri.len() - sip.headers.len()],
        _ => uri,
    }
}

fn read(route: &[u8]) -> Result<NameAddr<'_>, Refusal> {
    NameAddr::parse(route).map_err(|problem| Refusal::unreadable("Route", problem))
}

/// The user part of a URI, if it has the form of a token.
fn token_text<'a>(uri: &Uri<'a>) -> Option<&'a str> {
    let user = uri.sip().and_then(|uri| uri.user_raw);
    user.filter(|user| is_token(user))
}

/// The entries of all Route fields.
struct Routes<'a> {
    fields: Vec<&'a [u8]>,
    left: VecDeque<&'a [u8]>,
    given: usize,
}

impl<'a> Routes<'a> {
    fn of(message: &'a Message) -> Routes<'a> {
        let (mut fields, mut left) = (Vec::new(), VecDeque::new());
        for header in message.all(Name::Route) {
            fields.push(header.raw);
            left.extend(elements(header.value));
        }
        Routes {
            fields,
            given: left.len(),
            left,
        }
    }

    /// The remaining entries as one field.
    fn line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, route) in self.left.iter().enumerate() {
            line.put(if index == 0 { "Route: " } else { ", " });
            line.extend_from_slice(route);
        }
        if !line.is_empty() {
            line.put("\r\n");
        }
        line
    }

    /// Edits that put the remaining entries into the first Route field and remove the others. Empty
    /// if no entry was removed.
    fn edits(self, message: &Message, line: &[u8]) -> Vec<Edit<'a>> {
        if self.left.len() == self.given {
            return Vec::new();
        }
        let mut text = Some(line.to_vec());
        self.fields
            .into_iter()
            .map(|field| Edit::replace(message, field, text.take().unwrap_or_default()))
            .collect()
    }
}
