//! A request with the header fields that all requests must have (RFC 3261 8.2, 16.3 step 1,
//! 18.2.1).

use std::borrow::Cow;
use std::net::SocketAddr;

use super::head::Head;
use super::header_name::HeaderName;
use super::status::Refusal;
use super::text::{push_ip, push_number};
use super::uri::Uri;
use super::value::{self, Address, TopVia, cut, separated, value_of};

/// A request that is complete enough to be answered.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) head: Head<'a>,
    pub(super) method: &'a str,
    /// The Request-URI as it was sent.
    pub(super) uri: &'a str,
    pub(super) via: TopVia<'a>,
    /// The first Via line with `received` and `rport` filled in (RFC 3261 18.2.1, RFC 3581 4).
    pub(super) via_line: Cow<'a, str>,
    pub(super) from: Address<'a>,
    pub(super) to: Address<'a>,
    pub(super) call_id: &'a str,
    pub(super) cseq: &'a str,
}

impl<'a> Request<'a> {
    /// `None` if no response could be made: Via, From, To, Call-ID or CSeq is missing, repeated or
    /// unreadable.
    pub(super) fn open(head: Head<'a>, peer: SocketAddr) -> Option<Request<'a>> {
        let (method, rest) = cut(head.start, b' ')?;
        let uri = cut(rest, b' ').map_or(rest, |(uri, _)| uri);
        let top = head
            .lines
            .iter()
            .find(|line| line.name == HeaderName::Via)?;
        let via = TopVia::parse(top.value)?;
        Some(Request {
            method,
            uri,
            via_line: with_source(&via, top.raw, peer),
            via,
            from: Address::split(head.only(HeaderName::From)?)?,
            to: Address::split(head.only(HeaderName::To)?)?,
            call_id: head.only(HeaderName::CallId)?,
            cseq: head.only(HeaderName::CSeq)?,
            head,
        })
    }

    /// Bytes of start line and headers.
    pub(super) fn head_len(&self) -> usize {
        self.head.message.len() - self.head.body.len()
    }

    /// Refuses with 400 a request for which no transaction can be made.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let method = self.cseq.trim_start_matches(|c: char| c.is_ascii_digit());
        self.sequence()?;
        if method.trim_start() != self.method {
            return Err(Refusal::because(400, "CSeq Method Mismatch"));
        }
        let branch = self.via.branch().unwrap_or("");
        if branch.len() <= 7
            || !branch.is_char_boundary(7)
            || !branch[..7].eq_ignore_ascii_case("z9hG4bK")
        {
            return Err(Refusal::because(400, "Via Branch Without Magic Cookie"));
        }
        // Two parsers could read two addresses from it. We would check one, and the callee's phone
        // could show the other.
        let from = self.head.only(HeaderName::From).unwrap_or_default();
        if value::scheme(from).is_some() && from.contains('<') {
            return Err(Refusal::because(400, "Ambiguous From"));
        }
        if self.from.tag().is_none_or(str::is_empty) {
            return Err(Refusal::because(400, "Missing From Tag"));
        }
        Ok(())
    }

    /// The number in CSeq.
    pub(super) fn sequence(&self) -> Result<u32, Refusal> {
        self.cseq
            .split([' ', '\t'])
            .next()
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| Refusal::because(400, "Bad CSeq"))
    }

    /// Whether the Request-URI is sips; refuses with 416 if it is neither sip nor sips.
    pub(super) fn is_sips(&self) -> Result<bool, Refusal> {
        value::scheme(self.uri).ok_or_else(|| Refusal::new(416))
    }

    /// The Request-URI, parsed.
    pub(super) fn target(&self) -> Result<Uri<'a>, Refusal> {
        self.is_sips()?;
        self.parsed(self.uri, "Bad Request-URI")
    }

    pub(super) fn sender(&self) -> Result<Uri<'a>, Refusal> {
        self.parsed(self.from.uri, "Bad From")
    }

    pub(super) fn to_uri(&self) -> Result<Uri<'a>, Refusal> {
        self.parsed(self.to.uri, "Bad To")
    }

    fn parsed(&self, text: &'a str, reason: &'static str) -> Result<Uri<'a>, Refusal> {
        Uri::parse(text).ok_or_else(|| Refusal::because(400, reason))
    }

    /// The From tag; not empty after `check`.
    pub(super) fn sender_tag(&self) -> &'a str {
        self.from.tag().unwrap_or("")
    }

    /// Whether it claims to be within a dialog.
    pub(super) fn has_to_tag(&self) -> bool {
        self.to.tag().is_some()
    }
}

/// The topmost Via line with the address that the request really came from.
fn with_source<'a>(via: &TopVia<'a>, raw: &'a str, peer: SocketAddr) -> Cow<'a, str> {
    let ip = peer.ip().to_canonical();
    let mut stays = via.ip() == Some(ip);
    let mut line = String::with_capacity(raw.len() + 64);
    line.push_str("Via: ");
    line.push_str(via.text[..via.text.len() - via.params.len()].trim_ascii_end());
    for piece in separated(via.params, b';') {
        // A `received` from the sender is removed, because it could be false.
        if value_of(piece, "received").is_some() {
            stays = false;
            continue;
        }
        line.push(';');
        line.push_str(piece);
        if piece.eq_ignore_ascii_case("rport") {
            stays = false;
            line.push('=');
            push_number(&mut line, peer.port());
        }
    }
    if stays {
        return Cow::Borrowed(raw);
    }
    line.push_str(";received=");
    push_ip(&mut line, ip);
    line.push_str(via.others);
    line.push_str("\r\n");
    Cow::Owned(line)
}
