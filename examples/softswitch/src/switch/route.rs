//! Route preprocessing (RFC 3261 16.4, 16.12): determines whether a request is within a dialog that
//! passes here, and its next hop.

use std::borrow::Cow;

use super::Switch;
use super::domains::Domains;
use super::flow_token::{FlowToken, TOKEN_LEN, is_token};
use super::head::Head;
use super::header_name::HeaderName;
use super::request::Request;
use super::status::Refusal;
use super::uri::Uri;
use super::value::{Address, items};

/// Where a request goes, and how its Route lines change for that.
#[derive(Debug)]
pub(super) struct RouteSet<'a> {
    /// The dialog of the request, from a token made here.
    pub(super) dialog: Option<FlowToken>,
    /// The Request-URI to use. It differs from the request's own after a strict router (16.4).
    pub(super) uri: &'a str,
    /// Whether Routes remain that are not ours.
    pub(super) has_other_routes: bool,
    /// Replacements for the Route lines.
    pub(super) edits: Vec<(usize, Cow<'a, str>)>,
}

impl Switch {
    /// Removes our own entries from Route. Refuses with 403 a token that was not made here.
    pub(super) fn route_set<'a>(&self, request: &Request<'a>) -> Result<RouteSet<'a>, Refusal> {
        let mut routes = Routes::of(&request.head);
        let mut uri = request.uri;
        let mut dialog = self.token(uri)?;
        if dialog.is_some()
            && let Some(last) = routes.left.pop()
        {
            uri = Address::split(last).ok_or_else(bad_route)?.uri;
        }
        while let Some(first) = routes.left.first() {
            let address = Address::split(first).ok_or_else(bad_route)?;
            if !is_ours(&self.domains, address.uri) {
                break;
            }
            let token = self.token(address.uri)?;
            routes.left.remove(0);
            if token.is_some() {
                dialog = token;
                break;
            }
        }
        // A token is valid in its dialog only. A request without a To tag would begin a new one, so
        // it is admitted like any other request outside a dialog.
        let dialog = dialog.filter(|_| request.has_to_tag());
        Ok(RouteSet {
            dialog,
            uri,
            has_other_routes: !routes.left.is_empty(),
            edits: routes.edits(),
        })
    }

    /// The token in a URI; `None` if the URI is not ours or has no token.
    fn token(&self, text: &str) -> Result<Option<FlowToken>, Refusal> {
        // A shorter URI cannot contain a token, so it need not be parsed.
        if text.len() <= TOKEN_LEN {
            return Ok(None);
        }
        let Some(uri) = Uri::parse(text) else {
            return Ok(None);
        };
        match uri.user() {
            Some(user) if is_token(user) && self.domains.serve(&uri) => self
                .tokens
                .open(user)
                .map(Some)
                .map_err(|_| Refusal::because(403, "Forged Route")),
            _ => Ok(None),
        }
    }
}

fn is_ours(domains: &Domains, text: &str) -> bool {
    Uri::parse(text).is_some_and(|uri| domains.serve(&uri))
}

fn bad_route() -> Refusal {
    Refusal::because(400, "Bad Route")
}

/// The entries of all Route lines.
struct Routes<'a> {
    lines: Vec<usize>,
    left: Vec<&'a str>,
    given: usize,
}

impl<'a> Routes<'a> {
    fn of(head: &Head<'a>) -> Routes<'a> {
        let (mut lines, mut left) = (Vec::new(), Vec::new());
        for (index, line) in head.lines.iter().enumerate() {
            if line.name == HeaderName::Route {
                lines.push(index);
                left.extend(items(line.value));
            }
        }
        Routes {
            lines,
            given: left.len(),
            left,
        }
    }

    /// Edits that put the remaining entries into the first Route line and remove the other lines.
    /// Empty if no entry was removed.
    fn edits(self) -> Vec<(usize, Cow<'a, str>)> {
        if self.left.len() == self.given {
            return Vec::new();
        }
        let mut edits: Vec<_> = self
            .lines
            .into_iter()
            .map(|index| (index, Cow::Borrowed("")))
            .collect();
        if let (Some((_, first)), false) = (edits.first_mut(), self.left.is_empty()) {
            *first = Cow::Owned(format!("Route: {}\r\n", self.left.join(", ")));
        }
        edits
    }
}
