//! Responses the switch makes itself (RFC 3261 8.2.6).

use bytes::Bytes;

use super::header_name::HeaderName;
use super::request::Request;
use super::status::reason;
use super::text::{push_hex, push_number};

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
    copy_lines(request, Some(tag), &mut out);
    out.push_str(headers);
    out.push_str(END_OF_HEAD);
    Bytes::from(out)
}

/// The lines that all responses to one request have in common: Via, From, To, Call-ID and CSeq.
#[derive(Debug)]
pub(super) struct ResponseTemplate {
    lines: String,
    /// Where the value of To ends in `lines`, if the request has no To tag.
    tag_at: Option<usize>,
}

impl ResponseTemplate {
    pub(super) fn to(request: &Request<'_>) -> ResponseTemplate {
        let mut lines = String::with_capacity(USUAL_LEN);
        let tag_at = copy_lines(request, None, &mut lines);
        ResponseTemplate { lines, tag_at }
    }

    /// A response with the usual phrase and no further headers. `tag` is added to To if the request
    /// has no To tag and this is not a 100.
    pub(super) fn bare(&self, status: u16, tag: u64) -> Bytes {
        let phrase = reason(status);
        let mut out = started(64 + phrase.len() + self.lines.len(), status, phrase);
        match self.tag_at {
            Some(at) if status > 100 => {
                out.push_str(&self.lines[..at]);
                push_tag(&mut out, tag);
                out.push_str(&self.lines[at..]);
            }
            _ => out.push_str(&self.lines),
        }
        out.push_str(END_OF_HEAD);
        Bytes::from(out)
    }
}

fn started(size: usize, status: u16, phrase: &str) -> String {
    let mut out = String::with_capacity(size);
    out.push_str("SIP/2.0 ");
    push_number(&mut out, status);
    for text in [" ", phrase, "\r\n"] {
        out.push_str(text);
    }
    out
}

fn push_tag(out: &mut String, tag: u64) {
    out.push_str(";tag=");
    push_hex::<16>(out, tag);
}

/// Copies the lines that a response repeats, and adds `tag` to a To without one. Returns where the
/// value of To ends if it is left without a tag.
fn copy_lines(request: &Request<'_>, tag: Option<u64>, out: &mut String) -> Option<usize> {
    let mut tag_at = None;
    let mut top = true;
    for line in &request.head.lines {
        match line.name {
            HeaderName::Via if top => {
                out.push_str(&request.via_line);
                top = false;
            }
            HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                out.push_str(line.raw)
            }
            HeaderName::To => {
                out.push_str(line.raw.trim_ascii_end());
                match tag {
                    _ if request.has_to_tag() => {}
                    Some(tag) => push_tag(out, tag),
                    None => tag_at = Some(out.len()),
                }
                out.push_str("\r\n");
            }
            _ => {}
        }
    }
    tag_at
}
