//! The single pass over a message's head that finds where the message ends and where its header fields lie
//! (RFC 3261 §7, §18.3).

use super::header::{Name, Span};
use super::lex::{is_space, is_token_text, trim};
use super::limits::Limits;
use super::violation::{Defect, Violation};
use memchr::{memchr, memrchr};

/// Where a message's parts lie. `len + body` does not overflow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) start: StartLine,
    /// Bytes of the head, its empty line included.
    pub(super) len: usize,
    /// Where the empty line begins.
    pub(super) fields_end: usize,
    pub(super) body: usize,
    pub(super) has_length: bool,
    pub(super) defect: Option<Defect>,
}

impl Head {
    pub(super) fn total(&self) -> usize {
        self.len + self.body
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct StartLine {
    /// Without its line end.
    pub(super) len: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request {
        /// The length of the method.
        method: usize,
        /// Where the Request-URI begins and ends.
        uri: usize,
        uri_end: usize,
    },
    Response {
        /// `None` if it is not three digits.
        status: Option<u16>,
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
    headers: Vec<Span>,
    defect: Option<Defect>,
    /// Whether the last header field is a Content-Length that the next line may continue.
    open_length: bool,
    length: Option<usize>,
    has_type: bool,
    /// The line before ended with LF alone.
    after_bare_feed: bool,
    scanned: u64,
}

impl HeadScan {
    pub(super) fn has_begun(&self) -> bool {
        self.searched > 0
    }

    pub(super) fn scanned(&self) -> u64 {
        self.scanned
    }

    pub(super) fn into_headers(self) -> Vec<Span> {
        self.headers
    }

    /// Where the line under way begins: the place of a violation.
    pub(super) fn place(&self) -> usize {
        self.line
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
            let line = self.checked(&bytes[begin..end])?;

            if self.start.is_none() {
                self.start = Some(self.start_line(line)?);
            } else if matches!(line.first(), Some(b' ' | b'\t')) {
                if self.headers.is_empty() {
                    self.mark(Defect::HeaderLine);
                }
            } else {
                self.close_length(&bytes[..begin], limits)?;
                if line.is_empty() {
                    return self.finish(end + 1, limits).map(Some);
                }
                self.header(begin, line, limits)?;
            }
            self.line = end + 1;
            self.searched = end + 1;
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

    /// The line without its CR, once what it may not have is noted. Where readers could differ about the end of
    /// the head or about the Content-Length, there is no certain boundary, and that is a violation.
    fn checked<'a>(&mut self, line: &'a [u8]) -> Result<&'a [u8], Violation> {
        let after_bare_feed = self.after_bare_feed;
        let stripped = line.strip_suffix(b"\r");
        self.after_bare_feed = stripped.is_none();
        let line = match stripped {
            Some(line) => line,
            None => {
                self.mark(Defect::BareLineFeed);
                line
            }
        };
        let uncertain = after_bare_feed || self.after_bare_feed;
        if uncertain && (line.is_empty() || is_length(line)) {
            return Err(Violation::BareLineFeed);
        }
        let mut control = false;
        // No early exit: whole lines at a time are faster.
        for &byte in line {
            control |= (byte < b' ' && byte != b'\t') || byte == 0x7f;
        }
        if control {
            self.controls(line)?;
        }
        Ok(line)
    }

    /// A line with control characters: they may stand in quoted-pairs alone (RFC 3261 §25.1).
    fn controls(&mut self, line: &[u8]) -> Result<(), Violation> {
        if memchr(b'\r', line).is_some() {
            let mut parts = line.split(|byte| *byte == b'\r');
            let first = parts.next().unwrap_or_default();
            if first.is_empty() || parts.any(|part| part.is_empty() || is_length(part)) {
                return Err(Violation::ControlCharacter);
            }
            self.mark(Defect::ControlCharacter);
            return Ok(());
        }
        let (mut quoted, mut escaped) = (false, false);
        for &byte in line {
            let is_control = (byte < b' ' && byte != b'\t') || byte == 0x7f;
            if is_control && !escaped {
                self.mark(Defect::ControlCharacter);
                return Ok(());
            }
            if escaped {
                escaped = false;
            } else {
                escaped = quoted && byte == b'\\';
                quoted ^= byte == b'"';
            }
        }
        Ok(())
    }

    fn mark(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }

    fn header(&mut self, begin: usize, line: &[u8], limits: &Limits) -> Result<(), Violation> {
        if self.headers.len() == limits.header_count {
            let limit = limits.header_count;
            return Err(Violation::TooManyHeaders { limit });
        }
        // Names are short, so a loop is faster than a search.
        let colon = line.iter().position(|byte| *byte == b':');
        let text = line[..colon.unwrap_or(0)].trim_ascii_end();
        let name = Name::of_bytes(text);
        // A known name is a token.
        let is_name = name != Name::Other || is_token_text(text);
        let fits = u32::try_from(begin + line.len()).is_ok();
        let (Some(colon), true, true, Ok(name_len)) =
            (colon, is_name, fits, u16::try_from(text.len()))
        else {
            self.mark(Defect::HeaderLine);
            return Ok(());
        };
        match name {
            Name::ContentLength => self.open_length = true,
            Name::ContentType => self.has_type = true,
            _ => {}
        }
        if self.headers.capacity() == 0 {
            self.headers.reserve(16);
        }
        // It fits, as was seen above.
        self.headers.push(Span {
            begin: begin as u32,
            value: (begin + colon + 1) as u32,
            name_len,
            name,
        });
        Ok(())
    }

    /// The header before the line under way has ended, there where `bytes` end.
    fn close_length(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Violation> {
        if !std::mem::take(&mut self.open_length) {
            return Ok(());
        }
        let Some(span) = self.headers.last() else {
            return Ok(());
        };
        let value = &bytes[span.value as usize..];
        self.scanned += value.len() as u64;
        let claimed = digits(trim(value))?;
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

    fn finish(&mut self, len: usize, limits: &Limits) -> Result<Head, Violation> {
        let start = self.start.ok_or(Violation::StartLine)?;
        let body = match self.length {
            Some(body) => body,
            // Only a message with a type has a body (RFC 3261 §20.15).
            None if self.has_type => return Err(Violation::ContentLengthMissing),
            None => 0,
        };
        let total = len
            .checked_add(body)
            .ok_or(Violation::ContentLengthOverflow)?;
        if total > limits.total {
            let limit = limits.total;
            return Err(Violation::MessageTooLarge { limit });
        }
        let head = Head {
            start,
            len,
            fields_end: self.line,
            body,
            has_length: self.length.is_some(),
            defect: self.defect,
        };
        self.line = len;
        self.searched = len;
        Ok(head)
    }

    fn start_line(&mut self, line: &[u8]) -> Result<StartLine, Violation> {
        let space = memchr(b' ', line).ok_or(Violation::StartLine)?;
        let (word, rest) = (&line[..space], &line[space + 1..]);
        let kind = if is_version(word) {
            self.version(word);
            let status = status(rest)?;
            if status.is_none() {
                self.mark(Defect::StatusCode);
            }
            Kind::Response { status }
        } else {
            self.request(word, rest)?
        };
        Ok(StartLine {
            len: line.len(),
            kind,
        })
    }

    /// `Method SP Request-URI SP SIP-Version` (RFC 3261 §7.1). Other blanks are a defect: the last word is the
    /// version, and the URI is what stands between.
    fn request(&mut self, method: &[u8], rest: &[u8]) -> Result<Kind, Violation> {
        let is_method = is_token_text(method);
        let end = rest.trim_ascii_end();
        let space = memrchr(b' ', end).ok_or(Violation::StartLine)?;
        let (uri, version) = (&end[..space], &end[space + 1..]);
        if !is_method || !is_version(version) {
            return Err(Violation::StartLine);
        }
        self.version(version);
        let inner = trim(uri);
        let has_blank = inner.iter().any(|byte| is_space(*byte));
        if inner.is_empty() || has_blank || inner.len() < uri.len() || end.len() < rest.len() {
            self.mark(Defect::RequestLine);
        }
        let before = uri.iter().take_while(|byte| is_space(**byte)).count();
        let begin = method.len() + 1 + before.min(uri.len() - inner.len());
        Ok(Kind::Request {
            method: method.len(),
            uri: begin,
            uri_end: begin + inner.len(),
        })
    }

    fn version(&mut self, word: &[u8]) {
        if &word[4..] != b"2.0" {
            self.mark(Defect::Version);
        }
    }
}

/// `SIP/` and two numbers with a dot between them.
fn is_version(word: &[u8]) -> bool {
    let Some((protocol, version)) = word.split_at_checked(4) else {
        return false;
    };
    let Some(dot) = memchr(b'.', version) else {
        return false;
    };
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    protocol.eq_ignore_ascii_case(b"SIP/")
        && is_number(&version[..dot])
        && is_number(&version[dot + 1..])
}

/// The status, if it has the three digits that one has.
fn status(rest: &[u8]) -> Result<Option<u16>, Violation> {
    let end = rest.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, after) = rest.split_at(end.unwrap_or(rest.len()));
    // A reason phrase may be empty, and some senders leave out the blank before it as well.
    if digits.is_empty() || !matches!(after.first(), None | Some(b' ')) {
        return Err(Violation::StartLine);
    }
    let value = |digits: &[u8; 3]| {
        let digits = digits.iter().map(|digit| u16::from(digit - b'0'));
        digits.fold(0, |status, digit| status * 10 + digit)
    };
    Ok(digits.try_into().ok().map(value))
}

/// Whether some reader could take this for a Content-Length.
fn is_length(line: &[u8]) -> bool {
    let Some(colon) = memchr(b':', line) else {
        return false;
    };
    let name = trim(&line[..colon]);
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l")
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
