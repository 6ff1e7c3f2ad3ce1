//! Responses the switch makes itself (RFC 3261 8.2.6).

use bytes::Bytes;
use sipward::sip::Name;

use super::request::Request;
use super::status::reason;
use super::text::{Output, push_hex, push_number};

/// A size in bytes that few responses exceed, not counting their added headers and phrase.
const USUAL_LEN: usize = 512;

const END_OF_HEAD: &str = "Content-Length: 0\r\n\r\n";

/// A response without body, for a request that gets one response only. `headers` are whole lines;
/// `tag` is added to To if the request has no To tag.
pub(super) fn response(
    request: &Request<'_>,
    status: u16,
    phrase: &str,
    tag: u64,
    headers: &str,
) -> Bytes {
    let mut out = started(USUAL_LEN + phrase.len() + headers.len(), status, phrase);
    copy_fields(request, Some(tag), &mut out);
    out.put(headers);
    out.put(END_OF_HEAD);
    Bytes::from(out)
}

/// The fields that all responses to one request have in common: Via, From, To, Call-ID and CSeq.
#[derive(Debug)]
pub(super) struct ResponseTemplate {
    fields: Vec<u8>,
    /// Where the value of To ends in `fields`, if the request has no To tag.
    tag_at: Option<usize>,
}

impl ResponseTemplate {
    pub(super) fn to(request: &Request<'_>) -> ResponseTemplate {
        let mut fields = Vec::with_capacity(USUAL_LEN);
        let tag_at = copy_fields(request, None, &mut fields);
        ResponseTemplate { fields, tag_at }
    }

    /// A response with the usual phrase and no further headers. `tag` is added to To if the request
    /// has no To tag and this is not a 100.
    pub(super) fn bare(&self, status: u16, tag: u64) -> Bytes {
        let phrase = reason(status);
        let mut out = started(64 + phrase.len() + self.fields.len(), status, phrase);
        match self.tag_at {
            Some(at) if status > 100 => {
                out.extend_from_slice(&self.fields[..at]);
                push_tag(&mut out, tag);
                out.extend_from_slice(&self.fields[at..]);
            }
            _ => out.extend_from_slice(&self.fields),
        }
        out.put(END_OF_HEAD);
        Bytes::from(out)
    }
}

fn started(size: usize, status: u16, phrase: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(size);
    out.put("SIP/2.0 ");
    push_number(&mut out, status);
    for text in [" ", phrase, "\r\n"] {
        out.put(text);
    }
    out
}

fn push_tag(out: &mut Vec<u8>, tag: u64) {
    out.put(";tag=");
    push_hex::<16>(out, tag);
}

/// Copies the fields that a response repeats, and adds `tag` to a To without one. Returns where the
/// value of To ends if it is left without a tag.
fn copy_fields(request: &Request<'_>, tag: Option<u64>, out: &mut Vec<u8>) -> Option<usize> {
    let mut tag_at = None;
    let mut top = true;
    for header in request.message.headers() {
        match header.name {
            Name::Via if top => {
                out.extend_from_slice(&request.via_field);
                top = false;
            }
            Name::Via | Name::From | Name::CallId | Name::CSeq => {
                out.extend_from_slice(header.raw);
            }
            Name::To => {
                out.extend_from_slice(header.raw.trim_ascii_end());
                match tag {
                    _ if request.has_to_tag() => {}
                    Some(tag) => push_tag(out, tag),
                    None => tag_at = Some(out.len()),
                }
                out.put("\r\n");
            }
            _ => {}
        }
    }
    tag_at
}
