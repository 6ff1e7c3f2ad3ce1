//! Parameters of a header value: `;name`, `;name=token`, `;name="quoted string"` (RFC 3261 §25.1).

use super::Problem;
use super::lex::{
    is_space, is_token, is_token_text, quoted, text, token_bytes, trim, trim_start, unescape,
};
use std::borrow::Cow;
use std::fmt;

/// The parameters of a header value, in the order they stand. Names are compared without regard to case
/// (RFC 3261 §7.3.1).
///
/// ```
/// use sipward::sip::NameAddr;
///
/// let to = NameAddr::parse(br#"<sip:bob@example.com>;TAG=a1;note="say \"hi\"";empty="""#)?;
/// assert_eq!(to.params.get("tag").as_deref(), Some("a1"));
/// assert_eq!(to.params.get("note").as_deref(), Some("say \"hi\""));
/// assert_eq!(to.params.get("empty").as_deref(), Some(""));
/// assert_eq!(to.params.get("absent"), None);
/// # Ok::<(), sipward::sip::Problem>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a> {
    /// From the first semicolon on, checked.
    raw: &'a [u8],
}

/// One parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// All of it as it stands, without white space at its ends.
    pub text: &'a [u8],
    /// The value as it stands, with its quotes if it has them; `None` without an equals sign.
    pub raw: Option<&'a [u8]>,
    name: &'a [u8],
}

impl<'a> Params<'a> {
    /// Checks all of a text that begins with a semicolon or is empty.
    ///
    /// # Errors
    /// [`Problem::Parameter`], [`Problem::UnbalancedQuote`], [`Problem::Leftover`].
    pub fn parse(raw: &'a [u8]) -> Result<Self, Problem> {
        Self::parse_with(raw, |_| ())
    }

    /// As `parse`; shows each parameter as well, so that a reader need not look for it again.
    pub(super) fn parse_with(
        raw: &'a [u8],
        mut seen: impl FnMut(&Param<'a>),
    ) -> Result<Self, Problem> {
        let raw = trim(raw);
        if raw.is_empty() {
            return Ok(Self::default());
        }
        if raw[0] != b';' {
            return Err(Problem::Leftover);
        }
        let mut rest = raw;
        while let Some((param, after)) = next(rest)? {
            seen(&param);
            rest = after;
        }
        Ok(Self { raw })
    }

    /// Each parameter.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            // All were read when they were checked.
            let (param, after) = next(rest).ok().flatten()?;
            rest = after;
            Some(param)
        })
    }

    /// The first parameter of that name.
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        if self.raw.is_empty() {
            return None;
        }
        self.iter().find(|param| param.is(name))
    }

    /// The value of the first parameter of that name, unescaped; empty when it has none. Bytes that are not
    /// UTF-8 are replaced.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.find(name).map(|param| param.value())
    }

    /// Whether there is a parameter of that name.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The text they were read from: empty, or from the first semicolon on.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }
}

impl<'a> Param<'a> {
    /// The name as it stands.
    pub fn name(&self) -> &'a str {
        // A name is a token, which is ASCII.
        str::from_utf8(self.name).unwrap_or_default()
    }

    /// Whether it has this name, without regard to case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value without quotes and with its quoted-pairs resolved; empty when it has none. Bytes that are
    /// not UTF-8 are replaced.
    pub fn value(&self) -> Cow<'a, str> {
        let Some(raw) = self.raw else {
            return Cow::Borrowed("");
        };
        // What begins with a quote ends with one, as was seen when it was read.
        let value = match raw {
            [b'"', inner @ .., b'"'] => unescape(inner),
            raw => Cow::Borrowed(raw),
        };
        decoded(value)
    }
}

/// Reads the parameter that the text begins with, behind semicolons; also what follows it. `None` at the end.
fn next(text: &[u8]) -> Result<Option<(Param<'_>, &[u8])>, Problem> {
    let begin = text
        .iter()
        .position(|byte| *byte != b';' && !is_space(*byte));
    let Some(begin) = begin else {
        return Ok(None);
    };
    let text = &text[begin..];
    let name = token_bytes(text);
    if name.is_empty() {
        return Err(Problem::Parameter);
    }
    let rest = trim_start(&text[name.len()..]);
    let Some(value) = rest.strip_prefix(b"=") else {
        let param = Param {
            text: name,
            raw: None,
            name,
        };
        return at_end(rest, Problem::Parameter).map(|rest| Some((param, rest)));
    };
    let value = trim_start(value);
    let (end, leftover) = if value.first() == Some(&b'"') {
        let (_, after) = quoted(value).ok_or(Problem::UnbalancedQuote)?;
        (value.len() - after.len(), Problem::Leftover)
    } else {
        let end = value.iter().position(|byte| !VALUE[*byte as usize]);
        (end.unwrap_or(value.len()), Problem::Parameter)
    };
    let (value, rest) = value.split_at(end);
    let param = Param {
        text: &text[..text.len() - rest.len()],
        raw: Some(value),
        name,
    };
    at_end(trim_start(rest), leftover).map(|rest| Some((param, rest)))
}

/// Behind a parameter there is a semicolon or nothing.
fn at_end(rest: &[u8], problem: Problem) -> Result<&[u8], Problem> {
    match rest.first() {
        None | Some(b';') => Ok(rest),
        Some(_) => Err(problem),
    }
}

/// What a value without quotes may have: tokens, hosts with their brackets and ports, and what senders write
/// besides.
const VALUE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_token(byte as u8)
            || byte >= 0x80
            || matches!(
                byte as u8,
                b'[' | b']' | b':' | b'/' | b'@' | b'&' | b'=' | b'$'
            );
        byte += 1;
    }
    table
};

/// Writes `;name=value`, quoted where the grammar needs it: what a reader takes from it is this name and
/// this value. `None` for a value with a line end, a NUL or another control character, which no header can
/// carry, and for a name that is no token.
///
/// ```
/// use sipward::sip::param;
///
/// assert_eq!(param("q", "0.7").as_deref(), Some(";q=0.7"));
/// assert_eq!(param("note", "1, <sip:x>").as_deref(), Some(";note=\"1, <sip:x>\""));
/// assert_eq!(param("note", "a\r\nVia: x"), None);
/// ```
pub fn param(name: &str, value: &str) -> Option<String> {
    let is_name = is_token_text(name.as_bytes());
    let is_clean = value.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
    if !is_name || !is_clean {
        return None;
    }
    if is_token_text(value.as_bytes()) {
        return Some([";", name, "=", value].concat());
    }
    let mut out = [";", name, "=\""].concat();
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    Some(out)
}

/// The name alone: values may be secrets.
impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Param").field(&self.name()).finish()
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|param| param.name());
        f.debug_list().entries(names).finish()
    }
}

/// The parameters of a SIP URI, `;name=value`, which know no quoted strings (RFC 3261 §19.1.1).
pub(super) fn uri_params(raw: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    raw.split(';')
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (piece, None),
        })
}

/// The text of raw bytes; those that are not UTF-8 are replaced.
pub(super) fn lossy(raw: &[u8]) -> Cow<'_, str> {
    // Nearly all texts are UTF-8, and this is found out faster than they are copied.
    match text(raw) {
        Some(text) => Cow::Borrowed(text),
        None => String::from_utf8_lossy(raw),
    }
}

pub(super) fn decoded(raw: Cow<'_, [u8]>) -> Cow<'_, str> {
    match raw {
        Cow::Borrowed(bytes) => lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(lossy(&bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_the_first_counts() {
        let params = Params::parse(b" ;Tag = a ;tag=b;lr; ;x=[::1]:5061").unwrap();
        assert_eq!(params.get("tag").as_deref(), Some("a"));
        assert_eq!(params.get("LR").as_deref(), Some(""));
        assert_eq!(params.get("x").as_deref(), Some("[::1]:5061"));
        assert_eq!(params.iter().count(), 4);
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for (text, problem) in [
            (&b"tag=a"[..], Problem::Leftover),
            (b";=a", Problem::Parameter),
            (b";a=\"b", Problem::UnbalancedQuote),
            (b";a=\"b\"c", Problem::Leftover),
            (b";a=b c", Problem::Parameter),
            (b";a b", Problem::Parameter),
            (b";a=<b>", Problem::Parameter),
        ] {
            assert_eq!(Params::parse(text), Err(problem), "{}", lossy(text));
        }
    }

    #[test]
    fn what_is_written_reads_back_as_what_was_meant() {
        for value in [
            "",
            "0.7",
            "1, <sip:evil@example.com>",
            "a\"b\\c;d",
            "é",
            "a b",
        ] {
            let text = param("name", value).unwrap();
            let params = Params::parse(text.as_bytes()).unwrap();
            assert_eq!(params.iter().count(), 1, "{text}");
            assert_eq!(params.get("name").as_deref(), Some(value), "{text}");
        }
    }
}
