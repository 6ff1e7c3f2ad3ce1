//! Writes the copies of a request that are forwarded (RFC 3261 16.6). All that a proxy need not
//! change is copied as it is.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use super::domains::Domains;
use super::flow_token::{FlowToken, TokenKey};
use super::header_name::HeaderName;
use super::request::Request;
use super::status::Refusal;
use super::text::push_hex;
use super::value::{TopVia, items, param};

/// The changes that all copies of one request have in common.
#[derive(Debug)]
pub(super) struct ForwardTemplate<'a> {
    request: &'a Request<'a>,
    edits: Vec<(usize, Cow<'a, str>)>,
    /// The Max-Forwards line when the request had none (16.6 step 3).
    max_forwards_line: &'static str,
    /// Hash of the fields that stay the same in a loop (RFC 5393 4.2).
    loop_mark: u32,
}

impl<'a> ForwardTemplate<'a> {
    /// Takes the Route edits and adds those of the other headers. Refuses with 483 if Max-Forwards
    /// is 0, and with 482 if the request passed here before with the same fields.
    pub(super) fn of(
        request: &'a Request<'a>,
        mut edits: Vec<(usize, Cow<'a, str>)>,
        domains: &Domains,
        realm: &str,
    ) -> Result<ForwardTemplate<'a>, Refusal> {
        let loop_mark = loop_mark(request);
        let mut max_forwards_line = "Max-Forwards: 70\r\n";
        let mut top = true;
        for (index, line) in request.head.lines.iter().enumerate() {
            match line.name {
                HeaderName::Via => {
                    if top && let Cow::Owned(with_source) = &request.via_line {
                        edits.push((index, Cow::Borrowed(with_source)));
                    }
                    top = false;
                    if has_looped(line.value, loop_mark, &domains.advertise) {
                        return Err(Refusal::new(482));
                    }
                }
                HeaderName::MaxForwards => {
                    max_forwards_line = "";
                    let left = hops_after(line.value)?;
                    edits.push((index, Cow::Owned(format!("Max-Forwards: {left}\r\n"))));
                }
                // The next peer could use credentials for our realm as its own, so they are
                // removed.
                HeaderName::Authorization | HeaderName::ProxyAuthorization
                    if is_for(line.value, realm) =>
                {
                    edits.push((index, Cow::Borrowed("")));
                }
                // Identity headers from a peer outside the trust domain are removed (RFC 3325
                // section 5).
                HeaderName::Asserted => edits.push((index, Cow::Borrowed(""))),
                _ => {}
            }
        }
        Ok(ForwardTemplate {
            request,
            edits,
            max_forwards_line,
            loop_mark,
        })
    }

    pub(super) fn sender_tag(&self) -> &'a str {
        self.request.sender_tag()
    }

    pub(super) fn is_invite(&self) -> bool {
        self.request.method == "INVITE"
    }

    /// The head of a written copy, in memory of its own so that the body can be freed.
    pub(super) fn head_of(&self, copy: &Bytes) -> Bytes {
        let end = copy.len() - self.request.head.body.len();
        Bytes::copy_from_slice(&copy[..end])
    }

    /// Writes the copy for one target, with our Via on top and the given Record-Route line, which
    /// may be empty.
    pub(super) fn write(
        &self,
        uri: &str,
        branch: u64,
        record_route: &str,
        domains: &Domains,
    ) -> Bytes {
        let mut via = String::with_capacity(64 + domains.advertise.len());
        for text in ["Via: SIP/2.0/TLS ", &domains.advertise, ";branch=z9hG4bK"] {
            via.push_str(text);
        }
        push_hex::<16>(&mut via, branch);
        push_hex::<8>(&mut via, self.loop_mark.into());
        via.push_str("\r\n");
        self.request.head.spliced(
            [self.request.method, uri],
            &[&via, record_route, self.max_forwards_line],
            &self.edits,
        )
    }
}

/// The branch number in the topmost Via of a response; `None` if the Via is not ours.
pub(super) fn our_branch(via: &TopVia<'_>) -> Option<u64> {
    let (number, _) = branch_parts(via.branch()?)?;
    Some(number)
}

/// The Record-Route line that routes later requests of the dialog through here. It is a sips URI if
/// the request had one.
pub(super) fn record_route(
    tokens: &TokenKey,
    token: FlowToken,
    sips: bool,
    domains: &Domains,
) -> String {
    let user = tokens.seal(token);
    let (scheme, params) = match sips {
        true => ("sips:", ";lr>\r\n"),
        false => ("sip:", ";transport=tls;lr>\r\n"),
    };
    [
        "Record-Route: <",
        scheme,
        &user,
        "@",
        &domains.advertise,
        params,
    ]
    .concat()
}

/// Whether a request of this method creates a dialog whose later requests must pass here.
pub(super) fn forms_dialog(method: &str) -> bool {
    matches!(method, "INVITE" | "SUBSCRIBE" | "REFER" | "NOTIFY")
}

/// The Max-Forwards for the next hop. Refuses with 483 if none is left, and with 400 what is not a
/// number.
pub(super) fn hops_after(value: &str) -> Result<u8, Refusal> {
    let hops: u8 = value
        .parse()
        .map_err(|_| Refusal::because(400, "Bad Max-Forwards"))?;
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

fn has_looped(vias: &str, mark: u32, advertise: &str) -> bool {
    items(vias).any(|via| {
        let parts = param(via, "branch").and_then(branch_parts);
        parts.is_some_and(|(_, seen)| seen == mark) && via.contains(advertise)
    })
}

fn loop_mark(request: &Request<'_>) -> u32 {
    let mut hasher = DefaultHasher::new();
    request.uri.hash(&mut hasher);
    request.sender_tag().hash(&mut hasher);
    request.to.tag().hash(&mut hasher);
    request.call_id.hash(&mut hasher);
    request.cseq.hash(&mut hasher);
    for route in request.head.all(HeaderName::Route) {
        route.hash(&mut hasher);
    }
    (hasher.finish() >> 32) as u32
}

fn is_for(credentials: &str, realm: &str) -> bool {
    let (_, params) = credentials
        .split_once([' ', '\t'])
        .unwrap_or((credentials, ""));
    items(params).any(|item| param(item, "realm").is_some_and(|named| named == realm))
}
