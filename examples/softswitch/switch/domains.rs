//! Which hosts are the switch itself, and how it names itself in what it writes.

use std::net::IpAddr;

use ezk_sip_types::host::{Host, HostPort};
use ezk_sip_types::uri::SipUri;

use super::config::SwitchConfig;
use super::value;

/// The served domains and the advertised address.
#[derive(Debug)]
pub(super) struct Domains {
    /// Served domains first, the advertised host last.
    hosts: Vec<Host>,
    /// `host[:port]` for Via, Record-Route and Contact.
    pub(super) advertise: String,
}

impl Domains {
    pub(super) fn new(config: &SwitchConfig) -> Domains {
        let mut hosts: Vec<Host> = config.domains.iter().map(|name| host(name)).collect();
        if let Ok(advertised) = config.advertise.parse::<HostPort>() {
            hosts.push(advertised.host);
        }
        Domains {
            hosts,
            advertise: config.advertise.clone(),
        }
    }

    /// Whether the URI is of a served domain or of the advertised host. Ports are not compared: a
    /// phone may reach the switch through a port it does not know of.
    pub(super) fn serve(&self, uri: &SipUri) -> bool {
        let asked = &uri.host_port.host;
        self.hosts.iter().any(|ours| match (ours, asked) {
            (Host::Name(ours), Host::Name(asked)) => {
                without_dot(ours).eq_ignore_ascii_case(without_dot(asked))
            }
            _ => ours == asked,
        })
    }
}

/// `user@host` of a URI, for reports.
pub(super) fn address_of_record(uri: &SipUri) -> String {
    match value::user(uri) {
        Some(user) => format!("{user}@{}", uri.host_port.host),
        None => uri.host_port.host.to_string(),
    }
}

fn host(name: &str) -> Host {
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.into(),
        Err(_) => name
            .parse()
            .unwrap_or_else(|_| Host::Name(name.to_owned().into())),
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
