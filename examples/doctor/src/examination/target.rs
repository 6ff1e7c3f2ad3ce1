//! The server to examine: the part of a SIP URI that is needed to connect (RFC 3261 §19.1).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A SIP server to connect to by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether the scheme is `sips`; otherwise it is `sip` with `transport=tls`.
    pub sips: bool,
    /// A DNS name, or an IP address without brackets.
    pub host: String,
    /// The port, if the URI names one.
    pub port: Option<u16>,
}

impl Target {
    /// The host if it is an IP address.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl FromStr for Target {
    type Err = String;

    /// Reads `sips:host[:port]`, `sip:host[:port];transport=tls`, or `host[:port]`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sips, rest) = match text.split_once(':') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sips") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sip") => (false, rest),
            _ => (true, text),
        };
        let host_port = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
        let host_port = host_port.split([';', '?']).next().unwrap_or_default();
        let (host, port) = split(host_port)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_address = host.parse::<Ipv6Addr>().is_ok();
        if host.is_empty() || !(is_address || host.bytes().all(is_name)) {
            return Err(format!("`{host}` is neither a host name nor an IP address"));
        }
        Ok(Self {
            sips,
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl fmt::Display for Target {
    /// The Request-URI of a request to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sips { "sips:" } else { "sip:" })?;
        match self.address() {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            _ => f.write_str(&self.host)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(if self.sips { "" } else { ";transport=tls" })
    }
}

fn split(host_port: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = if let Some(rest) = host_port.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .ok_or_else(|| format!("`{host_port}` lacks its closing bracket"))?;
        (host, after.strip_prefix(':'))
    } else if host_port.parse::<Ipv6Addr>().is_ok() {
        (host_port, None)
    } else {
        match host_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_port, None),
        }
    };
    let Some(port) = port else {
        return Ok((host, None));
    };
    match port.parse() {
        Ok(0) | Err(_) => Err(format!("`{port}` is not a port")),
        Ok(number) => Ok((host, Some(number))),
    }
}
