//! Addresses: `"Display" <uri>;params` and `uri;params` (RFC 3261 §20.10, §25.1), as in From, To, Contact,
//! Route and their kin.

use super::Problem;
use super::lex::{Pieces, is_space, is_token, is_token_text, quoted, text, trim, unescape};
use super::params::{Param, Params, decoded};
use super::uri::Uri;
use std::borrow::Cow;
use std::fmt;

/// A name-addr or addr-spec with its parameters: one display name or none, exactly one URI, parameters, and
/// nothing else.
///
/// ```
/// use sipward::sip::{NameAddr, Problem};
///
/// let from = NameAddr::parse(br#""Alice \"A\"" <sip:alice@example.com>;tag=1"#)?;
/// assert_eq!(from.display().as_deref(), Some("Alice \"A\""));
/// assert_eq!(from.uri, "sip:alice@example.com");
/// assert_eq!(from.tag().as_deref(), Some("1"));
///
/// // Two readers could take two addresses from this one.
/// let two = br#"x "<sip:mallory@example.com>;tag=T;y=" <sip:alice@example.com>;tag=T"#;
/// assert_eq!(NameAddr::parse(two), Err(Problem::DisplayName));
/// # Ok::<(), Problem>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// What stands before the angle bracket, quotes included.
    display: &'a [u8],
    /// The URI as it stands, without brackets. It has no white space and no brackets; [`Uri::parse`] reads
    /// it further.
    pub uri: &'a str,
    /// The parameters of the header, which are not those of the URI.
    pub params: Params<'a>,
    tag: Option<Param<'a>>,
}

impl<'a> NameAddr<'a> {
    /// Reads all of the text.
    ///
    /// # Errors
    /// [`Problem::DisplayName`] when an unquoted display name has characters that are neither those of a token
    /// nor beyond ASCII; [`Problem::Uri`] for what cannot be a URI of any scheme; the unbalanced kinds;
    /// [`Problem::Leftover`] for text that belongs to nothing; those of [`Params::parse`], and
    /// [`Problem::Parameter`] for a second tag, since two readers could take two dialogs from it.
    pub fn parse(value: &'a [u8]) -> Result<Self, Problem> {
        let value = trim(value);
        if value.is_empty() {
            return Err(Problem::Empty);
        }
        let (display, rest) = display_name(value)?;
        let Some(inside) = rest.strip_prefix(b"<") else {
            return Self::addr_spec(display, rest);
        };
        let end = inside.iter().position(|byte| *byte == b'>');
        let end = end.ok_or(Problem::UnbalancedBracket)?;
        let uri = checked(trim(&inside[..end]))?;
        Self::with_params(display, uri, &inside[end + 1..])
    }

    /// Without brackets: the URI ends where the parameters begin, which are the header's (RFC 3261 §20).
    fn addr_spec(display: &'a [u8], rest: &'a [u8]) -> Result<Self, Problem> {
        if !display.is_empty() {
            return Err(Problem::Leftover);
        }
        let end = rest.iter().position(|byte| *byte == b';');
        let (uri, params) = rest.split_at(end.unwrap_or(rest.len()));
        let uri = checked(trim(uri))?;
        // A URI with these has to stand in brackets (RFC 3261 §20.10).
        if uri.contains([',', '?']) {
            return Err(Problem::Uri);
        }
        Self::with_params(display, uri, params)
    }

    fn with_params(display: &'a [u8], uri: &'a str, params: &'a [u8]) -> Result<Self, Problem> {
        let (mut tag, mut tags) = (None, 0);
        let params = Params::parse_with(params, |param| {
            if param.is("tag") {
                tag = Some(*param);
                tags += 1;
            }
        })?;
        match tags {
            0 | 1 => Ok(Self {
                display,
                uri,
                params,
                tag,
            }),
            _ => Err(Problem::Parameter),
        }
    }

    /// The display name without quotes and with its quoted-pairs resolved; `None` when there is none. Bytes that
    /// are not UTF-8 are replaced.
    pub fn display(&self) -> Option<Cow<'a, str>> {
        if self.display.is_empty() {
            return None;
        }
        let bytes = match quoted(self.display) {
            Some((inner, _)) => unescape(inner),
            None => Cow::Borrowed(self.display),
        };
        Some(decoded(bytes))
    }

    /// The tag of a From or To (RFC 3261 §19.3); `None` when there is none, or one that is no token.
    pub fn tag(&self) -> Option<Cow<'a, str>> {
        let is_token = |tag: &Cow<'_, str>| is_token_text(tag.as_bytes());
        self.tag_text().filter(is_token)
    }

    /// The tag as it was sent, also if it is empty or no token.
    pub fn tag_text(&self) -> Option<Cow<'a, str>> {
        self.tag.map(|tag| tag.value())
    }
}

/// The display name that the text begins with, and what follows it.
fn display_name(value: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    if value[0] == b'"' {
        let (_, rest) = quoted(value).ok_or(Problem::UnbalancedQuote)?;
        let display = &value[..value.len() - rest.len()];
        let rest = trim(rest);
        return match rest.first() {
            Some(b'<') => Ok((display, rest)),
            _ => Err(Problem::Leftover),
        };
    }
    let Some(bracket) = value.iter().position(|byte| *byte == b'<') else {
        return match value.contains(&b'>') {
            true => Err(Problem::UnbalancedBracket),
            false => Ok((&[], value)),
        };
    };
    let (display, rest) = value.split_at(bracket);
    let display = trim(display);
    let fits = |byte: &u8| is_token(*byte) || is_space(*byte) || *byte >= 0x80;
    match display.iter().all(fits) {
        true => Ok((display, rest)),
        false => Err(Problem::DisplayName),
    }
}

fn checked(uri: &[u8]) -> Result<&str, Problem> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let colon = uri.iter().position(|byte| !part(*byte));
    let has_scheme = colon.is_some_and(|colon| {
        uri[0].is_ascii_alphabetic() && uri[colon] == b':' && colon + 1 < uri.len()
    });
    // No early exit: whole texts at a time are faster.
    let mut is_clean = true;
    for &byte in uri {
        is_clean &= byte > b' ' && byte != 0x7f && !matches!(byte, b'<' | b'>' | b'"');
    }
    match text(uri) {
        Some(uri) if has_scheme && is_clean => Ok(uri),
        _ => Err(Problem::Uri),
    }
}

impl fmt::Display for NameAddr<'_> {
    /// A name-addr that reads back as this one: the display name in quotes when it has any, the URI in
    /// brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = self.display() {
            f.write_str("\"")?;
            for character in display.chars().filter(|character| !character.is_control()) {
                if matches!(character, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
            f.write_str("\" ")?;
        }
        write!(f, "<{}>", self.uri)?;
        for param in self.params.iter() {
            let written = match param.raw {
                None => Some(format!(";{}", param.name())),
                Some(_) => super::param(param.name(), &param.value()),
            };
            f.write_str(&written.unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for NameAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameAddr")
            .field("uri", &self.uri)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// The addresses of a Route, Record-Route, Path or Service-Route header, in order, commas outside quotes and
/// brackets between them.
///
/// ```
/// use sipward::sip::addresses;
///
/// let mut route = addresses(b"<sip:p1.example.com;lr>, <sip:p2.example.com;lr>");
/// assert_eq!(route.next().unwrap()?.uri, "sip:p1.example.com;lr");
/// assert_eq!(route.count(), 1);
/// # Ok::<(), sipward::sip::Problem>(())
/// ```
pub fn addresses(value: &[u8]) -> impl Iterator<Item = Result<NameAddr<'_>, Problem>> {
    Pieces::new(value, b',').map(NameAddr::parse)
}

/// What the Contact headers of a message say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts<'a> {
    /// `Contact: *`, which stands alone (RFC 3261 §10.2.2).
    Star,
    /// Addresses, none if there is no Contact header.
    List(Vec<NameAddr<'a>>),
}

impl<'a> Contacts<'a> {
    /// Reads the values of all Contact headers of a message.
    ///
    /// # Errors
    /// [`Problem::Star`] when `*` stands beside others; those of [`NameAddr::parse`].
    pub fn parse(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Problem> {
        let mut star = false;
        let mut list = Vec::new();
        for value in values {
            for piece in Pieces::new(value, b',') {
                match piece {
                    b"*" => star = true,
                    piece => list.push(NameAddr::parse(piece)?),
                }
            }
        }
        match (star, list.is_empty()) {
            (false, _) => Ok(Self::List(list)),
            (true, true) => Ok(Self::Star),
            (true, false) => Err(Problem::Star),
        }
    }
}

/// Reads the URI of an address further.
impl<'a> NameAddr<'a> {
    /// The URI, read whole.
    ///
    /// # Errors
    /// Those of [`Uri::parse`].
    pub fn parsed_uri(&self) -> Result<Uri<'a>, Problem> {
        Uri::parse(self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<NameAddr<'_>, Problem> {
        NameAddr::parse(value.as_bytes())
    }

    #[test]
    fn all_forms_of_one_address_are_read() {
        for (value, display, tag) in [
            ("sip:a@b;tag=1", None, Some("1")),
            ("<sip:a@b>;tag=1", None, Some("1")),
            ("<sip:a@b>", None, None),
            ("Alice <sip:a@b>;tag=1", Some("Alice"), Some("1")),
            (
                "  A. G. Bell  <sip:a@b> ; TAG = 1 ",
                Some("A. G. Bell"),
                Some("1"),
            ),
            ("\"\" <sip:a@b>", Some(""), None),
            ("\"Bell, \\\"A\\\"\"<sip:a@b>", Some("Bell, \"A\""), None),
            ("Günter\r\n <sip:a@b>", Some("Günter"), None),
        ] {
            let address = read(value).expect(value);
            assert_eq!(address.uri, "sip:a@b", "{value}");
            assert_eq!(address.display().as_deref(), display, "{value}");
            assert_eq!(address.tag().as_deref(), tag, "{value}");
        }
        assert_eq!(read("<tel:+4930>").unwrap().uri, "tel:+4930");
        assert_eq!(read("<urn:service:sos>").unwrap().uri, "urn:service:sos");
        let latin = NameAddr::parse(b"\"J\xfcrgen\" <sip:j@b>;tag=1").unwrap();
        assert_eq!(latin.uri, "sip:j@b");
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for (value, problem) in [
            ("", Problem::Empty),
            (
                "x \"<sip:m@b>;tag=T;y=\" <sip:a@b>;tag=T",
                Problem::DisplayName,
            ),
            ("sip:m@b <sip:a@b>;tag=T", Problem::DisplayName),
            ("<sip:m@b> <sip:a@b>", Problem::Leftover),
            ("<sip:m@b>, <sip:a@b>", Problem::Leftover),
            ("<sip:m@b>x;tag=1", Problem::Leftover),
            ("\"m\" x <sip:a@b>", Problem::Leftover),
            ("\"m <sip:a@b>", Problem::UnbalancedQuote),
            ("<sip:a@b", Problem::UnbalancedBracket),
            ("sip:a@b>", Problem::UnbalancedBracket),
            ("<sip:m@b<sip:a@b>", Problem::Uri),
            ("<sip:a b@c>", Problem::Uri),
            ("<>", Problem::Uri),
            ("<alice>", Problem::Uri),
            ("m@b:5061", Problem::Uri),
            ("sip:a@b?subject=x", Problem::Uri),
            ("sip:a@b,c", Problem::Uri),
            ("Bell, Alexander <sip:a@b>", Problem::DisplayName),
        ] {
            assert_eq!(read(value), Err(problem), "{value}");
        }
    }

    #[test]
    fn what_is_written_reads_back_as_what_was_meant() {
        for value in [
            "sip:a@b;tag=1",
            "\"Bell, \\\"A\\\\\" <sip:a@b;lr>;x=\"1, <sip:c@d>\";lr",
            "Günter <sips:a@[::1]>;q=0.5",
        ] {
            let address = read(value).unwrap();
            let written = address.to_string();
            let again = NameAddr::parse(written.as_bytes()).expect(&written);
            assert_eq!(again.display(), address.display());
            assert_eq!(again.uri, address.uri);
            let values = |address: &NameAddr<'_>| -> Vec<String> {
                let params = address.params.iter();
                params
                    .map(|param| format!("{}={}", param.name(), param.value()))
                    .collect()
            };
            assert_eq!(values(&again), values(&address));
        }
    }

    #[test]
    fn a_star_stands_alone() {
        let all = |values: &[&'static str]| {
            let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            Contacts::parse(values)
        };
        assert_eq!(all(&["*"]), Ok(Contacts::Star));
        assert_eq!(all(&["*", "<sip:a@b>"]), Err(Problem::Star));
        assert_eq!(all(&[]), Ok(Contacts::List(Vec::new())));
        let Ok(Contacts::List(list)) = all(&["<sip:a@b>;q=1, sip:c@d", "<sip:9901#1@e>"]) else {
            panic!("a list");
        };
        let uris: Vec<&str> = list.iter().map(|contact| contact.uri).collect();
        assert_eq!(uris, ["sip:a@b", "sip:c@d", "sip:9901#1@e"]);
    }
}
