//! What all readers of header values share: tokens, white space, quoted strings, and pieces between
//! separators (RFC 3261 §25.1).
//!
//! A line end within a value can only be a fold (RFC 3261 §7.3.1), so CR and LF count as white space.

use memchr::{memchr2, memchr3};
use std::borrow::Cow;

/// Linear white space, folds included.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The characters of a token: methods, header names, parameter names.
pub(super) const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether `text` is one token.
pub(super) fn is_token_text(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token(byte))
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

pub(super) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    text
}

pub(super) fn trim(text: &[u8]) -> &[u8] {
    let mut text = trim_start(text);
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// The token that the text begins with, and what follows it; `None` when it begins with none.
pub(super) fn token(text: &[u8]) -> Option<(&str, &[u8])> {
    let (token, rest) = text.split_at(token_bytes(text).len());
    // Tokens are ASCII.
    let token = str::from_utf8(token)
        .ok()
        .filter(|token| !token.is_empty())?;
    Some((token, rest))
}

/// The token that the text begins with; empty when it begins with none.
pub(super) fn token_bytes(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_token(*byte));
    &text[..end.unwrap_or(text.len())]
}

/// The inside of the quoted string that the text begins with, escapes as they stand, and what follows the
/// closing quote; `None` when the text begins with no quote or it is never closed.
pub(super) fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let end = end_of_quote(inner)?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// Where the quote is that ends a quoted string.
fn end_of_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        // A quoted-pair: the second character does not count.
        at += 2;
    }
}

/// The inside of a quoted string with its quoted-pairs resolved and its folds as single spaces.
pub(super) fn unescape(inner: &[u8]) -> Cow<'_, [u8]> {
    let mut is_plain = true;
    for &byte in inner {
        is_plain &= !matches!(byte, b'\\' | b'\r' | b'\n');
    }
    if is_plain {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => text.extend(bytes.next()),
            b'\r' | b'\n' => {
                if text.last() != Some(&b' ') {
                    text.push(b' ');
                }
            }
            byte => text.push(byte),
        }
    }
    Cow::Owned(text)
}

/// Pieces between separators, trimmed; separators in quoted strings and in angle brackets do not count.
/// Empty pieces are left out (RFC 3261 §7.3.1 does not know them; senders write them all the same). An
/// unbalanced quote or bracket makes the rest one piece.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
    separator: u8,
}

impl<'a> Pieces<'a> {
    pub(super) const fn new(text: &'a [u8], separator: u8) -> Self {
        Self {
            rest: text,
            separator,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (piece, rest) = match end_of_piece(self.rest, self.separator) {
                Some(at) => (&self.rest[..at], &self.rest[at + 1..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            let piece = trim(piece);
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    }
}

fn end_of_piece(text: &[u8], separator: u8) -> Option<usize> {
    let mut at = 0;
    let mut bracketed = false;
    loop {
        let rest = text.get(at..)?;
        at += if bracketed {
            memchr2(b'>', b'"', rest)?
        } else {
            memchr3(separator, b'"', b'<', rest)?
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

/// The text as UTF-8.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// A decimal number without a sign; `None` when there is none or it is too large.
pub(super) fn number<N: TryFrom<u64>>(text: &[u8]) -> Option<N> {
    if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = text
        .iter()
        .fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    N::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        Pieces::new(text.as_bytes(), b',')
            .map(|piece| str::from_utf8(piece).unwrap())
            .collect()
    }

    #[test]
    fn separators_in_quotes_and_brackets_do_not_count() {
        assert_eq!(
            pieces(r#""a,\",b" <sip:x,y>, <sip:c>;d="e,f" , ,g"#),
            [r#""a,\",b" <sip:x,y>"#, r#"<sip:c>;d="e,f""#, "g"]
        );
        assert_eq!(pieces(r#"a, "b, c"#), ["a", r#""b, c"#]);
        assert_eq!(pieces("a, <b, c"), ["a", "<b, c"]);
        assert_eq!(pieces("a,\r\n b"), ["a", "b"]);
    }

    #[test]
    fn quoted_pairs_and_folds_are_resolved() {
        let (inner, rest) = quoted(br#""a\"b\\"; c"#).unwrap();
        assert_eq!(&*unescape(inner), br#"a"b\"#);
        assert_eq!(rest, b"; c");
        assert_eq!(&*unescape(b"a\r\n b"), b"a  b");
        assert!(quoted(br#""never closed\""#).is_none());
        assert_eq!(quoted(b"\"\"").unwrap(), (&b""[..], &b""[..]));
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number::<u32>(b"4294967295"), Some(u32::MAX));
        assert_eq!(number::<u32>(b"4294967296"), None);
        assert_eq!(number::<u8>(b"+1"), None);
        assert_eq!(number::<u64>(b"99999999999999999999"), None);
        assert_eq!(number::<u32>(b""), None);
    }
}
