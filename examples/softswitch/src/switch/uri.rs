//! SIP URIs, with the parts that the switch needs.
//!
//! A plain URI, as phones and trunks nearly always write them, is parsed here without copying. A
//! URI with escapes, a password, headers, an IPv6 address and so on is parsed by `ezk-sip-types`. A
//! test checks that both parsers agree.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use ezk_sip_types::host;
use ezk_sip_types::uri::{SipUri, SipUriUserPart};
use memchr::memchr2;

use super::text::push_ip;
use super::value::{cut, scheme};

/// A SIP or SIPS URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uri<'a> {
    pub(super) sips: bool,
    /// Unescaped; `None` when there is none, or an empty one.
    user: Option<Cow<'a, str>>,
    pub(super) host: Host<'a>,
    pub(super) port: Option<u16>,
    /// From the first semicolon on, in a spelling in which equal parameters differ in case at most.
    pub(super) params: Cow<'a, str>,
}

/// A host in a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host<'a> {
    Ip(IpAddr),
    Name(Cow<'a, str>),
}

impl<'a> Uri<'a> {
    /// `None` if the text is not a SIP URI as a whole.
    pub(super) fn parse(text: &'a str) -> Option<Uri<'a>> {
        Uri::plain(text).or_else(|| Uri::any(text))
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(super) fn into_user(self) -> Option<Cow<'a, str>> {
        self.user
    }

    /// `user@host`, or the host alone.
    pub(super) fn address_of_record(&self) -> String {
        let mut text = String::with_capacity(64);
        if let Some(user) = self.user() {
            text.push_str(user);
            text.push('@');
        }
        self.host.push_to(&mut text);
        text
    }

    /// `None` for text that is not a plain URI; it may still be a URI.
    fn plain(text: &'a str) -> Option<Uri<'a>> {
        let sips = scheme(text)?;
        let (_, rest) = cut(text, b':')?;
        let (user, rest) = match cut(rest, b'@') {
            Some((user, rest)) if is_plain_user(user) => (Some(Cow::Borrowed(user)), rest),
            Some(_) => return None,
            None => (None, rest),
        };
        let (place, params) = match memchr2(b';', b'?', rest.as_bytes()) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if !are_plain_params(params) {
            return None;
        }
        let (host, port) = match cut(place, b':') {
            Some((host, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Some(digits.parse().ok()?))
            }
            Some(_) => return None,
            None => (place, None),
        };
        Some(Uri {
            sips,
            user,
            host: Host::plain(host)?,
            port,
            params: Cow::Borrowed(params),
        })
    }

    fn any(text: &str) -> Option<Uri<'static>> {
        let uri: SipUri = text.parse().ok()?;
        let user = match &uri.user_part {
            SipUriUserPart::Empty => None,
            SipUriUserPart::User(user) => Some(&**user),
            SipUriUserPart::UserPw(both) => Some(&*both.user),
        };
        Some(Uri {
            sips: uri.sips,
            user: user.filter(|user| !user.is_empty()).map(owned),
            host: uri.host_port.host.into(),
            port: uri.host_port.port,
            params: Cow::Owned(uri.uri_params.to_string()),
        })
    }
}

impl<'a> Host<'a> {
    /// `None` for text that is not a plain host; it may still be a host.
    fn plain(text: &'a str) -> Option<Host<'a>> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            let ip: Ipv4Addr = text.parse().ok()?;
            return Some(Host::Ip(ip.into()));
        }
        is_plain_name(text).then_some(Host::Name(Cow::Borrowed(text)))
    }
}

impl Host<'_> {
    pub(super) fn push_to(&self, out: &mut String) {
        match self {
            Host::Ip(ip @ IpAddr::V4(_)) => push_ip(out, *ip),
            Host::Ip(ip) => {
                out.push('[');
                push_ip(out, *ip);
                out.push(']');
            }
            Host::Name(name) => out.push_str(name),
        }
    }
}

/// Labels of letters, digits and inner hyphens.
fn is_plain_name(text: &str) -> bool {
    let mut last = b'.';
    for byte in text.bytes() {
        let fits = match byte {
            b'.' => last != b'.' && last != b'-',
            b'-' => last != b'.',
            _ => byte.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
        last = byte;
    }
    last.is_ascii_alphanumeric()
}

fn is_plain_user(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

/// Whether the text is empty, or consists of `;name` and `;name=value` without escapes and quotes.
fn are_plain_params(text: &str) -> bool {
    let mut has_value = false;
    text.bytes().all(|byte| match byte {
        b';' => {
            has_value = false;
            true
        }
        b'=' => !std::mem::replace(&mut has_value, true),
        _ => byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$".contains(&byte),
    })
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

impl From<IpAddr> for Host<'_> {
    fn from(ip: IpAddr) -> Self {
        Host::Ip(ip)
    }
}

impl From<host::Host> for Host<'_> {
    fn from(host: host::Host) -> Self {
        match host {
            host::Host::IP4(ip) => Host::Ip(ip.into()),
            host::Host::IP6(ip) => Host::Ip(ip.into()),
            host::Host::Name(name) => Host::Name(owned(&name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Uri;

    /// Every combination of usual and unusual parts.
    fn texts() -> impl Iterator<Item = String> {
        const SCHEMES: &[&str] = &["sip:", "SIPS:", "tel:", "sip", "sipx:", ""];
        const USERS: &[&str] = &[
            "",
            "@",
            "alice@",
            "+49-30.(1)@",
            "a%40b@",
            "a:pw@",
            "a;x=1@",
            "é@",
            "a b@",
            "a@b@",
            "a?b@",
            "a/b,c@",
        ];
        const HOSTS: &[&str] = &[
            "",
            "example.com",
            "EXAMPLE.com.",
            "a-b.c",
            "-a.b",
            "a-.b",
            "a..b",
            ".a",
            "a_b",
            "10.0.0.7",
            "010.0.0.7",
            "10.0.0.256",
            "10.0.0.7.example.com",
            "1a.b",
            "123",
            "[::1]",
            "[::1",
            "::1",
            "bücher.example",
            "a%62c",
        ];
        const PORTS: &[&str] = &["", ":", ":5061", ":05061", ":65536", ":+1", ":1x", ": 1"];
        const PARAMS: &[&str] = &[
            "",
            ";",
            ";;",
            ";lr",
            ";transport=TLS;ob",
            ";a=",
            ";=",
            ";a=b=c",
            ";a=%41",
            ";a=\"q\"",
            "; lr",
            ";lr ",
            ";x=a@b",
            "?a=b",
            ";lr?a=b",
            ";é",
            ";a=[::1]:5",
            ";maddr=1,2",
        ];
        let all = |parts: &'static [&str]| parts.iter().copied();
        all(SCHEMES).flat_map(move |scheme| {
            all(USERS).flat_map(move |user| {
                all(HOSTS).flat_map(move |host| {
                    all(PORTS).flat_map(move |port| {
                        all(PARAMS).map(move |params| format!("{scheme}{user}{host}{port}{params}"))
                    })
                })
            })
        })
    }

    #[test]
    fn a_plain_uri_is_what_the_library_says_it_is() {
        let mut plain = 0;
        for text in texts() {
            if let Some(uri) = Uri::plain(&text) {
                assert_eq!(Some(uri), Uri::any(&text), "{text}");
                plain += 1;
            }
        }
        assert!(plain > 400, "{plain}");
    }

    #[test]
    fn what_phones_write_is_plain() {
        for text in [
            "sip:example.com",
            "sip:+4930123456@example.com",
            "sips:alice@10.0.0.7:50611",
            "SIP:alice@pbx-1.example.com:5061;transport=TLS;ob",
        ] {
            assert!(Uri::plain(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_is_read_all_the_same() {
        let uri =
            Uri::parse("sips:%61lice:secret@[2001:db8::1]:5061;a=%62?subject=x").expect("a URI");
        assert!(uri.sips);
        assert_eq!(uri.user(), Some("alice"));
        assert_eq!(uri.address_of_record(), "alice@[2001:db8::1]");
        assert_eq!((uri.port, &*uri.params), (Some(5061), ";a=b"));
    }
}
