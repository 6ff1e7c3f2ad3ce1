//! Pieces of header values: list items, addresses, parameters, and the topmost Via.
//!
//! Quoted strings are respected with their escapes and parameter names are compared without regard
//! to case, as RFC 3261 7.3.1 wants; the URIs and hosts inside are parsed by `ezk-sip-types`.

use bytes::Bytes;
use ezk_sip_types::host::HostPort;
use ezk_sip_types::parse::Parse;
use ezk_sip_types::uri::{SipUri, SipUriUserPart};
use memchr::{memchr, memchr3};

/// What stands before and after the first such byte, which is ASCII.
pub(super) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = memchr(at, text.as_bytes())?;
    Some((&text[..place], &text[place + 1..]))
}

/// The items of a comma-separated value; commas in quotes and in angle brackets do not count.
pub(super) fn items(value: &str) -> impl Iterator<Item = &str> {
    separated(value, b',')
}

/// The value of a parameter in `;name=value;...`, without quotes; empty when it has none.
pub(super) fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    separated(params, b';').find_map(|piece| {
        let (key, value) = cut(piece, b'=').unwrap_or((piece, ""));
        let value = value.trim_ascii();
        key.trim_ascii().eq_ignore_ascii_case(name).then(|| {
            value
                .strip_prefix('"')
                .and_then(|inner| inner.strip_suffix('"'))
                .unwrap_or(value)
        })
    })
}

/// Non-empty pieces between separators, trimmed.
pub(super) fn separated(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (piece, after) = match end_of_piece(rest, separator) {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, ""),
            };
            rest = after;
            let piece = piece.trim_ascii();
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    })
}

fn end_of_piece(text: &str, separator: u8) -> Option<usize> {
    // Most values have neither quotes nor brackets before the separator.
    let start = memchr3(separator, b'"', b'<', text.as_bytes())?;
    if text.as_bytes()[start] == separator {
        return Some(start);
    }
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            _ if byte == separator && !bracketed => return Some(at),
            _ => {}
        }
    }
    None
}

/// `"Display" <uri>;params` or `uri;params`: From, To, Contact, Route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'a> {
    pub(super) uri: &'a str,
    pub(super) params: &'a str,
}

impl<'a> Address<'a> {
    pub(super) fn split(value: &'a str) -> Option<Address<'a>> {
        let value = value.trim_ascii();
        if scheme(value).is_some() {
            let end = memchr(b';', value.as_bytes()).unwrap_or(value.len());
            return Some(Address {
                uri: value[..end].trim_ascii_end(),
                params: &value[end..],
            });
        }
        let rest = match value.strip_prefix('"') {
            Some(quoted) => after_quote(quoted)?.trim_ascii_start().strip_prefix('<')?,
            None => cut(value, b'<')?.1,
        };
        let (uri, params) = cut(rest, b'>')?;
        Some(Address {
            uri,
            params: params.trim_ascii_start(),
        })
    }

    pub(super) fn tag(&self) -> Option<&'a str> {
        param(self.params, "tag")
    }
}

fn after_quote(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

/// `Some(true)` for sips, `Some(false)` for sip.
pub(super) fn scheme(uri: &str) -> Option<bool> {
    let (scheme, _) = cut(uri, b':')?;
    if scheme.eq_ignore_ascii_case("sip") {
        Some(false)
    } else {
        scheme.eq_ignore_ascii_case("sips").then_some(true)
    }
}

/// Parses a SIP URI that is part of `message`; `None` unless all of it is one.
pub(super) fn uri(message: &Bytes, text: &str) -> Option<SipUri> {
    match SipUri::parse(message)(text) {
        Ok(("", uri)) => Some(uri),
        _ => None,
    }
}

/// The user part of a URI, unescaped.
pub(super) fn user(uri: &SipUri) -> Option<&str> {
    let user: &str = match &uri.user_part {
        SipUriUserPart::Empty => return None,
        SipUriUserPart::User(user) => user,
        SipUriUserPart::UserPw(both) => &both.user,
    };
    (!user.is_empty()).then_some(user)
}

/// The topmost Via of a message (RFC 3261 20.42).
#[derive(Debug)]
pub(super) struct TopVia<'a> {
    /// The first item of the first Via line.
    pub(super) text: &'a str,
    /// `None` for a host name that no DNS name can be (phones do say such).
    pub(super) sent_by: Option<HostPort>,
    pub(super) sent_by_text: &'a str,
    /// From the first semicolon on.
    pub(super) params: &'a str,
    /// What follows in the same line: nothing, or a comma and older Vias.
    pub(super) others: &'a str,
}

impl<'a> TopVia<'a> {
    pub(super) fn parse(message: &Bytes, line_value: &'a str) -> Option<TopVia<'a>> {
        let text = items(line_value).next()?;
        let others = line_value.strip_prefix(text)?;
        let (name, rest) = cut(text, b'/')?;
        let (version, rest) = cut(rest, b'/')?;
        if !name.trim_ascii().eq_ignore_ascii_case("SIP") || version.trim_ascii() != "2.0" {
            return None;
        }
        let (_transport, rest) = rest.trim_ascii_start().split_once([' ', '\t'])?;
        let end = memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let sent_by_text = rest[..end].trim_ascii();
        if sent_by_text.is_empty() {
            return None;
        }
        let sent_by = match HostPort::parse(message)(sent_by_text) {
            Ok(("", sent_by)) => Some(sent_by),
            _ => None,
        };
        Some(TopVia {
            text,
            sent_by,
            sent_by_text,
            params: &rest[end..],
            others,
        })
    }

    pub(super) fn branch(&self) -> Option<&'a str> {
        param(self.params, "branch")
    }
}
