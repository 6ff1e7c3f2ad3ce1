//! The facts of a certificate that matter to SIP (RFC 5922 §7.1), read from its DER.

use sha2::{Digest, Sha256};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

/// The facts of one X.509 certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// The subject's distinguished name, as text.
    pub subject: String,
    /// The issuer's distinguished name, as text.
    pub issuer: String,
    /// The serial number, in colon-separated hexadecimal.
    pub serial: String,
    /// The start of its validity.
    pub not_before: SystemTime,
    /// The end of its validity.
    pub not_after: SystemTime,
    /// The DNS names of the subjectAltName, in lower case.
    pub dns_names: Vec<String>,
    /// The URIs of the subjectAltName.
    pub uris: Vec<String>,
    /// The IP addresses of the subjectAltName.
    pub ip_addresses: Vec<IpAddr>,
    /// The common name of the subject.
    pub common_name: Option<String>,
    /// SHA-256 over the DER, in lower-case hexadecimal.
    pub fingerprint: String,
}

/// The bytes are not an X.509 certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACertificate;

impl Certificate {
    /// Reads a certificate. Nothing about it is verified.
    ///
    /// # Errors
    /// When the bytes are not one DER-encoded X.509 certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| NotACertificate)?;
        let mut dns_names = Vec::new();
        let mut uris = Vec::new();
        let mut ip_addresses = Vec::new();
        for extension in certificate.extensions() {
            let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension()
            else {
                continue;
            };
            for name in &names.general_names {
                match name {
                    GeneralName::DNSName(dns) => dns_names.push(dns.to_ascii_lowercase()),
                    GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                    GeneralName::IPAddress(octets) => ip_addresses.extend(ip_address(octets)),
                    _ => {}
                }
            }
        }
        let common_name = certificate
            .subject()
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok())
            .map(str::to_owned);
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.raw_serial_as_string(),
            not_before: time(certificate.validity().not_before.timestamp()),
            not_after: time(certificate.validity().not_after.timestamp()),
            dns_names,
            uris,
            ip_addresses,
            common_name,
            fingerprint: Sha256::digest(der)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }

    /// The SIP domains this certificate speaks for, in lower case (RFC 5922 §7.1): the `sip:` URIs
    /// without a user part; else the DNS names; and the common name only when the subjectAltName
    /// names nothing at all.
    pub fn identities(&self) -> Vec<String> {
        let domains: Vec<String> = self.uris.iter().filter_map(|uri| sip_domain(uri)).collect();
        if !domains.is_empty() {
            return domains;
        }
        if !self.dns_names.is_empty() || !self.uris.is_empty() || !self.ip_addresses.is_empty() {
            return self.dns_names.clone();
        }
        let named = self.common_name.iter();
        named.map(|name| name.to_ascii_lowercase()).collect()
    }

    /// Whether this certificate speaks for the SIP domain: compared without case, and never by wildcard
    /// (RFC 5922 §7.2). RFC 5922 has no rule for IP addresses: a certificate speaks for an IP address
    /// that stands in its subjectAltName, by itself or in a `sip:` URI.
    pub fn speaks_for(&self, domain: &str) -> bool {
        let Some(address) = literal(domain) else {
            // The dot of the DNS root stands in no certificate.
            let domain = domain.strip_suffix('.').unwrap_or(domain);
            let mut identities = self.identities().into_iter();
            return identities.any(|identity| identity.eq_ignore_ascii_case(domain));
        };
        let mut by_uri = self.uris.iter().filter_map(|uri| sip_domain(uri));
        self.ip_addresses.contains(&address) || by_uri.any(|host| literal(&host) == Some(address))
    }

    /// Whether a web browser would accept this certificate for the host (RFC 9525 §6): DNS names, whose
    /// leftmost label may be a wildcard, and IP addresses; no URI and no common name. Only for
    /// comparison: SIP goes by [`Certificate::speaks_for`].
    ///
    /// `host` is a DNS name or an IP address, in brackets or not.
    pub fn would_serve_https(&self, host: &str) -> bool {
        match literal(host) {
            Some(address) => self.ip_addresses.contains(&address),
            None => self.dns_names.iter().any(|name| covers(name, host)),
        }
    }
}

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these bytes are not a DER-encoded X.509 certificate")
    }
}

impl std::error::Error for NotACertificate {}

/// The domain of a `sip:` URI without a user part.
fn sip_domain(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    let host = rest.split([';', '?']).next()?;
    let host = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') && port.bytes().all(|b| b.is_ascii_digit()) => {
            name
        }
        _ => host,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The IP address that a host is, with or without the brackets of IPv6; `None` for a name.
fn literal(host: &str) -> Option<IpAddr> {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bracketed.unwrap_or(host).parse().ok()
}

/// The octets of an iPAddress (RFC 5280 §4.2.1.6).
fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(four).into());
    }
    let sixteen = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(sixteen).into())
}

/// RFC 9525 §6.3: a wildcard stands for exactly one label, the leftmost.
fn covers(name: &str, host: &str) -> bool {
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((label, rest))) => {
            !label.is_empty() && parent.eq_ignore_ascii_case(rest)
        }
        (Some(_), None) => false,
        (None, _) => name.eq_ignore_ascii_case(host),
    }
}

fn time(seconds: i64) -> SystemTime {
    let magnitude = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(magnitude)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(magnitude)
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, string::Ia5String};

    fn certificate(common_name: &str, dns: &[&str], uris: &[&str]) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        for name in dns {
            let name = Ia5String::try_from(*name).unwrap();
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        for uri in uris {
            let uri = Ia5String::try_from(*uri).unwrap();
            params.subject_alt_names.push(SanType::URI(uri));
        }
        let der = params.self_signed(&key).unwrap();
        Certificate::from_der(der.der()).unwrap()
    }

    #[test]
    fn a_sip_uri_goes_before_a_dns_name() {
        let certificate = certificate("cn", &["dns.example"], &["sip:Example.COM"]);
        assert_eq!(certificate.identities(), ["example.com"]);
        assert!(certificate.speaks_for("EXAMPLE.com"));
        assert!(!certificate.speaks_for("dns.example"));
    }

    #[test]
    fn a_uri_with_a_user_part_names_no_domain() {
        let certificate = certificate("cn", &["dns.example"], &["sip:alice@example.com"]);
        assert_eq!(certificate.identities(), ["dns.example"]);
    }

    #[test]
    fn the_common_name_counts_only_when_nothing_else_does() {
        assert_eq!(
            certificate("Cn.Example", &[], &[]).identities(),
            ["cn.example"]
        );
    }

    #[test]
    fn upper_case_and_a_dot_at_the_end_make_no_difference_to_the_domain() {
        let certificate = certificate("cn", &["PBX.example.com"], &[]);
        for domain in ["pbx.example.com", "Pbx.Example.com", "pbx.example.com."] {
            assert!(certificate.speaks_for(domain), "{domain}");
        }
        assert!(!certificate.speaks_for("pbx.example.com.."));
    }

    #[test]
    fn a_wildcard_matches_nobody() {
        let certificate = certificate("cn", &["*.example.com"], &[]);
        assert!(!certificate.speaks_for("pbx.example.com"));
    }

    #[test]
    fn a_browser_lets_a_wildcard_stand_for_one_label() {
        let certificate = certificate("cn", &["*.example.com"], &["sip:example.com"]);
        assert!(certificate.would_serve_https("PBX.example.com"));
        assert!(!certificate.would_serve_https("a.b.example.com"));
        assert!(!certificate.would_serve_https("example.com"));
        assert!(!certificate.would_serve_https(".example.com"));
        assert!(!certificate.would_serve_https("cn"));
    }

    #[test]
    fn an_address_is_spoken_for_by_itself_alone() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        let address = "2001:db8::1".parse().unwrap();
        params.subject_alt_names = vec![SanType::IpAddress(address)];
        params.distinguished_name.push(DnType::CommonName, "pbx");
        let der = params.self_signed(&key).unwrap();
        let certificate = Certificate::from_der(der.der()).unwrap();
        for host in ["2001:db8::1", "[2001:DB8:0::1]"] {
            assert!(certificate.speaks_for(host));
            assert!(certificate.would_serve_https(host));
        }
        assert!(!certificate.speaks_for("2001:db8::2"));
        assert!(!certificate.speaks_for("pbx"));
    }

    #[test]
    fn junk_is_an_error() {
        assert_eq!(Certificate::from_der(b"junk"), Err(NotACertificate));
    }
}
