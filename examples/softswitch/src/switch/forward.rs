//! Writes the copies of a request that are forwarded (RFC 3261 16.6). All that a proxy need not
//! change is copied as it is.

use std::borrow::Cow;

use bytes::Bytes;
use sipward::sip::{Credentials, Name, Problem, Via, decimal};

use super::branch_requests::InviteCopy;
use super::dialog_token::{DialogToken, TokenKey};
use super::ids::Ids;
use super::request::Request;
use super::route::RouteSet;
use super::splice::{Edit, spliced};
use super::status::Refusal;
use super::text::{push_hex, push_number};

/// The changes that all copies of one request have in common.
#[derive(Debug)]
pub(super) struct ForwardTemplate<'a> {
    request: &'a Request<'a>,
    edits: Vec<Edit<'a>>,
    /// The Route field that is left, if the request was routed.
    routes: Vec<u8>,
    /// The Max-Forwards line when the request had none (16.6 step 3).
    max_forwards_line: &'static str,
    /// Hash of the fields that stay the same in a loop (RFC 5393 4.2).
    loop_mark: u32,
}

/// What differs between the copies.
pub(super) struct Copy<'t> {
    /// The Request-URI.
    pub(super) uri: &'t str,
    /// The number in our branch parameter.
    pub(super) branch: u64,
    /// `host[:port]` that the target knows the switch by.
    pub(super) sent_by: &'t str,
    /// Whole Record-Route lines, or nothing.
    pub(super) record_route: &'t str,
    /// A whole Route line, or nothing.
    pub(super) route: &'t str,
}

impl<'a> ForwardTemplate<'a> {
    /// Takes the Route edits and adds those of the other headers. Refuses with 483 if Max-Forwards
    /// is 0, and with 482 if the request passed here before with the same fields.
    pub(super) fn of(
        request: &'a Request<'a>,
        route_set: &mut RouteSet<'a>,
        ids: &Ids,
        realm: &str,
    ) -> Result<ForwardTemplate<'a>, Refusal> {
        let message = request.message;
        let loop_mark = loop_mark(request, ids);
        let mut edits = std::mem::take(&mut route_set.edits).into_iter().peekable();
        let mut all = Vec::with_capacity(8);
        let mut max_forwards_line = "Max-Forwards: 70\r\n";
        let mut top = true;
        for header in message.headers() {
            match header.name {
                Name::Via => {
                    if top && let Cow::Owned(_) = request.via_field {
                        all.push(Edit::replace(message, header.raw, &*request.via_field));
                    }
                    top = false;
                    if has_looped(header.value, loop_mark) {
                        return Err(Refusal::new(482));
                    }
                }
                Name::Route => all.extend(edits.next_if(|edit| edit.is_of(message, header.raw))),
                Name::MaxForwards if max_forwards_line.is_empty() => {
                    return Err(Refusal::repeated("Max-Forwards"));
                }
                Name::MaxForwards => {
                    max_forwards_line = "";
                    let mut line = Vec::with_capacity(20);
                    line.extend_from_slice(b"Max-Forwards: ");
                    push_number(&mut line, hops_after(header.value)?);
                    line.extend_from_slice(b"\r\n");
                    all.push(Edit::replace(message, header.raw, line));
                }
                // The next peer could use credentials for our realm as its own, so they are
                // removed.
                Name::Authorization | Name::ProxyAuthorization if is_for(header.value, realm) => {
                    all.push(Edit::remove(message, header.raw));
                }
                name if is_asserted_identity(name) => {
                    all.push(Edit::remove(message, header.raw));
                }
                _ => {}
            }
        }
        Ok(ForwardTemplate {
            request,
            edits: all,
            routes: std::mem::take(&mut route_set.left),
            max_forwards_line,
            loop_mark,
        })
    }

    /// What `id` makes of the Call-ID and the sender's tag.
    pub(super) fn dialog(&self, id: impl FnOnce(&str, &str) -> u64) -> u64 {
        id(self.request.call_id, &self.request.from_tag)
    }

    pub(super) fn is_invite(&self) -> bool {
        self.request.method == "INVITE"
    }

    /// What a CANCEL or an ACK for this copy is made from.
    pub(super) fn invite_copy(&self, copy: &Copy<'_>) -> InviteCopy {
        let routes = [copy.route.as_bytes(), &self.routes];
        InviteCopy::new(self.request, copy.uri, &self.via_line(copy), routes)
    }

    /// Writes one copy, with our Via on top.
    pub(super) fn write(&self, copy: &Copy<'_>) -> Bytes {
        let via = self.via_line(copy);
        let inserted = [
            via.as_bytes(),
            copy.record_route.as_bytes(),
            copy.route.as_bytes(),
            self.max_forwards_line.as_bytes(),
        ];
        let method = self.request.method.as_bytes();
        let start_line = [method, b" ", copy.uri.as_bytes(), b" SIP/2.0"];
        spliced(self.request.message, &start_line, &inserted, &self.edits)
    }

    fn via_line(&self, copy: &Copy<'_>) -> String {
        let mut via = String::with_capacity(64 + copy.sent_by.len());
        for text in ["Via: SIP/2.0/TLS ", copy.sent_by, ";branch=z9hG4bK"] {
            via.push_str(text);
        }
        push_hex::<16>(&mut via, copy.branch);
        push_hex::<8>(&mut via, self.loop_mark.into());
        via.push_str("\r\n");
        via
    }
}

/// The branch number in the topmost Via of a response; `None` if the Via is not ours.
pub(super) fn our_branch(via: &Via<'_>) -> Option<u64> {
    let (number, _) = branch_parts(&via.branch()?)?;
    Some(number)
}

/// The Record-Route lines that route later requests of the dialog through here, the topmost first:
/// `hosts` are what the callee and the caller know the switch by, and get a line each if they differ
/// (RFC 5658). They are sips URIs if the request had one.
pub(super) fn record_route(
    tokens: &TokenKey,
    token: DialogToken,
    sips: bool,
    hosts: [&str; 2],
) -> String {
    let user = tokens.seal(token);
    let (scheme, params) = match sips {
        true => ("sips:", ";lr>\r\n"),
        false => ("sip:", ";transport=tls;lr>\r\n"),
    };
    let [first, second] = hosts;
    let mut lines = String::with_capacity(2 * (user.len() + first.len() + 48));
    let hosts = [Some(first), Some(second).filter(|_| second != first)];
    for host in hosts.into_iter().flatten() {
        for text in ["Record-Route: <", scheme, &user, "@", host, params] {
            lines.push_str(text);
        }
    }
    lines
}

/// Whether a request of this method creates a dialog whose later requests must pass here.
pub(super) fn forms_dialog(method: &str) -> bool {
    matches!(method, "INVITE" | "SUBSCRIBE" | "REFER" | "NOTIFY")
}

/// Headers in which a sender asserts an identity. Those from a peer outside the trust domain are
/// removed (RFC 3325 section 5).
pub(super) fn is_asserted_identity(name: Name) -> bool {
    matches!(
        name,
        Name::PAssertedIdentity | Name::PPreferredIdentity | Name::RemotePartyId
    )
}

/// The Max-Forwards for the next hop. Refuses with 483 if none is left, and with 400 what is no
/// number up to 255 (RFC 3261 20.22).
pub(super) fn hops_after(value: &[u8]) -> Result<u8, Refusal> {
    let hops = decimal(value).and_then(|hops| u8::try_from(hops).map_err(|_| Problem::Number));
    let hops = hops.map_err(|problem| Refusal::unreadable("Max-Forwards", problem))?;
    hops.checked_sub(1).ok_or_else(|| Refusal::new(483))
}

/// The number and the loop mark in a branch parameter made here.
fn branch_parts(branch: &str) -> Option<(u64, u32)> {
    let digits = branch.strip_prefix("z9hG4bK").filter(|d| d.len() == 24)?;
    let (number, mark) = digits.split_at_checked(16)?;
    Some((
        u64::from_str_radix(number, 16).ok()?,
        u32::from_str_radix(mark, 16).ok()?,
    ))
}

/// Whether one of the Vias was written here for the same request. A Via that cannot be read is not
/// ours.
fn has_looped(vias: &[u8], mark: u32) -> bool {
    let mut rest = Some(vias);
    while let Some(value) = rest {
        let Ok((via, others)) = Via::first(value) else {
            return false;
        };
        let branch = via.branch();
        if branch
            .and_then(|branch| branch_parts(&branch))
            .is_some_and(|(_, seen)| seen == mark)
        {
            return true;
        }
        rest = others;
    }
    false
}

/// The mark cannot be predicted, so no peer can have another's request taken for a loop.
fn loop_mark(request: &Request<'_>, ids: &Ids) -> u32 {
    let mut routes = request.message.all(Name::Route).map(|route| route.value);
    let first_route = routes.next();
    let other_routes: Vec<&[u8]> = routes.collect();
    let cseq = (request.cseq.number, request.cseq.method);
    let dialog = (&*request.from_tag, request.to_tag(), request.call_id, cseq);
    ids.short((request.uri, dialog, first_route, other_routes))
}

/// Whether these are digest credentials for this realm, or digest credentials that cannot be read and
/// so could be.
fn is_for(credentials: &[u8], realm: &str) -> bool {
    match Credentials::parse(credentials) {
        Ok(credentials) => credentials.get("realm").is_some_and(|named| named == realm),
        Err(_) => credentials
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Digest")),
    }
}
