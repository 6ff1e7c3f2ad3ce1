//! Credentials and challenges: `Scheme name=value, …` in Authorization, Proxy-Authorization,
//! WWW-Authenticate and Proxy-Authenticate (RFC 3261 §25.1, RFC 7235).

use super::Problem;
use super::lex::{is_space, is_token, quoted, token, token_bytes, trim, trim_start, unescape};
use super::params::decoded;
use std::borrow::Cow;
use std::fmt;

/// The scheme and the parameters of an Authorization header or one of its kin. Names are compared without
/// regard to case; empty elements between commas are skipped; quoted-pairs are resolved. `Debug` shows
/// names only, since the values are secrets.
///
/// ```
/// use sipward::sip::Credentials;
///
/// let sent = br#"digest USERNAME="alice", realm="a \"b\"", , opaque="", qop=auth"#;
/// let credentials = Credentials::parse(sent)?;
/// assert!(credentials.is("Digest"));
/// assert_eq!(credentials.get("username").as_deref(), Some("alice"));
/// assert_eq!(credentials.get("realm").as_deref(), Some("a \"b\""));
/// assert_eq!(credentials.get("opaque").as_deref(), Some(""));
/// assert_eq!(credentials.get("qop").as_deref(), Some("auth"));
/// # Ok::<(), sipward::sip::Problem>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The scheme as it stands.
    pub scheme: &'a str,
    /// Names and values as they stand.
    params: Vec<(&'a [u8], &'a [u8])>,
}

/// Digest has fewer than twenty. The bound keeps the comparison of each name with all others cheap.
const MAX_PARAMS: usize = 64;

impl<'a> Credentials<'a> {
    /// Reads all of the value.
    ///
    /// # Errors
    /// [`Problem::Scheme`] without a scheme; [`Problem::Parameter`], [`Problem::UnbalancedQuote`] and
    /// [`Problem::Leftover`] for the first parameter that cannot be read; [`Problem::Parameter`] for one that is
    /// given twice, since two readers could take two values, and for more than 64 parameters.
    pub fn parse(value: &'a [u8]) -> Result<Self, Problem> {
        let value = trim(value);
        let (scheme, params) = token(value).ok_or(Problem::Scheme)?;
        if params.first() == Some(&b'=') {
            return Err(Problem::Scheme);
        }
        let mut read: Vec<(&[u8], &[u8])> = Vec::with_capacity(12);
        let mut rest = params;
        while let Some((name, value, after)) = next(rest)? {
            let is_same = |(other, _): &(&[u8], &[u8])| other.eq_ignore_ascii_case(name);
            if read.len() == MAX_PARAMS || read.iter().any(is_same) {
                return Err(Problem::Parameter);
            }
            read.push((name, value));
            rest = after;
        }
        Ok(Self {
            scheme,
            params: read,
        })
    }

    /// Whether the scheme is this one, without regard to case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The name and value of each parameter.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        // A name is a token, which is ASCII.
        let text = |name| str::from_utf8(name).unwrap_or_default();
        let params = self.params.iter();
        params.map(move |(name, raw)| (text(name), value(raw)))
    }

    /// The value of a parameter, without quotes and with its quoted-pairs resolved. Bytes that are not UTF-8
    /// are replaced.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut params = self.params.iter();
        let found = params.find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, raw)| value(raw))
    }
}

/// The name and the raw value of the parameter that the text begins with, behind commas; also what follows it.
/// `None` at the end.
fn next(text: &[u8]) -> Result<Option<(&[u8], &[u8], &[u8])>, Problem> {
    let begin = text
        .iter()
        .position(|byte| *byte != b',' && !is_space(*byte));
    let Some(begin) = begin else {
        return Ok(None);
    };
    let (name, rest) = text[begin..].split_at(token_bytes(&text[begin..]).len());
    if name.is_empty() {
        return Err(Problem::Parameter);
    }
    let value = trim_start(rest).strip_prefix(b"=");
    let value = trim_start(value.ok_or(Problem::Parameter)?);
    let (end, leftover) = if value.first() == Some(&b'"') {
        let (_, after) = quoted(value).ok_or(Problem::UnbalancedQuote)?;
        (value.len() - after.len(), Problem::Leftover)
    } else {
        // Some senders leave out the quotes of a URI or a nonce.
        let fits = |byte: u8| is_token(byte) || b":/@;=?&$[]".contains(&byte);
        let end = value.iter().position(|byte| !fits(*byte));
        (end.unwrap_or(value.len()), Problem::Parameter)
    };
    let (value, rest) = value.split_at(end);
    let rest = trim_start(rest);
    match rest.first() {
        None | Some(b',') => Ok(Some((name, value, rest))),
        Some(_) => Err(leftover),
    }
}

fn value(raw: &[u8]) -> Cow<'_, str> {
    // What begins with a quote ends with one, as was seen when it was read.
    decoded(match raw {
        [b'"', inner @ .., b'"'] => unescape(inner),
        raw => Cow::Borrowed(raw),
    })
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.params().map(|(name, _)| name).collect();
        f.debug_struct("Credentials")
            .field("scheme", &self.scheme)
            .field("params", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_phones_write_is_read() {
        let text = br#"Digest username="a,b",realm="r" ,nonce = "n\\1", uri=sip:a@b;x=1,
            nc=00000001,response="",auts="""#;
        let read = Credentials::parse(text).unwrap();
        for (name, value) in [
            ("username", "a,b"),
            ("REALM", "r"),
            ("nonce", "n\\1"),
            ("uri", "sip:a@b;x=1"),
            ("nc", "00000001"),
            ("response", ""),
            ("auts", ""),
        ] {
            assert_eq!(read.get(name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(read.get("opaque"), None);
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for (text, problem) in [
            ("", Problem::Scheme),
            ("username=\"a\"", Problem::Scheme),
            ("Digest realm=\"a\", REALM=\"b\"", Problem::Parameter),
            ("Digest realm=\"a", Problem::UnbalancedQuote),
            ("Digest realm=\"a\"b", Problem::Leftover),
            ("Digest realm", Problem::Parameter),
            ("Digest realm=a b", Problem::Parameter),
        ] {
            assert_eq!(Credentials::parse(text.as_bytes()), Err(problem), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let read = Credentials::parse(b"Digest response=\"6629fae4\"").unwrap();
        assert!(!format!("{read:?}").contains("6629"));
    }
}
