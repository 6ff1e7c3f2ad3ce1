//! A received message, parsed without the switch: this part needs no lock, so no other session
//! waits for it.

use bytes::Bytes;

use super::effects::Source;
use super::head::{Head, unfolded};
use super::request::Request;
use super::responses::Response;
use super::status::Refusal;

/// A message, and where it came from.
pub struct Incoming<'a> {
    pub(super) source: Source,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    /// A request, and the refusal if no transaction can be made for it.
    Request(Request<'a>, Result<(), Refusal>),
    Response(Response<'a>),
    /// A message too broken to be answered.
    Unreadable,
}

impl Incoming<'_> {
    /// Parses one whole message whose first `head_len` octets are the head, and calls `then` with
    /// it.
    pub fn read<T>(
        source: Source,
        message: &Bytes,
        head_len: usize,
        then: impl FnOnce(Incoming<'_>) -> T,
    ) -> T {
        if let Some(head) = Head::split(message, head_len) {
            let content = Content::of(head, source);
            return then(Incoming { source, content });
        }
        let message = unfolded(message, head_len);
        let head = Head::split(&message, head_len);
        let content = head.map_or(Content::Unreadable, |head| Content::of(head, source));
        then(Incoming { source, content })
    }
}

impl<'a> Content<'a> {
    fn of(head: Head<'a>, source: Source) -> Content<'a> {
        let start = head.start.get(..4);
        let content = if start.is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
            Response::read(head).map(Content::Response)
        } else {
            Request::open(head, source.peer).map(|request| {
                let checked = request.check();
                Content::Request(request, checked)
            })
        };
        content.unwrap_or(Content::Unreadable)
    }
}
