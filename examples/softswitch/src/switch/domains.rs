//! The hosts that the switch is responsible for, and the address it writes into messages.

use std::net::IpAddr;

use ezk_sip_types::host::{self, HostPort};

use super::config::SwitchConfig;
use super::uri::{Host, Uri};

/// The served domains and the advertised address.
#[derive(Debug)]
pub(super) struct Domains {
    /// Served domains first, the advertised host last.
    hosts: Vec<Host<'static>>,
    /// `host[:port]` for Via, Record-Route and Contact.
    pub(super) advertise: String,
}

impl Domains {
    pub(super) fn new(config: &SwitchConfig) -> Domains {
        let mut hosts: Vec<_> = config.domains.iter().map(|name| host(name)).collect();
        if let Ok(advertised) = config.advertise.parse::<HostPort>() {
            hosts.push(advertised.host.into());
        }
        Domains {
            hosts,
            advertise: config.advertise.clone(),
        }
    }

    /// Whether the URI is of a served domain or of the advertised host. Ports are not compared: a
    /// phone may reach the switch through a port it does not know of.
    pub(super) fn serve(&self, uri: &Uri<'_>) -> bool {
        self.hosts.iter().any(|ours| match (ours, &uri.host) {
            (Host::Name(ours), Host::Name(other)) => {
                without_dot(ours).eq_ignore_ascii_case(without_dot(other))
            }
            (ours, other) => ours == other,
        })
    }
}

fn host(name: &str) -> Host<'static> {
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.into(),
        Err(_) => match name.parse::<host::Host>() {
            Ok(host) => host.into(),
            Err(_) => Host::Name(name.to_owned().into()),
        },
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
