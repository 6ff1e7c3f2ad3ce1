//! The hosts that the switch is responsible for.

use std::net::IpAddr;
use std::sync::Arc;

use sipward::sip::{Host, SipUri};

use super::config::SwitchConfig;
use super::effects::{Effects, FlowId};

/// The served domains.
#[derive(Debug)]
pub(super) struct Domains {
    hosts: Vec<OwnHost>,
}

/// A served host, in a form that can be compared.
#[derive(Debug)]
enum OwnHost {
    /// Without a final dot.
    Name(String),
    Ip(IpAddr),
}

impl Domains {
    pub(super) fn new(config: &SwitchConfig) -> Domains {
        Domains {
            hosts: config
                .domains
                .iter()
                .map(|name| OwnHost::of(name))
                .collect(),
        }
    }

    /// Whether the URI is of a served domain. Ports are not compared: a phone may reach the switch
    /// through a port it does not know of.
    pub(super) fn serve(&self, uri: &SipUri<'_>) -> bool {
        self.hosts.iter().any(|ours| ours.is(&uri.host))
    }
}

/// What a peer knows the switch by.
pub(super) struct KnownAs {
    /// `host[:port]` that it connected to, or that is advertised to it.
    pub(super) address: Arc<str>,
    /// The name that it asked for in its TLS handshake. Many phones have an outbound proxy of a name
    /// that is no domain, and write it into Route.
    server_name: Option<Arc<str>>,
}

impl KnownAs {
    pub(super) fn on<E: Effects>(flow: FlowId, effects: &E) -> KnownAs {
        KnownAs {
            address: effects.address(flow),
            server_name: effects.server_name(flow),
        }
    }

    /// Whether the URI names the switch so. Ports are not compared.
    pub(super) fn is(&self, uri: &SipUri<'_>) -> bool {
        let names = [Some(&self.address), self.server_name.as_ref()];
        names
            .into_iter()
            .flatten()
            .any(|name| Host::with_port(name).is_ok_and(|(host, _)| host.is_same(&uri.host)))
    }
}

impl OwnHost {
    fn of(name: &str) -> OwnHost {
        let inner = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match inner.unwrap_or(name).parse() {
            Ok(ip) => OwnHost::Ip(ip),
            Err(_) => OwnHost::Name(name.strip_suffix('.').unwrap_or(name).to_owned()),
        }
    }

    fn is(&self, host: &Host<'_>) -> bool {
        match (self, host) {
            (OwnHost::Name(ours), Host::Name(other)) => {
                let other = other.strip_suffix('.').unwrap_or(other);
                ours.eq_ignore_ascii_case(other)
            }
            (OwnHost::Ip(ours), other) => other.ip() == Some(*ours),
            _ => false,
        }
    }
}
