//! Parses parts of header values: list items, addresses, parameters, and the topmost Via.
//!
//! Separators within quoted strings do not count, and parameter names are compared without regard
//! to case (RFC 3261 7.3.1). URIs are parsed in `uri`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use memchr::{memchr, memchr2, memchr3};

/// Splits the text at the first `at`, an ASCII byte.
pub(super) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = memchr(at, text.as_bytes())?;
    Some((&text[..place], &text[place + 1..]))
}

/// The items of a comma-separated value; commas in quotes and in angle brackets do not count.
pub(super) fn items(value: &str) -> impl Iterator<Item = &str> {
    separated(value, b',')
}

/// The value of a parameter in `;name=value;...`, without quotes; empty for a parameter without
/// value.
pub(super) fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    if params.is_empty() {
        return None;
    }
    separated(params, b';').find_map(|piece| {
        let value = value_of(piece, name)?;
        let inner = value.strip_prefix('"');
        inner
            .and_then(|inner| inner.strip_suffix('"'))
            .or(Some(value))
    })
}

/// The text after the equals sign if `piece` is the parameter of that name.
pub(super) fn value_of<'a>(piece: &'a str, name: &str) -> Option<&'a str> {
    let (start, rest) = piece.split_at_checked(name.len())?;
    if !start.eq_ignore_ascii_case(name) {
        return None;
    }
    let rest = rest.trim_ascii_start();
    match rest.strip_prefix('=') {
        Some(value) => Some(value.trim_ascii()),
        None => rest.is_empty().then_some(""),
    }
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
    let text = text.as_bytes();
    // Most values have neither quotes nor brackets before the separator.
    let start = memchr3(separator, b'"', b'<', text)?;
    match text[start] == separator {
        true => Some(start),
        false => end_of_mixed(text, start, separator),
    }
}

/// As `end_of_piece`, from the first quote or bracket on.
fn end_of_mixed(text: &[u8], start: usize, separator: u8) -> Option<usize> {
    let (mut at, mut bracketed) = (start, false);
    loop {
        let rest = &text[at..];
        at += match bracketed {
            false => memchr3(separator, b'"', b'<', rest)?,
            true => memchr2(b'>', b'"', rest)?,
        };
        match text[at] {
            b'"' => at += 1 + end_of_quote(&text[at + 1..])?,
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            _ => return Some(at),
        }
        at += 1;
    }
}

/// The position of the quote that ends a quoted string.
fn end_of_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        // An escaped character is skipped.
        at += 2;
    }
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
            Some(quoted) => {
                let end = end_of_quote(quoted.as_bytes())?;
                quoted[end + 1..].trim_ascii_start().strip_prefix('<')?
            }
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

/// `Some(true)` for sips, `Some(false)` for sip.
pub(super) fn scheme(uri: &str) -> Option<bool> {
    let begins = |scheme: &str| {
        let start = uri.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if begins("sip:") {
        Some(false)
    } else {
        begins("sips:").then_some(true)
    }
}

/// The topmost Via of a message (RFC 3261 20.42).
#[derive(Debug)]
pub(super) struct TopVia<'a> {
    /// The first item of the first Via line.
    pub(super) text: &'a str,
    /// Not always a host name or an address: some phones write other text.
    pub(super) sent_by: &'a str,
    /// From the first semicolon on.
    pub(super) params: &'a str,
    /// The rest of the line: empty, or a comma and older Vias.
    pub(super) others: &'a str,
}

impl<'a> TopVia<'a> {
    pub(super) fn parse(line_value: &'a str) -> Option<TopVia<'a>> {
        let text = items(line_value).next()?;
        let others = line_value.strip_prefix(text)?;
        let (name, rest) = cut(text, b'/')?;
        let (version, rest) = cut(rest, b'/')?;
        if !name.trim_ascii().eq_ignore_ascii_case("SIP") || version.trim_ascii() != "2.0" {
            return None;
        }
        let (_transport, rest) = rest.trim_ascii_start().split_once([' ', '\t'])?;
        let end = memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let sent_by = rest[..end].trim_ascii();
        if sent_by.is_empty() {
            return None;
        }
        Some(TopVia {
            text,
            sent_by,
            params: &rest[end..],
            others,
        })
    }

    /// The IP address in sent-by; `None` if it is a name.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        if let Ok(address) = self.sent_by.parse::<SocketAddr>() {
            return Some(address.ip());
        }
        let bracketed = self.sent_by.strip_prefix('[');
        match bracketed.and_then(|text| text.strip_suffix(']')) {
            Some(text) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.sent_by.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }

    pub(super) fn branch(&self) -> Option<&'a str> {
        param(self.params, "branch")
    }
}
