//! URIs: sip and sips whole (RFC 3261 §19.1), all others as opaque text with a scheme (RFC 3986).

use super::Problem;
use super::params::uri_params;
use memchr::{memchr, memchr2};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A URI.
///
/// ```
/// use sipward::sip::{Host, Uri};
///
/// let Uri::Sip(uri) = Uri::parse("sips:%61lice:pw@[2001:db8::1]:5061;transport=tls?subject=x")? else {
///     panic!("a sips URI");
/// };
/// assert!(uri.secure);
/// assert_eq!(uri.user().as_deref(), Some("alice"));
/// assert_eq!(uri.host.to_string(), "[2001:db8::1]");
/// assert_eq!(uri.port, Some(5061));
/// assert_eq!(uri.param("Transport"), Some("tls"));
/// assert!(matches!(Uri::parse("tel:+4930123456")?, Uri::Other { scheme: "tel", .. }));
/// # Ok::<(), sipward::sip::Problem>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uri<'a> {
    /// A sip or sips URI.
    Sip(SipUri<'a>),
    /// Any other absolute URI: `tel`, `urn:service:sos`, `mailto`.
    Other {
        /// The scheme as it stands.
        scheme: &'a str,
        /// All of it.
        text: &'a str,
    },
}

/// A sip or sips URI. Its parts are as they stand; escapes are resolved by the methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipUri<'a> {
    /// Whether it is sips.
    pub secure: bool,
    /// The user part as it stands, without a password; `None` when there is none.
    pub user_raw: Option<&'a str>,
    /// The password as it stands.
    pub password: Option<&'a str>,
    /// The host.
    pub host: Host<'a>,
    /// The port, if one is given.
    pub port: Option<u16>,
    /// The parameters as they stand: empty, or from the first semicolon on.
    pub params: &'a str,
    /// The headers as they stand: empty, or from the question mark on.
    pub headers: &'a str,
}

/// The host of a URI or a Via.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name, as it stands. Not every name of the field is a DNS name: `pbx_dev`, `my_phone.local`.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, which stands in brackets.
    V6(Ipv6Addr),
    /// An IPv6 address with a zone, `fe80::1%eth0`, without its brackets (RFC 6874).
    Zoned(&'a str),
}

impl<'a> Uri<'a> {
    /// Reads all of the text.
    ///
    /// # Errors
    /// [`Problem::Uri`] without a scheme, for an empty rest, and for white space, control characters, quotes
    /// and angle brackets; [`Problem::Host`] and [`Problem::Port`] for a sip or sips URI whose host or port
    /// cannot be read.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let colon = text.bytes().position(|byte| byte == b':');
        let (scheme, rest) = text.split_at(colon.ok_or(Problem::Uri)?);
        let rest = &rest[1..];
        // No early exit: whole texts at a time are faster.
        let mut is_clean = !rest.is_empty();
        for byte in rest.bytes() {
            is_clean &= may_stand_in_a_uri(byte);
        }
        if !is_clean {
            return Err(Problem::Uri);
        }
        let secure = scheme.eq_ignore_ascii_case("sips");
        if secure || scheme.eq_ignore_ascii_case("sip") {
            return SipUri::read(secure, rest).map(Self::Sip);
        }
        let mut letters = scheme.bytes();
        let is_scheme = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        match is_scheme {
            true => Ok(Self::Other { scheme, text }),
            false => Err(Problem::Uri),
        }
    }

    /// The sip or sips URI, if it is one.
    pub const fn sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Other { .. } => None,
        }
    }
}

impl<'a> SipUri<'a> {
    /// A user part may have semicolons and question marks (RFC 3261 §25.1, user-unreserved); the only `@` ends
    /// it. Elsewhere an `@` has to be escaped.
    fn read(secure: bool, rest: &'a str) -> Result<Self, Problem> {
        let at = memchr(b'@', rest.as_bytes());
        let (userinfo, place) = match at {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        if at.is_some() && memchr(b'@', place.as_bytes()).is_some() {
            return Err(Problem::Uri);
        }
        let (user_raw, password) = match userinfo {
            Some(both) => match memchr(b':', both.as_bytes()) {
                Some(colon) => (Some(&both[..colon]), Some(&both[colon + 1..])),
                None => (userinfo, None),
            },
            None => (None, None),
        };
        let end = memchr2(b';', b'?', place.as_bytes());
        let (place, tail) = place.split_at(end.unwrap_or(place.len()));
        let end = memchr(b'?', tail.as_bytes());
        let (params, headers) = tail.split_at(end.unwrap_or(tail.len()));
        let (host, port) = Host::with_port(place)?;
        Ok(Self {
            secure,
            user_raw,
            password,
            host,
            port,
            params,
            headers,
        })
    }

    /// The user part with its escapes resolved; `None` when there is none or it is empty. If the escapes give no
    /// UTF-8 it is as it stands, so that two such users stay two.
    pub fn user(&self) -> Option<Cow<'a, str>> {
        let user = self.user_raw.filter(|user| !user.is_empty())?;
        Some(unescaped(user))
    }

    /// The value of a parameter; empty when it has none. Names are compared without regard to case.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        uri_params(self.params)
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// The address of record: `user@host`, or the host alone, with escapes resolved and the host in lower case and
    /// without a final dot (RFC 3261 §10.3 step 5).
    pub fn address_of_record(&self) -> String {
        let mut host = self.host.to_string().to_ascii_lowercase();
        if host.ends_with('.') {
            host.pop();
        }
        match self.user() {
            Some(user) => format!("{user}@{host}"),
            None => host,
        }
    }

    /// Whether both name the same resource as RFC 3261 §19.1.4 compares: user and password with regard to case,
    /// host, parameters and headers without; `user`, `ttl`, `method`, `maddr` and `transport` have to be in both
    /// or in neither, other parameters only have to agree where both have them.
    pub fn is_equivalent(&self, other: &SipUri<'_>) -> bool {
        const IN_BOTH: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
        let same = |a: Option<&str>, b: Option<&str>| match (a, b) {
            (Some(a), Some(b)) => unescaped(a).eq_ignore_ascii_case(&unescaped(b)),
            (None, None) => true,
            _ => false,
        };
        let exact = |a: Option<&str>, b: Option<&str>| a.map(unescaped) == b.map(unescaped);
        self.secure == other.secure
            && exact(self.user_raw, other.user_raw)
            && exact(self.password, other.password)
            && self.host.is_same(&other.host)
            && self.port == other.port
            && IN_BOTH
                .iter()
                .all(|name| same(self.param(name), other.param(name)))
            && uri_params(self.params).all(|(name, value)| {
                other
                    .param(name)
                    .is_none_or(|theirs| same(Some(value.unwrap_or_default()), Some(theirs)))
            })
            && same_headers(self.headers, other.headers)
    }
}

impl<'a> Host<'a> {
    /// A host and the port that may follow it.
    ///
    /// # Errors
    /// [`Problem::Host`], [`Problem::Port`].
    pub fn with_port(text: &'a str) -> Result<(Self, Option<u16>), Problem> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(inside) => {
                let (inside, rest) = inside.split_once(']').ok_or(Problem::Host)?;
                (Self::bracketed(inside)?, rest)
            }
            None => {
                let end = memchr(b':', text.as_bytes());
                let (name, rest) = text.split_at(end.unwrap_or(text.len()));
                (Self::plain(name)?, rest)
            }
        };
        if rest.is_empty() {
            return Ok((host, None));
        }
        let digits = rest.strip_prefix(':').ok_or(Problem::Host)?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits.parse().ok().filter(|_| is_number);
        Ok((host, Some(port.ok_or(Problem::Port)?)))
    }

    fn bracketed(inside: &'a str) -> Result<Self, Problem> {
        if let Ok(ip) = inside.parse() {
            return Ok(Self::V6(ip));
        }
        let (ip, zone) = inside.split_once('%').ok_or(Problem::Host)?;
        let is_zone = !zone.is_empty()
            && zone
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte));
        if is_zone && ip.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self::Zoned(inside));
        }
        Err(Problem::Host)
    }

    fn plain(name: &'a str) -> Result<Self, Problem> {
        if name.starts_with(|first: char| first.is_ascii_digit())
            && let Ok(ip) = name.parse()
        {
            return Ok(Self::V4(ip));
        }
        // Neither empty labels nor one that begins with a hyphen at the start; a final dot is allowed. The last
        // label of a name never begins with a digit alone (RFC 3261 §25.1, toplabel): digits and dots that are no
        // IPv4 address are no name either.
        let (mut fits, mut is_number, mut last) = (true, true, b'.');
        for byte in name.bytes() {
            fits &= HOST[byte as usize]
                && !(last == b'.' && (byte == b'.' || (byte == b'-' && is_number)));
            is_number &= byte.is_ascii_digit() || byte == b'.';
            last = byte;
        }
        match fits && !is_number {
            true => Ok(Self::Name(name)),
            false => Err(Problem::Host),
        }
    }

    /// The address, when it is one without a zone.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
            Self::Name(_) | Self::Zoned(_) => None,
        }
    }

    /// Whether both are the same host: names without regard to case and to a final dot.
    pub fn is_same(&self, other: &Host<'_>) -> bool {
        let rooted = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        match (self, other) {
            (Self::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b) || rooted(a) == rooted(b),
            (Self::V4(a), Host::V4(b)) => a == b,
            (Self::V6(a), Host::V6(b)) => a == b,
            (Self::Zoned(a), Host::Zoned(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
            Self::Zoned(text) => write!(f, "[{text}]"),
        }
    }
}

impl fmt::Display for SipUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = self.user_raw {
            f.write_str(user)?;
            if let Some(password) = self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.params)?;
        f.write_str(self.headers)
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Other { text, .. } => f.write_str(text),
        }
    }
}

/// Everything but white space, control characters, and what delimits a URI (RFC 3986 appendix C). Characters
/// beyond ASCII are tolerated: senders write them in user parts and hosts.
const fn may_stand_in_a_uri(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
}

/// What the name of a host may have.
const HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        table[byte] =
            letter.is_ascii_alphanumeric() || byte >= 0x80 || matches!(letter, b'.' | b'-' | b'_');
        byte += 1;
    }
    table
};

fn same_headers(a: &str, b: &str) -> bool {
    let pieces = |text: &str| {
        let text = text.trim_start_matches('?');
        let mut pieces: Vec<String> = text
            .split('&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| unescaped(piece).to_ascii_lowercase())
            .collect();
        pieces.sort_unstable();
        pieces
    };
    pieces(a) == pieces(b)
}

/// With `%HH` resolved; an escape that is none stays as it is, and so does the whole if it would not be UTF-8.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (
            bytes[at],
            digit(bytes.get(at + 1)),
            digit(bytes.get(at + 2)),
        ) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits make a byte.
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests;
