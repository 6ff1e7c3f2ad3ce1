//! The names that a server certificate is valid for.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::SanType;
use x509_parser::extensions::GeneralName;

use super::CertificateError;

/// Subject alternative names, without repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectNames {
    names: BTreeSet<SubjectName>,
    /// The first domain, used as the common name for people who look at the certificate.
    title: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SubjectName {
    Dns(String),
    Address(IpAddr),
    Uri(String),
}

impl SubjectNames {
    /// The names of a switch: its domains, each as a host and as a SIP URI (RFC
    /// 5922 section 7.1), the hosts it advertises, this machine's name, the
    /// addresses it listens on unless they are wildcards, and the names of the
    /// loopback interface. Hosts are as in SIP URIs, IPv6 addresses in brackets.
    pub fn new<'a>(
        domains: &[String],
        advertised: impl IntoIterator<Item = &'a str>,
        host_name: Option<&str>,
        listened: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let mut names = BTreeSet::new();
        // A certificate has names in ASCII only: of another domain it would have the A-label (RFC
        // 5890), which is a domain of its own here.
        for domain in domains.iter().filter(|domain| domain.is_ascii()) {
            names.insert(SubjectName::of_host(domain));
            names.insert(SubjectName::Uri(format!("sip:{domain}")));
        }
        let advertised = advertised.into_iter().filter(|host| host.is_ascii());
        names.extend(advertised.map(SubjectName::of_host));
        names.extend(host_name.map(SubjectName::of_host));
        names.extend(
            listened
                .into_iter()
                .filter(|address| !address.is_unspecified())
                .map(SubjectName::Address),
        );
        names.insert(SubjectName::Dns("localhost".to_owned()));
        names.insert(SubjectName::Address(Ipv4Addr::LOCALHOST.into()));
        names.insert(SubjectName::Address(Ipv6Addr::LOCALHOST.into()));
        let first = domains.iter().find(|domain| domain.is_ascii());
        let title = first.map_or("softswitch", String::as_str);
        Self {
            names,
            title: title.to_owned(),
        }
    }

    /// A common name, of at most the 64 characters X.520 permits.
    pub(super) fn title(&self) -> &str {
        match self.title.len() {
            0..=64 => &self.title,
            _ => "softswitch",
        }
    }

    pub(super) fn to_extension(&self) -> Result<Vec<SanType>, CertificateError> {
        let entry = |name: &SubjectName| {
            Ok(match name {
                SubjectName::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
                SubjectName::Address(address) => SanType::IpAddress(*address),
                SubjectName::Uri(uri) => SanType::URI(uri.as_str().try_into()?),
            })
        };
        self.names.iter().map(entry).collect()
    }

    /// The names that are not among a certificate's.
    pub(super) fn missing_in(&self, certified: &[GeneralName<'_>]) -> Vec<String> {
        let certified: BTreeSet<SubjectName> =
            certified.iter().filter_map(SubjectName::of_entry).collect();
        self.names
            .difference(&certified)
            .map(ToString::to_string)
            .collect()
    }
}

impl SubjectName {
    fn of_host(host: &str) -> Self {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match bare.unwrap_or(host).parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::Dns(host.to_owned()),
        }
    }

    fn of_entry(entry: &GeneralName<'_>) -> Option<Self> {
        match *entry {
            GeneralName::DNSName(name) => Some(Self::Dns(name.to_owned())),
            GeneralName::URI(uri) => Some(Self::Uri(uri.to_owned())),
            GeneralName::IPAddress(bytes) => {
                let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
                let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
                address.ok().map(Self::Address)
            }
            _ => None,
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Uri(text) => f.write_str(text),
            Self::Address(address) => address.fmt(f),
        }
    }
}
