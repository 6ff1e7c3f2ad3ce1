//! Via headers (RFC 3261 §20.42, RFC 3581).

use super::Problem;
use super::lex::{Pieces, is_space, text, token, trim, trim_start};
use super::params::{Param, Params};
use super::uri::Host;
use std::borrow::Cow;
use std::net::IpAddr;

/// One Via of a message.
///
/// ```
/// use sipward::sip::Via;
///
/// let via = Via::parse(b"SIP / 2.0 / TLS 192.0.2.7:5061 ;branch=z9hG4bK77;rport")?;
/// assert_eq!((via.transport, via.sent_by), ("TLS", "192.0.2.7:5061"));
/// assert_eq!(via.branch().as_deref(), Some("z9hG4bK77"));
/// assert!(via.params.has("rport"));
/// # Ok::<(), sipward::sip::Problem>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// All of it, as it stands.
    pub raw: &'a [u8],
    /// The transport as it stands: `TLS`, `UDP`, or any other token (RFC 4475 §3.1.1.12).
    pub transport: &'a str,
    /// The sender's name for itself, as it stands. Not always a name or an address: phones do write others.
    pub sent_by: &'a str,
    /// The parameters.
    pub params: Params<'a>,
    branch: Option<Param<'a>>,
}

impl<'a> Via<'a> {
    /// Reads one Via; a comma outside quotes ends it, see [`Via::first`].
    ///
    /// # Errors
    /// [`Problem::Token`] without protocol or transport, [`Problem::Version`] for another protocol than SIP/2.0,
    /// [`Problem::Host`] without sent-by, [`Problem::Leftover`], and those of [`Params::parse`].
    pub fn parse(raw: &'a [u8]) -> Result<Self, Problem> {
        let raw = trim(raw);
        // Nearly all senders leave out the blanks that may stand here.
        let after_protocol = match raw.strip_prefix(b"SIP/2.0/") {
            Some(rest) => trim_start(rest),
            None => {
                let (protocol, rest) = token(raw).ok_or(Problem::Token)?;
                let (version, rest) = token(after_slash(rest)?).ok_or(Problem::Token)?;
                if !protocol.eq_ignore_ascii_case("SIP") || version != "2.0" {
                    return Err(Problem::Version);
                }
                after_slash(rest)?
            }
        };
        let (transport, rest) = token(after_protocol).ok_or(Problem::Token)?;
        if !rest.first().is_some_and(|byte| is_space(*byte)) {
            return Err(Problem::Host);
        }
        let end = rest.iter().position(|byte| *byte == b';');
        let (sent_by, params) = rest.split_at(end.unwrap_or(rest.len()));
        // White space may stand around the colon before the port.
        let sent_by = text(trim(sent_by)).filter(|text| !text.is_empty());
        let sent_by = sent_by.ok_or(Problem::Host)?;
        if sent_by.contains([',', '"', '<', '>']) {
            return Err(Problem::Leftover);
        }
        let mut branch = None;
        let params = Params::parse_with(params, |param| {
            if branch.is_none() && param.is("branch") {
                branch = Some(*param);
            }
        })?;
        Ok(Self {
            raw,
            transport,
            sent_by,
            params,
            branch,
        })
    }

    /// The first Via of a header's value, and what follows its comma.
    ///
    /// # Errors
    /// Those of [`Via::parse`].
    pub fn first(value: &'a [u8]) -> Result<(Self, Option<&'a [u8]>), Problem> {
        let mut pieces = Pieces::new(value, b',');
        let first = pieces.next().ok_or(Problem::Empty)?;
        let via = Self::parse(first)?;
        let rest = pieces.next().map(|next| {
            // Both point into the value.
            let at = next.as_ptr() as usize - value.as_ptr() as usize;
            trim(&value[at..])
        });
        Ok((via, rest))
    }

    /// The branch parameter; `None` when there is none, or an empty one.
    pub fn branch(&self) -> Option<Cow<'a, str>> {
        self.branch
            .map(|branch| branch.value())
            .filter(|branch| !branch.is_empty())
    }

    /// Whether the branch was made by RFC 3261 §8.1.1.7: it begins with `z9hG4bK` and goes on.
    pub fn has_magic_cookie(&self) -> bool {
        let branch = self.branch().unwrap_or_default();
        branch
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("z9hG4bK"))
            && branch.len() > 7
    }

    /// The address in sent-by; `None` when it names a host, or nothing that can be read.
    pub fn ip(&self) -> Option<IpAddr> {
        let compact: Cow<'_, str> = match self.sent_by.contains([' ', '\t', '\r', '\n']) {
            true => self
                .sent_by
                .split_ascii_whitespace()
                .collect::<String>()
                .into(),
            false => self.sent_by.into(),
        };
        let (host, _) = Host::with_port(&compact).ok()?;
        host.ip()
    }
}

fn after_slash(rest: &[u8]) -> Result<&[u8], Problem> {
    trim(rest)
        .strip_prefix(b"/")
        .map(trim_start)
        .ok_or(Problem::Token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vias_in_one_line_come_one_after_the_other() {
        let line = b"SIP/2.0/TLS a;branch=z9hG4bK1;x=\",\" ,\r\n SIP/2.0/UDP b, SIP/2.0/TCP c";
        let (first, rest) = Via::first(line).unwrap();
        assert_eq!((first.transport, first.sent_by), ("TLS", "a"));
        let (second, rest) = Via::first(rest.unwrap()).unwrap();
        assert_eq!((second.transport, second.sent_by), ("UDP", "b"));
        let (third, rest) = Via::first(rest.unwrap()).unwrap();
        assert_eq!((third.sent_by, rest), ("c", None));
    }

    #[test]
    fn the_address_of_the_sender_is_read_in_every_form() {
        for (sent_by, ip) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7:5061", Some("192.0.2.7")),
            ("192.0.2.7 : 5061", Some("192.0.2.7")),
            ("[2001:db8::1]:5061", Some("2001:db8::1")),
            ("pbx_dev", None),
            ("example.com:5061", None),
            ("*", None),
        ] {
            let text = format!("SIP/2.0/TLS {sent_by};branch=z9hG4bK1");
            let via = Via::parse(text.as_bytes()).expect(sent_by);
            assert_eq!(via.ip(), ip.map(|ip| ip.parse().unwrap()), "{sent_by}");
        }
    }

    #[test]
    fn what_is_no_via_is_refused() {
        for (text, problem) in [
            ("", Problem::Token),
            ("SIP/2.0", Problem::Token),
            ("SIP/7.0/TLS a", Problem::Version),
            ("HTTP/2.0/TLS a", Problem::Version),
            ("SIP/2.0/TLS", Problem::Host),
            ("SIP/2.0/TLS ;branch=1", Problem::Host),
            ("SIP/2.0/TLS a, SIP/2.0/TLS b", Problem::Leftover),
            ("SIP/2.0/TLS a;=1", Problem::Parameter),
        ] {
            assert_eq!(Via::parse(text.as_bytes()), Err(problem), "{text}");
        }
    }

    #[test]
    fn the_magic_cookie_alone_is_no_branch() {
        let cookie = |branch: &str| {
            let text = format!("SIP/2.0/TLS a;branch={branch}");
            Via::parse(text.as_bytes()).unwrap().has_magic_cookie()
        };
        assert!(cookie("z9hG4bK1") && cookie("Z9HG4BK1"));
        assert!(!cookie("z9hG4bK") && !cookie("1"));
    }
}
