//! The head of a message as lines that borrow from its bytes, without copying.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memchr;

use super::header_name::HeaderName;
use super::value::cut;

/// One header line.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderLine<'a> {
    pub(super) name: HeaderName,
    /// The whole line with its CRLF.
    pub(super) raw: &'a str,
    /// What follows the colon, without white space at its ends.
    pub(super) value: &'a str,
}

/// The start line and header lines of a message.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) message: &'a Bytes,
    /// Without its CRLF.
    pub(super) start: &'a str,
    pub(super) lines: Vec<HeaderLine<'a>>,
    pub(super) body: &'a [u8],
}

impl<'a> Head<'a> {
    /// Splits a message whose head is `head_len` octets long. `None` if a header is folded over
    /// several lines (split the result of `unfolded` then), or if the head is not UTF-8 lines,
    /// which the framer rules out.
    pub(super) fn split(message: &'a Bytes, head_len: usize) -> Option<Head<'a>> {
        let (head, body) = message.split_at_checked(head_len)?;
        let text = std::str::from_utf8(head).ok()?;
        let (start, mut rest) = cut(text, b'\n')?;
        let start = start.strip_suffix('\r')?;
        let mut lines = Vec::with_capacity(16);
        while let Some(end) = memchr(b'\n', rest.as_bytes()) {
            let (raw, after) = rest.split_at(end + 1);
            if raw == "\r\n" {
                return Some(Head {
                    message,
                    start,
                    lines,
                    body,
                });
            }
            // Names are short, so a loop is faster than `memchr`.
            let colon = raw.bytes().position(|byte| byte == b':')?;
            let (name, value) = (&raw[..colon], &raw[colon + 1..]);
            if name.starts_with([' ', '\t']) {
                return None;
            }
            lines.push(HeaderLine {
                name: HeaderName::of(name.trim_ascii_end()),
                raw,
                value: value.trim_ascii(),
            });
            rest = after;
        }
        None
    }

    /// The values of all lines of that name, in order.
    pub(super) fn all(&self, name: HeaderName) -> impl Iterator<Item = &'a str> {
        self.lines
            .iter()
            .filter(move |line| line.name == name)
            .map(|line| line.value)
    }

    pub(super) fn first(&self, name: HeaderName) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The value of a header that may occur once only; `None` if it is missing or repeated.
    pub(super) fn only(&self, name: HeaderName) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// A copy of the request with another start line (method and Request-URI), with `inserted`
    /// lines before all others, and with some lines replaced: line number `replaced[i].0` becomes
    /// `replaced[i].1`. The rest is copied as it is.
    pub(super) fn spliced(
        &self,
        [method, uri]: [&str; 2],
        inserted: &[&str],
        replaced: &[(usize, Cow<'_, str>)],
    ) -> Bytes {
        const VERSION: &str = " SIP/2.0\r\n";
        let added = method.len() + uri.len() + VERSION.len() + 4;
        let added = inserted.iter().fold(added, |sum, text| sum + text.len());
        let added = replaced
            .iter()
            .fold(added, |sum, (_, text)| sum + text.len());
        let mut out = Vec::with_capacity(self.message.len() + added);
        for text in [method, " ", uri, VERSION] {
            out.extend_from_slice(text.as_bytes());
        }
        for line in inserted {
            out.extend_from_slice(line.as_bytes());
        }
        for (index, line) in self.lines.iter().enumerate() {
            let text = replaced
                .iter()
                .find(|(at, _)| *at == index)
                .map_or(line.raw, |(_, text)| text.as_ref());
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.body);
        Bytes::from(out)
    }
}

/// A copy of the message with every header on one line (RFC 3261 7.3.1). Line ends within a header
/// become spaces, so the length stays the same.
pub(super) fn unfolded(message: &Bytes, head_len: usize) -> Bytes {
    let mut copy = BytesMut::from(&message[..]);
    for at in 2..head_len.min(copy.len()) {
        if matches!(copy[at], b' ' | b'\t') && copy[at - 2..at] == *b"\r\n" {
            copy[at - 2..at].copy_from_slice(b"  ");
        }
    }
    copy.freeze()
}
