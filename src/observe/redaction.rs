//! Shortens or removes addresses in log lines.

use super::Network;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// How much of each address a log line shows: the peer's, our own, and any in another text, for example
/// in a server name.
///
/// Where addresses are shortened, the field `first_bytes` is left out, because the peer's bytes may
/// contain a part of its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redaction {
    /// The whole address.
    #[default]
    None,
    /// Its network: the last octet of an IPv4 address is 0, and so are the last 80 bits of an IPv6
    /// address. Ports stay.
    Network,
    /// `redacted` in place of the address. Ports stay.
    Full,
}

impl Redaction {
    /// The text with every IP address in it shortened.
    ///
    /// ```
    /// use sipward::observe::Redaction;
    ///
    /// let text = "[2001:db8:1:2::3]:5061 is not 192.0.2.7:40112";
    /// let network = Redaction::Network.apply(text);
    /// assert_eq!(network, "[2001:db8:1::]:5061 is not 192.0.2.0:40112");
    /// assert_eq!(Redaction::Full.apply(text), "redacted:5061 is not redacted:40112");
    /// assert_eq!(Redaction::None.apply(text), text);
    /// ```
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        if self == Self::None {
            return Cow::Borrowed(text);
        }
        let mut result = String::new();
        let mut copied = 0;
        let mut at = 0;
        while at < text.len() {
            let Some((length, address)) = address_at(text, at) else {
                at += 1;
                continue;
            };
            result.push_str(&text[copied..at]);
            result.push_str(&self.shortened(address));
            at += length;
            copied = at;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        result.push_str(&text[copied..]);
        Cow::Owned(result)
    }

    fn shortened(self, address: Address) -> String {
        let short = match self {
            Self::None => address.ip().to_string(),
            Self::Network => Network::of(address.ip()).address().to_string(),
            Self::Full => "redacted".to_owned(),
        };
        match address {
            Address::Bare(_) => short,
            Address::WithPort(socket) if short.contains(':') => {
                format!("[{short}]:{}", socket.port())
            }
            Address::WithPort(socket) => format!("{short}:{}", socket.port()),
        }
    }
}

enum Address {
    Bare(IpAddr),
    WithPort(SocketAddr),
}

impl Address {
    const fn ip(&self) -> IpAddr {
        match self {
            Self::Bare(ip) => *ip,
            Self::WithPort(socket) => socket.ip(),
        }
    }
}

/// The longest address that begins at this byte, and its length.
fn address_at(text: &str, at: usize) -> Option<(usize, Address)> {
    let bytes = text.as_bytes();
    let part_of_a_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let begins = at == 0 || !part_of_a_word(&bytes[at - 1]);
    if !begins || !matches!(bytes[at], b'[' | b':' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') {
        return None;
    }
    let is_of_an_address = |byte: &&u8| byte.is_ascii_hexdigit() || b"[]:.".contains(byte);
    let longest = bytes[at..].iter().take_while(is_of_an_address).count();
    (2..=longest.min(LONGEST)).rev().find_map(|length| {
        let ends = !bytes.get(at + length).is_some_and(part_of_a_word);
        let candidate = &text[at..at + length];
        let address = candidate
            .parse()
            .map(Address::WithPort)
            .or_else(|_| candidate.parse().map(Address::Bare));
        address
            .ok()
            .filter(|_| ends)
            .map(|address| (length, address))
    })
}

/// An IPv6 address with an IPv4 address in it, in brackets, and a port.
const LONGEST: usize = "[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (text, network, full) in [
            ("192.0.2.7", "192.0.2.0", "redacted"),
            ("192.0.2.7:5061", "192.0.2.0:5061", "redacted:5061"),
            ("192.0.2.0/24", "192.0.2.0/24", "redacted/24"),
            ("2001:db8:1:2::7", "2001:db8:1::", "redacted"),
            ("[2001:db8::7]:5061", "[2001:db8::]:5061", "redacted:5061"),
            ("[::ffff:192.0.2.7]:5061", "192.0.2.0:5061", "redacted:5061"),
            (
                "sip:bob@192.0.2.7;x",
                "sip:bob@192.0.2.0;x",
                "sip:bob@redacted;x",
            ),
            (
                "sip:192.0.2.7:5061",
                "sip:192.0.2.0:5061",
                "sip:redacted:5061",
            ),
            ("from 192.0.2.7.", "from 192.0.2.0.", "from redacted."),
            (
                "192.0.2.7,192.0.2.9",
                "192.0.2.0,192.0.2.0",
                "redacted,redacted",
            ),
        ] {
            assert_eq!(Redaction::Network.apply(text), network);
            assert_eq!(Redaction::Full.apply(text), full);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "",
            "TLSv1.3,TLSv1.2",
            "pbx.example.com",
            "t13d1516h2_8daaf6152771_e5627efa2ab1",
            "core::fmt at 10:20:30",
            "héllo [x]: 1.2.3",
        ] {
            assert_eq!(Redaction::Full.apply(text), text);
        }
    }
}
