//! Responses the switch makes itself (RFC 3261 8.2.6).

use std::io::Write;

use bytes::Bytes;

use super::name::Name;
use super::request::Request;
use super::status::reason;

/// What every response to one request has in common: its Via, From, To, Call-ID and CSeq lines.
#[derive(Debug)]
pub(super) struct Answer {
    lines: Vec<u8>,
    /// Where the value of To ends, when the request had no To tag.
    tag_at: Option<usize>,
}

impl Answer {
    pub(super) fn to(request: &Request<'_>) -> Answer {
        let mut lines = Vec::with_capacity(512);
        let mut tag_at = None;
        let mut top = true;
        for line in &request.head.lines {
            match line.name {
                Name::Via if top => {
                    lines.extend_from_slice(request.via_line.as_bytes());
                    top = false;
                }
                Name::Via | Name::From | Name::CallId | Name::CSeq => {
                    lines.extend_from_slice(line.raw.as_bytes());
                }
                Name::To => {
                    lines.extend_from_slice(line.raw.trim_end().as_bytes());
                    tag_at = request.to.tag().is_none().then_some(lines.len());
                    lines.extend_from_slice(b"\r\n");
                }
                _ => {}
            }
        }
        Answer { lines, tag_at }
    }

    /// A response without body. `headers` are whole lines; `tag` goes into To when the request had
    /// none there.
    pub(super) fn with(&self, status: u16, phrase: &str, tag: u64, headers: &str) -> Bytes {
        const END: &str = "Content-Length: 0\r\n\r\n";
        let size = 64 + phrase.len() + self.lines.len() + headers.len() + END.len();
        let mut out = Vec::with_capacity(size);
        // Writing to a Vec cannot fail.
        let _ = write!(out, "SIP/2.0 {status} {phrase}\r\n");
        match self.tag_at {
            Some(at) if status > 100 => {
                out.extend_from_slice(&self.lines[..at]);
                let _ = write!(out, ";tag={tag:016x}");
                out.extend_from_slice(&self.lines[at..]);
            }
            _ => out.extend_from_slice(&self.lines),
        }
        out.extend_from_slice(headers.as_bytes());
        out.extend_from_slice(END.as_bytes());
        Bytes::from(out)
    }

    /// A response with the usual phrase and nothing more.
    pub(super) fn bare(&self, status: u16, tag: u64) -> Bytes {
        self.with(status, reason(status), tag, "")
    }
}
