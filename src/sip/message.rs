//! One whole message, and the single pass over its head that finds where it ends (RFC 3261 7,
//! 18.3).

use super::{Limits, Violation};
use bytes::Bytes;
use memchr::memchr;
use std::fmt;

/// One whole SIP message, as it was on the wire. Its head is known to be UTF-8 in CRLF lines
/// without control characters, its start line and the names of its headers to be well-formed, its
/// Content-Length to be its body's length; header values are not looked at.
///
/// Clones share the bytes. They may be part of a larger read buffer, which lives as long as any
/// message in it: whoever keeps a message for long does well to copy it.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    head: Head,
}

impl Message {
    /// A message that already lies in one piece. Checked as on a stream, but without [`Limits`].
    ///
    /// # Errors
    /// What is wrong with it; [`Violation::NotOneMessage`] if it ends early or is followed by
    /// anything.
    pub fn parse(bytes: Bytes) -> Result<Self, Violation> {
        let head = HeadScan::default()
            .advance(&bytes, &Limits::NONE)?
            .ok_or(Violation::NotOneMessage)?;
        if head.total() != bytes.len() {
            return Err(Violation::NotOneMessage);
        }
        Ok(Self { bytes, head })
    }

    /// `bytes` are the `head.total()` bytes in which `head` was found.
    pub(super) fn new(bytes: Bytes, head: Head) -> Self {
        Self { bytes, head }
    }

    /// The whole message.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The whole message, without touching the share count.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Start line and headers, up to and with the empty line. UTF-8.
    pub fn head(&self) -> &[u8] {
        &self.bytes[..self.head.len]
    }

    /// The body, of as many bytes as Content-Length says; shares the message's memory.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(self.head.len..)
    }

    /// The request line or status line, without its CRLF.
    pub fn start_line(&self) -> &str {
        self.text(self.head.start.len)
    }

    /// True for a request, false for a response.
    pub fn is_request(&self) -> bool {
        matches!(self.head.start.kind, Kind::Request { .. })
    }

    /// The request's method, in the case it was sent in; `None` for a response.
    pub fn method(&self) -> Option<&str> {
        match self.head.start.kind {
            Kind::Request { method } => Some(self.text(method)),
            Kind::Response { .. } => None,
        }
    }

    /// The response's status, any three digits; `None` for a request.
    pub fn status(&self) -> Option<u16> {
        match self.head.start.kind {
            Kind::Request { .. } => None,
            Kind::Response { status } => Some(status),
        }
    }

    /// The first `len` bytes, which end where a token or line ends: the head has been found to be
    /// UTF-8, so the empty default never shows.
    fn text(&self, len: usize) -> &str {
        str::from_utf8(&self.bytes[..len]).unwrap_or_default()
    }
}

/// Method or status and lengths only: headers and bodies carry credentials and keys.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = f.debug_struct("Message");
        match self.head.start.kind {
            Kind::Request { .. } => message.field("method", &self.method().unwrap_or_default()),
            Kind::Response { status } => message.field("status", &status),
        };
        message
            .field("head", &self.head.len)
            .field("body", &self.head.body)
            .finish()
    }
}

/// Where a message's parts lie. `len + body` does not overflow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    start: StartLine,
    len: usize,
    body: usize,
}

impl Head {
    pub(super) fn total(&self) -> usize {
        self.len + self.body
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct StartLine {
    len: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// With the length of the method.
    Request {
        method: usize,
    },
    Response {
        status: u16,
    },
}

/// How far one message's head has been read. Goes on where it stopped, given the same bytes and
/// more.
#[derive(Default)]
pub(super) struct HeadScan {
    /// Where the line under way begins.
    line: usize,
    /// No line end lies between `line` and here. Never beyond the ceiling, nor beyond the bytes
    /// last given.
    searched: usize,
    start: Option<StartLine>,
    headers: usize,
    /// Where the value begins of a Content-Length that the next line may continue.
    open_length: Option<usize>,
    length: Option<usize>,
    scanned: u64,
}

impl HeadScan {
    pub(super) fn has_begun(&self) -> bool {
        self.searched > 0
    }

    pub(super) fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Reads on in `bytes`, which begin with the message; `None` if the head does not end there.
    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Head>, Violation> {
        loop {
            let (ceiling, too_long) = self.ceiling(limits);
            let window = bytes.len().min(ceiling);
            let Some(found) = memchr(b'\n', &bytes[self.searched..window]) else {
                self.scanned += (window - self.searched) as u64;
                self.searched = window;
                return if window == ceiling {
                    Err(too_long)
                } else {
                    Ok(None)
                };
            };
            let begin = self.line;
            let end = self.searched + found;
            self.scanned += (found + 1 + end - begin) as u64;
            self.line = end + 1;
            self.searched = end + 1;
            let line = checked_text(&bytes[begin..end])?;

            if self.start.is_none() {
                self.start = Some(StartLine::parse(line)?);
            } else if matches!(line.first(), Some(b' ' | b'\t')) {
                if self.headers == 0 {
                    return Err(Violation::HeaderLine);
                }
            } else {
                self.close_length(&bytes[..begin], limits)?;
                if line.is_empty() {
                    return self.finish(limits).map(Some);
                }
                self.header(begin, line, limits)?;
            }
        }
    }

    /// The byte that the line under way must not reach without ending, and what it is if it does.
    fn ceiling(&self, limits: &Limits) -> (usize, Violation) {
        let head = if limits.total < limits.headers {
            let limit = limits.total;
            (limit, Violation::MessageTooLarge { limit })
        } else {
            let limit = limits.headers;
            (limit, Violation::HeadersTooLarge { limit })
        };
        let limit = limits.start_line;
        if self.start.is_none() && limit <= head.0 {
            return (limit, Violation::StartLineTooLong { limit });
        }
        head
    }

    fn header(&mut self, begin: usize, line: &[u8], limits: &Limits) -> Result<(), Violation> {
        self.headers += 1;
        if self.headers > limits.header_count {
            let limit = limits.header_count;
            return Err(Violation::TooManyHeaders { limit });
        }
        let colon = memchr(b':', line).ok_or(Violation::HeaderLine)?;
        let name = line[..colon].trim_ascii_end();
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return Err(Violation::HeaderLine);
        }
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            self.open_length = Some(begin + colon + 1);
        }
        Ok(())
    }

    /// The header before the line under way has ended, there where `bytes` end.
    fn close_length(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Violation> {
        let Some(value) = self.open_length.take() else {
            return Ok(());
        };
        let value = &bytes[value..];
        self.scanned += value.len() as u64;
        let claimed = digits(value.trim_ascii())?;
        if self.length.is_some_and(|length| length != claimed) {
            return Err(Violation::ContentLengthConflict);
        }
        if claimed > limits.body {
            let limit = limits.body;
            return Err(Violation::BodyTooLarge { limit, claimed });
        }
        self.length = Some(claimed);
        Ok(())
    }

    fn finish(&self, limits: &Limits) -> Result<Head, Violation> {
        let start = self.start.ok_or(Violation::StartLine)?;
        let len = self.line;
        let body = self.length.ok_or(Violation::ContentLengthMissing)?;
        let total = len
            .checked_add(body)
            .ok_or(Violation::ContentLengthOverflow)?;
        if total > limits.total {
            let limit = limits.total;
            return Err(Violation::MessageTooLarge { limit });
        }
        Ok(Head { start, len, body })
    }
}

impl StartLine {
    fn parse(line: &[u8]) -> Result<Self, Violation> {
        let space = memchr(b' ', line).ok_or(Violation::StartLine)?;
        let (word, rest) = (&line[..space], &line[space + 1..]);
        let kind = if memchr(b'/', word).is_some() {
            check_version(word)?;
            status(rest)?
        } else {
            check_request(word, rest)?;
            Kind::Request { method: space }
        };
        Ok(Self {
            len: line.len(),
            kind,
        })
    }
}

fn check_request(method: &[u8], rest: &[u8]) -> Result<(), Violation> {
    let space = memchr(b' ', rest).ok_or(Violation::StartLine)?;
    let (uri, version) = (&rest[..space], &rest[space + 1..]);
    let is_method = !method.is_empty() && method.iter().all(|&byte| is_token(byte));
    if !is_method || uri.is_empty() || memchr(b'\t', uri).is_some() {
        return Err(Violation::StartLine);
    }
    check_version(version)
}

fn status(rest: &[u8]) -> Result<Kind, Violation> {
    let &[a, b, c, b' ', ..] = rest else {
        return Err(Violation::StartLine);
    };
    if ![a, b, c].iter().all(u8::is_ascii_digit) {
        return Err(Violation::StartLine);
    }
    let status = [a, b, c]
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    Ok(Kind::Response { status })
}

fn check_version(word: &[u8]) -> Result<(), Violation> {
    let (protocol, version) = word.split_at_checked(4).ok_or(Violation::StartLine)?;
    if !protocol.eq_ignore_ascii_case(b"SIP/") {
        return Err(Violation::StartLine);
    }
    if version == b"2.0" {
        return Ok(());
    }
    let dot = memchr(b'.', version).ok_or(Violation::StartLine)?;
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if is_number(&version[..dot]) && is_number(&version[dot + 1..]) {
        return Err(Violation::Version);
    }
    Err(Violation::StartLine)
}

/// The line without its CR, once it is known to be text.
fn checked_text(line: &[u8]) -> Result<&[u8], Violation> {
    let line = line.strip_suffix(b"\r").ok_or(Violation::BareLineFeed)?;
    let mut control = false;
    let mut union = 0;
    // No early exit: whole lines at a time are faster.
    for &byte in line {
        control |= (byte < b' ' && byte != b'\t') || byte == 0x7f;
        union |= byte;
    }
    if control {
        return Err(Violation::ControlCharacter);
    }
    if !union.is_ascii() && str::from_utf8(line).is_err() {
        return Err(Violation::NotUtf8);
    }
    Ok(line)
}

fn digits(value: &[u8]) -> Result<usize, Violation> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Violation::ContentLengthInvalid);
    }
    value.iter().try_fold(0usize, |number, digit| {
        number
            .checked_mul(10)
            .and_then(|number| number.checked_add(usize::from(digit - b'0')))
            .ok_or(Violation::ContentLengthOverflow)
    })
}

/// True for the characters of a token (RFC 3261 25.1): methods and header names.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-.!%*_+`'~";
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};
