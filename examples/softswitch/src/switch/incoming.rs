//! A received message, read without the switch: this part needs no lock, so no other session waits
//! for it.

use sipward::sip::{Message, Name, NameAddr, Uri};

use super::effects::Source;
use super::event::DropReason;
use super::request::Request;
use super::responses::Response;
use super::status::Refusal;

/// A message that has been read, and where it came from.
pub struct Incoming<'a> {
    pub(super) source: Source,
    pub(super) content: Content<'a>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all messages are requests, and a message is handled where it was read"
)]
pub(super) enum Content<'a> {
    Request(Request<'a>),
    /// A request that has to be refused, because it cannot be read.
    Refused(&'a Message, Refusal),
    Response(Response<'a>),
    /// A message that gets no answer.
    Dropped(DropReason),
}

impl<'a> Incoming<'a> {
    pub fn read(source: Source, message: &'a Message) -> Incoming<'a> {
        let content = match message.method() {
            None => match Response::read(message) {
                Some(response) => Content::Response(response),
                None => Content::Dropped(DropReason::UnreadableResponse),
            },
            Some(method) => match Request::read(message, source.peer) {
                Ok(request) => Content::Request(request),
                Err(_) if method == "ACK" => Content::Dropped(DropReason::UnreadableAck),
                Err(refusal) => Content::Refused(message, refusal),
            },
        };
        Incoming { source, content }
    }
}

/// The user part of From for reports, as far as it can be read.
pub(super) fn user_of(message: &Message) -> String {
    let from = message.header(Name::From);
    let from = from.and_then(|from| NameAddr::parse(from.value).ok());
    let uri = from.and_then(|from| Uri::parse(from.uri).ok());
    let user = uri.as_ref().and_then(Uri::sip).and_then(|uri| uri.user());
    user.unwrap_or_default().into_owned()
}
