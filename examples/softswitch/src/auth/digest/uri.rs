//! Compares the `uri` parameter of credentials with the Request-URI.

use std::str::FromStr;

use ezk_sip_types::host::Host;
use ezk_sip_types::uri::SipUri;

const SIPS_PORT: u16 = 5061;

/// Whether both are equal texts, or SIP URIs of the same scheme, user, host and port.
///
/// RFC 7616 section 3.4.6 asks for the same resource, not the same text, and some clients leave out
/// URI parameters. A missing port counts as 5061, the port of SIP over TLS.
pub fn same(digest_uri: &str, request_uri: &str) -> bool {
    if digest_uri == request_uri {
        return true;
    }
    let (Ok(a), Ok(b)) = (SipUri::from_str(digest_uri), SipUri::from_str(request_uri)) else {
        return false;
    };
    a.sips == b.sips
        && a.user_part == b.user_part
        && same_host(&a.host_port.host, &b.host_port.host)
        && a.host_port.port.unwrap_or(SIPS_PORT) == b.host_port.port.unwrap_or(SIPS_PORT)
}

fn same_host(a: &Host, b: &Host) -> bool {
    match (a, b) {
        (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn parameters_host_case_and_the_default_port_make_no_difference() {
        let target = "sip:alice@example.com;transport=tls";
        assert!(same(target, target));
        assert!(same("sip:alice@example.com", target));
        assert!(same("sip:alice@EXAMPLE.com:5061", target));
        assert!(same("sip:%61lice@example.com", target));
    }

    #[test]
    fn another_scheme_user_host_or_port_is_another_target() {
        let target = "sip:alice@example.com";
        for other in [
            "sips:alice@example.com",
            "sip:Alice@example.com",
            "sip:example.com",
            "sip:alice@example.org",
            "sip:alice@example.com:5060",
            "tel:+1",
            "",
        ] {
            assert!(!same(other, target), "{other}");
        }
    }

    #[test]
    fn other_schemes_are_compared_as_text() {
        assert!(same("tel:+1", "tel:+1"));
        assert!(!same("tel:+1", "TEL:+1"));
    }
}
