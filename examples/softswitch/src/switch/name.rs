//! The header names the switch acts on, in their long and compact forms (RFC 3261 7.3.3).

/// A header name; everything the switch merely passes on is `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
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
    /// What says on somebody's word who a party is: P-Asserted-Identity and its kin (RFC 3325).
    Asserted,
    Other,
}

impl Name {
    /// Names are compared without regard to case.
    pub(super) fn of(text: &str) -> Name {
        // As nearly everybody spells them.
        match text {
            "Via" => return Name::Via,
            "From" => return Name::From,
            "To" => return Name::To,
            "Call-ID" => return Name::CallId,
            "CSeq" => return Name::CSeq,
            "Contact" => return Name::Contact,
            "Route" => return Name::Route,
            "Max-Forwards" => return Name::MaxForwards,
            _ => {}
        }
        let Some(first) = text.bytes().next() else {
            return Name::Other;
        };
        let (long, name) = match (text.len(), first.to_ascii_lowercase()) {
            (1, b'v') => return Name::Via,
            (1, b'f') => return Name::From,
            (1, b't') => return Name::To,
            (1, b'i') => return Name::CallId,
            (1, b'm') => return Name::Contact,
            (2, b't') => ("to", Name::To),
            (3, b'v') => ("via", Name::Via),
            (4, b'f') => ("from", Name::From),
            (4, b'c') => ("cseq", Name::CSeq),
            (5, b'r') => ("route", Name::Route),
            (7, b'c') if text.as_bytes()[1].eq_ignore_ascii_case(&b'a') => {
                ("call-id", Name::CallId)
            }
            (7, b'c') => ("contact", Name::Contact),
            (7, b'e') => ("expires", Name::Expires),
            (7, b'r') => ("require", Name::Require),
            (10, b'u') => ("user-agent", Name::UserAgent),
            (12, b'm') => ("max-forwards", Name::MaxForwards),
            (13, b'p') => ("proxy-require", Name::ProxyRequire),
            (13, b'a') => ("authorization", Name::Authorization),
            (15, b'r') => ("remote-party-id", Name::Asserted),
            (16, b'w') => ("www-authenticate", Name::WwwAuthenticate),
            (18, b'p') => ("proxy-authenticate", Name::ProxyAuthenticate),
            (19, b'p') if text.as_bytes()[1] == b'-' => ("p-asserted-identity", Name::Asserted),
            (19, b'p') => ("proxy-authorization", Name::ProxyAuthorization),
            (20, b'p') => ("p-preferred-identity", Name::Asserted),
            _ => return Name::Other,
        };
        if text.eq_ignore_ascii_case(long) {
            name
        } else {
            Name::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn long_and_compact_names_are_the_same_header() {
        for (text, name) in [
            ("Via", Name::Via),
            ("v", Name::Via),
            ("FROM", Name::From),
            ("f", Name::From),
            ("To", Name::To),
            ("t", Name::To),
            ("CALL-ID", Name::CallId),
            ("i", Name::CallId),
            ("cSeq", Name::CSeq),
            ("Contact", Name::Contact),
            ("m", Name::Contact),
            ("Proxy-Authorization", Name::ProxyAuthorization),
            ("P-Asserted-Identity", Name::Asserted),
            ("p-preferred-identity", Name::Asserted),
            ("Remote-Party-ID", Name::Asserted),
            ("X-Via", Name::Other),
            ("Callxid", Name::Other),
            ("", Name::Other),
        ] {
            assert_eq!(Name::of(text), name, "{text}");
        }
    }
}
