//! The header names the switch acts on, in their long and compact forms (RFC 3261 7.3.3).

/// A header name; `Other` for headers that the switch only forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderName {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    Route,
    MaxForwards,
    Expires,
    Require,
    ProxyRequire,
    Authorization,
    ProxyAuthorization,
    WwwAuthenticate,
    ProxyAuthenticate,
    UserAgent,
    /// P-Asserted-Identity, P-Preferred-Identity and Remote-Party-ID: an identity that the sender
    /// asserts (RFC 3325).
    Asserted,
    Other,
}

impl HeaderName {
    /// Parses a name, without regard to case.
    pub(super) fn of(text: &str) -> HeaderName {
        // The usual spellings are compared first, because nearly all messages have them.
        match text {
            "Via" => return HeaderName::Via,
            "From" => return HeaderName::From,
            "To" => return HeaderName::To,
            "Call-ID" => return HeaderName::CallId,
            "CSeq" => return HeaderName::CSeq,
            "Contact" => return HeaderName::Contact,
            "Route" => return HeaderName::Route,
            "Max-Forwards" => return HeaderName::MaxForwards,
            _ => {}
        }
        let Some(first) = text.bytes().next() else {
            return HeaderName::Other;
        };
        let (long, name) = match (text.len(), first.to_ascii_lowercase()) {
            (1, b'v') => return HeaderName::Via,
            (1, b'f') => return HeaderName::From,
            (1, b't') => return HeaderName::To,
            (1, b'i') => return HeaderName::CallId,
            (1, b'm') => return HeaderName::Contact,
            (2, b't') => ("to", HeaderName::To),
            (3, b'v') => ("via", HeaderName::Via),
            (4, b'f') => ("from", HeaderName::From),
            (4, b'c') => ("cseq", HeaderName::CSeq),
            (5, b'r') => ("route", HeaderName::Route),
            (7, b'c') if text.as_bytes()[1].eq_ignore_ascii_case(&b'a') => {
                ("call-id", HeaderName::CallId)
            }
            (7, b'c') => ("contact", HeaderName::Contact),
            (7, b'e') => ("expires", HeaderName::Expires),
            (7, b'r') => ("require", HeaderName::Require),
            (10, b'u') => ("user-agent", HeaderName::UserAgent),
            (12, b'm') => ("max-forwards", HeaderName::MaxForwards),
            (13, b'p') => ("proxy-require", HeaderName::ProxyRequire),
            (13, b'a') => ("authorization", HeaderName::Authorization),
            (15, b'r') => ("remote-party-id", HeaderName::Asserted),
            (16, b'w') => ("www-authenticate", HeaderName::WwwAuthenticate),
            (18, b'p') => ("proxy-authenticate", HeaderName::ProxyAuthenticate),
            (19, b'p') if text.as_bytes()[1] == b'-' => {
                ("p-asserted-identity", HeaderName::Asserted)
            }
            (19, b'p') => ("proxy-authorization", HeaderName::ProxyAuthorization),
            (20, b'p') => ("p-preferred-identity", HeaderName::Asserted),
            _ => return HeaderName::Other,
        };
        if text.eq_ignore_ascii_case(long) {
            name
        } else {
            HeaderName::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HeaderName;

    #[test]
    fn long_and_compact_names_are_the_same_header() {
        for (text, name) in [
            ("Via", HeaderName::Via),
            ("v", HeaderName::Via),
            ("FROM", HeaderName::From),
            ("f", HeaderName::From),
            ("To", HeaderName::To),
            ("t", HeaderName::To),
            ("CALL-ID", HeaderName::CallId),
            ("i", HeaderName::CallId),
            ("cSeq", HeaderName::CSeq),
            ("Contact", HeaderName::Contact),
            ("m", HeaderName::Contact),
            ("Proxy-Authorization", HeaderName::ProxyAuthorization),
            ("P-Asserted-Identity", HeaderName::Asserted),
            ("p-preferred-identity", HeaderName::Asserted),
            ("Remote-Party-ID", HeaderName::Asserted),
            ("X-Via", HeaderName::Other),
            ("Callxid", HeaderName::Other),
            ("", HeaderName::Other),
        ] {
            assert_eq!(HeaderName::of(text), name, "{text}");
        }
    }
}
