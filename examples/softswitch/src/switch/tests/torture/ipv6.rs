//! RFC 5118: messages with IPv6 addresses. The switch of these tests serves 2001:db8::10.

use super::trial::{Case, SDP, case, request};

const HERE: (&str, &str) = ("192.0.2.7:5061", "[2001:db8::9:1]");
const CONTACT: (&str, &str) = ("<sip:bob@192.0.2.7>", "\"Bob\" <sip:bob@[2001:db8::1]>");

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("ipv6-good", "4.1")
            .says("an address in brackets in the Request-URI, Via and Contact: well formed")
            .sends(|_| request("REGISTER", &[("sip:example.com", "sip:[2001:db8::10]"), HERE, CONTACT], ""))
            .does("answers 200 `OK`")
            .also(|trial| trial.has("\r\nContact: <sip:bob@[2001:db8::1]>;expires=3600\r\n")),
        case("ipv6-bad", "4.2")
            .says("an address without brackets in the Request-URI: 400")
            .sends(|_| request("REGISTER", &[("sip:example.com", "sip:2001:db8::10"), HERE, CONTACT], ""))
            .does("answers 400 `Bad Request-URI: bad host`"),
        case("port-ambiguous", "4.3")
            .says(
                "what was meant as a port stands within the brackets: well formed, and another \
                 address",
            )
            .sends(|_| request("REGISTER", &[("sip:example.com", "sip:[2001:db8::10:5070]"), HERE, CONTACT], ""))
            .does("answers 403 `Domain Not Served`")
            .note("It is read as the other address, which is not served here."),
        case("port-unambiguous", "4.4")
            .says("the port stands behind the brackets: well formed")
            .sends(|_| request("REGISTER", &[("sip:example.com", "sip:[2001:db8::10]:5070"), HERE, CONTACT], ""))
            .does("answers 200 `OK`"),
        case("via-received-param-with-delim", "4.5")
            .says("`received` with brackets, which the grammar lacks: to be read all the same")
            .sends(|_| request("BYE", &[
                ("bob@example.com", "bob@[2001:db8::10]"),
                ("192.0.2.7:5061", "[2001:db8::9:1];received=[2001:db8::9:255]"),
                ("To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=t2"),
            ], ""))
            .does("forwards it")
            .also(|trial| trial.has("[2001:db8::9:1];branch=z9hG4bKtorture;received=10.0.0.1\r\n")),
        case("via-received-param-no-delim", "4.5")
            .says("`received` without brackets: well formed")
            .sends(|_| request("OPTIONS", &[
                ("sip:bob@example.com", "sip:[2001:db8::10]"),
                ("192.0.2.7:5061", "[2001:db8::9:1];received=2001:db8::9:255"),
                CONTACT,
            ], ""))
            .does("answers 200 `OK`")
            .note("The OPTIONS is for the switch itself.")
            .also(|trial| trial.has("[2001:db8::9:1];branch=z9hG4bKtorture;received=10.0.0.1\r\n")),
        case("ipv6-in-sdp", "4.6")
            .says("addresses without brackets in SDP: well formed")
            .sends(|_| request("INVITE", &[
                ("bob@example.com", "bob@[2001:db8::10]"), HERE, CONTACT,
            ], "v=0\r\no=a 1 0 IN IP6 2001:db8::20\r\nc=IN IP6 2001:db8::20\r\n"))
            .does("forwards it"),
        case("mult-ip-in-header", "4.7")
            .says("Vias with IPv4 and IPv6 addresses: well formed")
            .sends(|_| request("BYE", &[
                ("192.0.2.7:5061", "[2001:db8::9:1]:6050"),
                ("Max-Forwards", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjh\n\
                    Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK45;received=192.0.2.200\nMax-Forwards"),
                ("To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=t2"),
            ], ""))
            .does("forwards it")
            .also(|trial| {
                trial.has("Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK45;received=192.0.2.200\r\n");
            }),
        case("mult-ip-in-sdp", "4.8")
            .says("SDP with IPv4 for one medium and IPv6 for the other: well formed")
            .sends(|_| request("INVITE", &[
                ("bob@example.com", "bob@[2001:db8::10]"), HERE, CONTACT,
            ], "v=0\r\nm=audio 2 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 4 RTP/AVP 1\r\nc=IN IP6 2001:db8::1\r\n"))
            .does("forwards it"),
        case("ipv4-mapped-ipv6", "4.9")
            .says("IPv4 addresses mapped into IPv6 in Via, Contact and SDP: well formed")
            .sends(|_| request("INVITE", &[
                ("192.0.2.7:5061", "[::ffff:192.0.2.10]:19823"),
                ("Max-Forwards", "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\nMax-Forwards"),
                ("<sip:bob@192.0.2.7>", "\"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>"),
            ], SDP))
            .does("forwards it"),
        case("ipv6-bug-abnf-3-colons", "4.10")
            .says(
                "three colons, which the grammar of RFC 3261 allowed by mistake: a robust \
                 element may read it",
            )
            .sends(|_| request("OPTIONS", &[("bob@example.com", "bob@[2001:db8:::192.0.2.1]")], ""))
            .does("answers 400 `Bad Request-URI: bad host`")
            .note("Refused on purpose: RFC 5954 has corrected the grammar, and the host decides where a request goes."),
        case("ipv6-correct-abnf-2-colons", "4.10")
            .says("the same with two colons: well formed")
            .sends(|_| request("OPTIONS", &[("bob@example.com", "bob@[2001:db8::192.0.2.1]")], ""))
            .does("forwards it"),
    ]
}
