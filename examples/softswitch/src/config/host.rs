//! Hosts in the form of SIP URIs.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use sipward::sip::Host;

/// A host, perhaps with a port (`hostport` of RFC 3261 section 25.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Lower-case name, IPv4 address, or IPv6 address in brackets.
    pub host: String,
    pub port: Option<u16>,
}

/// The text is not a host, or not a host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAHost;

/// The host as a SIP URI has it: names in lower case without a final dot, IPv6
/// addresses in their shortest form and in brackets. Exactly the hosts are accepted that can be
/// read in a URI, because no phone could name another.
pub fn canonical(text: &str) -> Result<String, NotAHost> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(of_address(IpAddr::V6(address)));
    }
    let name = match Host::with_port(text) {
        Ok((Host::Name(name), None)) => name,
        Ok((host, None)) => return host.ip().map(of_address).ok_or(NotAHost),
        _ => return Err(NotAHost),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    Ok(name.to_ascii_lowercase())
}

/// The address as the host of a SIP URI.
pub fn of_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// This machine's name, if the system has it in a file and it is a valid host.
pub fn host_name() -> Option<String> {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .find_map(|text| canonical(text.trim()).ok())
}

impl FromStr for HostPort {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        if let Ok(host) = canonical(text) {
            return Ok(Self { host, port: None });
        }
        let (host, port) = text.rsplit_once(':').ok_or(NotAHost)?;
        if host.contains(':') && !host.starts_with('[') {
            return Err(NotAHost);
        }
        let port: u16 = port.parse().map_err(|_| NotAHost)?;
        if port == 0 {
            return Err(NotAHost);
        }
        Ok(Self {
            host: canonical(host)?,
            port: Some(port),
        })
    }
}

impl HostPort {
    /// With this port, if it has none.
    pub fn with_port(&self, port: u16) -> Self {
        Self {
            host: self.host.clone(),
            port: self.port.or(Some(port)),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => f.write_str(&self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

impl fmt::Display for NotAHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a host name, an IPv4 address or an IPv6 address in brackets; a port, if any, is 1 to 65535")
    }
}

impl std::error::Error for NotAHost {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        HostPort::from_str(text).ok().map(|host| host.to_string())
    }

    #[test]
    fn hosts_are_brought_into_the_form_of_sip_uris() {
        for (text, expected) in [
            ("SIP.Example.com.", "sip.example.com"),
            ("sip.example.com:5071", "sip.example.com:5071"),
            ("192.0.2.1:5061", "192.0.2.1:5061"),
            ("::1", "[::1]"),
            ("[2001:DB8:0::1]", "[2001:db8::1]"),
            ("[::1]:5061", "[::1]:5061"),
            ("my_host", "my_host"),
            ("Bücher.example", "bücher.example"),
            ("1a.b-c", "1a.b-c"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_host() {
        for text in [
            "",
            ".",
            "a..b",
            "-a",
            "a b",
            "alice@example.com",
            "sip:example.com",
            "1.2.3",
            "256.1.1.1",
            "example.com:0",
            "example.com:65536",
            "example.com:",
            "[::1",
            "::1]:5061",
            "[example.com]",
            "1:2:5061",
            "[fe80::1%eth0]",
            "a/b",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
