//! What is wrong with a server name, as far as it can be said in a word.

use crate::cause::ServerNameDefect;
use tls_parser::SNIType;

/// The type of a host name, the only one there is (RFC 6066 section 3).
const HOST_NAME: SNIType = SNIType(0);

/// Why these names are not one host name; `None` when nothing of what is known is wrong with them.
pub(super) fn defect(names: &[(SNIType, &[u8])]) -> Option<ServerNameDefect> {
    let mut hosts = names.iter().filter(|(kind, _)| *kind == HOST_NAME);
    let Some((_, name)) = hosts.next() else {
        return Some(ServerNameDefect::Missing);
    };
    if hosts.next().is_some() {
        return Some(ServerNameDefect::Several);
    }
    of_name(name)
}

fn of_name(name: &[u8]) -> Option<ServerNameDefect> {
    let has = |wanted: &[u8]| name.iter().any(|byte| wanted.contains(byte));
    if name.is_empty() {
        return Some(ServerNameDefect::Empty);
    }
    if !name.is_ascii() {
        return Some(ServerNameDefect::NotAscii);
    }
    if has(b"@;/<>?") || has_scheme(name) {
        return Some(ServerNameDefect::Uri);
    }
    if has(b"[]") {
        return Some(ServerNameDefect::Brackets);
    }
    if has_port(name) {
        return Some(ServerNameDefect::Port);
    }
    has(b"*").then_some(ServerNameDefect::Wildcard)
}

/// Whether the name begins with the scheme of a URI that phones are set to.
fn has_scheme(name: &[u8]) -> bool {
    let mut pieces = name.splitn(2, |byte| *byte == b':');
    let scheme = pieces.next().unwrap_or_default();
    let schemes = ["sip", "sips", "tel", "tls"];
    pieces.next().is_some()
        && schemes
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether the name is a host with a port behind its only colon.
fn has_port(name: &[u8]) -> bool {
    let mut pieces = name.split(|byte| *byte == b':');
    let host = pieces.next().unwrap_or_default();
    let digits = |port: &[u8]| port.iter().all(u8::is_ascii_digit);
    !host.is_empty() && pieces.next().is_some_and(digits) && pieces.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_that_is_no_host_name_has_its_word() {
        use ServerNameDefect as Defect;
        let rows: [(&[u8], Option<Defect>); 24] = [
            (b"sip.example.com:5061", Some(Defect::Port)),
            (b"192.0.2.1:5061", Some(Defect::Port)),
            (b"sip.example.com:", Some(Defect::Port)),
            (b"[::1]", Some(Defect::Brackets)),
            (b"[2001:db8::1]:5061", Some(Defect::Brackets)),
            (b"[sip.example.com]", Some(Defect::Brackets)),
            (b"sip:example.com", Some(Defect::Uri)),
            (b"SIPS:example.com:5061", Some(Defect::Uri)),
            (b"tls:5061", Some(Defect::Uri)),
            (b"alice@example.com", Some(Defect::Uri)),
            (b"example.com;transport=tls", Some(Defect::Uri)),
            (b"sip:[2001:db8::1];lr", Some(Defect::Uri)),
            (b"https://example.com/", Some(Defect::Uri)),
            (b"*.example.com", Some(Defect::Wildcard)),
            (b"b\xc3\xbccher.example", Some(Defect::NotAscii)),
            (b"b\xfccher.example", Some(Defect::NotAscii)),
            (b"", Some(Defect::Empty)),
            (b"sip .example.com", None),
            (b"fe80::1%eth0", None),
            (b"2001:db8::1", None),
            (b"192.0.2.1", None),
            (b"sip.example.com", None),
            (b"SIP.Example.com.", None),
            (b"pbx_dev.example", None),
        ];
        for (name, expected) in rows {
            let seen = defect(&[(HOST_NAME, name)]);
            assert_eq!(seen, expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn no_host_name_and_two_of_them_are_told_apart() {
        let host: (SNIType, &[u8]) = (HOST_NAME, b"sip.example.com");
        let other: (SNIType, &[u8]) = (SNIType(1), b"x");
        assert_eq!(defect(&[]), Some(ServerNameDefect::Missing));
        assert_eq!(defect(&[other]), Some(ServerNameDefect::Missing));
        assert_eq!(defect(&[other, host]), None);
        assert_eq!(defect(&[host, host]), Some(ServerNameDefect::Several));
    }
}
