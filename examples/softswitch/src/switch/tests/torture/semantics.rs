//! RFC 4475 3.2 to 3.4: messages that can be read, and the layers above have to decide.

use super::trial::{Case, SDP, case, request};
use crate::switch::tests::fixture::Fixture;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("badbranch", "3.2.1")
            .says(
                "a branch with the magic cookie and nothing behind it: 400, or the transaction \
                 is told as RFC 2543 does",
            )
            .sends(|_| request("OPTIONS", &[("z9hG4bKtorture", "z9hG4bK")], ""))
            .does("forwards it"),
        case("insuf", "3.3.1")
            .says("no Call-ID, no From, no To: 400")
            .sends(|_| request("INVITE", &[
                ("Call-ID: torture@192.0.2.7\n", ""),
                ("From: <sip:alice@example.com>;tag=t1\n", ""),
                ("To: <sip:bob@example.com>\n", ""),
            ], SDP))
            .does("answers 400 `Missing From`"),
        case("unkscm", "3.3.2")
            .says("an unknown scheme in the Request-URI: 416, whatever To is")
            .sends(|_| request("OPTIONS", &[
                ("sip:bob@example.com", "unknownscheme:opaquecontent"),
            ], ""))
            .does("answers 416 `Unsupported URI Scheme`"),
        case("novelsc", "3.3.3")
            .says("a known scheme that is unusual in a Request-URI: 416 if it is never served")
            .sends(|_| request("OPTIONS", &[
                ("sip:bob@example.com", "soap.beep://192.0.2.103:3002"),
            ], ""))
            .does("answers 416 `Unsupported URI Scheme`"),
        case("unksm2", "3.3.4")
            .says(
                "known schemes in To, From and Contact of a REGISTER: 400, since an address of \
                 record is a SIP URI",
            )
            .sends(|_| request("REGISTER", &[
                ("<sip:bob@example.com>;tag=t1", "<http://www.example.com>;tag=t1"),
                ("To: <sip:bob@example.com>", "To: isbn:2983792873"),
                ("<sip:bob@192.0.2.7>", "<name:John_Smith>"),
            ], ""))
            .does("answers 400 `To Is No SIP URI`"),
        case("bext01", "3.3.5")
            .says(
                "unknown extensions in Require and Proxy-Require: a proxy answers 420 and \
                 names those of Proxy-Require",
            )
            .sends(|_| request("OPTIONS", &[(
                "Contact",
                "Require: onlyForTheUas, andThisToo\nProxy-Require: noProxyHasThis, norThis\nContact",
            )], ""))
            .does("answers 420 `Bad Extension`")
            .also(|trial| trial.has("\r\nUnsupported: noProxyHasThis, norThis\r\n")),
        case("invut", "3.3.6")
            .says("a body of an unknown type: a proxy forwards it")
            .sends(|_| request("INVITE", &[
                ("Contact", "Content-Type: application/unknownformat\nContact"),
            ], "<audio/>\r\n"))
            .does("forwards it")
            .also(|trial| trial.has("\r\n\r\n<audio/>\r\n")),
        case("regaut01", "3.3.7")
            .says(
                "credentials of an unknown scheme: 401 with a challenge, or they are ignored \
                 where none are asked for",
            )
            .at(Fixture::with_authentication)
            .sends(|_| request("REGISTER", &[
                ("Contact", "Authorization: NoOneKnowsThis opaque-data=here\nContact"),
            ], ""))
            .does("answers 401 `Unauthorized`")
            .also(|trial| {
                trial.has("\r\nWWW-Authenticate: ");
                let open = case("", "").sends(|_| {
                    request("REGISTER", &[
                        ("Contact", "Authorization: NoOneKnowsThis opaque-data=here\nContact"),
                    ], "")
                });
                assert_eq!(open.run().done, "answers 200 `OK`");
            }),
        case("multi01", "3.3.8")
            .says("several Call-IDs, Tos, Froms, Max-Forwards and CSeqs: 400")
            .sends(|_| request("INVITE", &[(
                "Contact",
                "CSeq: 59 INVITE\nCall-ID: torture@192.0.2.8\nTo: sip:other@example.net\n\
                 From: sip:caller@example.net;tag=29\nMax-Forwards: 5\nContact",
            )], SDP))
            .does("answers 400 `Repeated From`"),
        case("mcl01", "3.3.9")
            .says(
                "Content-Lengths that contradict each other: an error, and on a stream the \
                 connection is closed",
            )
            .sends(|_| request("OPTIONS", &[
                ("Contact", "Content-Length: 13\nContact"),
            ], "how many bytes?"))
            .does("answers 400 `Conflicting Content-Length`; closes the session"),
        case("bcast", "3.3.10")
            .says("a response whose second Via is a broadcast address: it is discarded")
            .sends(|_| {
                let response = "SIP/2.0 200 OK\r\n\
                    Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n\
                    Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\n\
                    Call-ID: torture\r\nCSeq: 35 INVITE\r\n\
                    From: sip:alice@example.com;tag=1\r\nTo: sip:bob@example.com;tag=2\r\n\
                    Content-Length: 0\r\n\r\n";
                response.into()
            })
            .does("drops it, counted as `unexpected_response`")
            .note("A response is sent on the connection of its request alone, never to an address in a Via."),
        case("zeromf", "3.3.11")
            .says("a Max-Forwards of 0: a proxy answers 483")
            .sends(|_| request("OPTIONS", &[("Max-Forwards: 70", "Max-Forwards: 0")], ""))
            .does("answers 483 `Too Many Hops`"),
        case("cparam01", "3.3.12")
            .says(
                "a parameter behind a Contact without brackets is the header's: the \
                 registration succeeds, and the parameter is in no URI",
            )
            .sends(|_| request("REGISTER", &[
                ("<sip:bob@192.0.2.7>", "sip:+1972@192.0.2.7;unknownparam"),
            ], ""))
            .does("answers 200 `OK`")
            .also(|trial| {
                trial.has("\r\nContact: <sip:+1972@192.0.2.7>;expires=3600\r\n");
                trial.lacks("unknownparam");
            }),
        case("cparam02", "3.3.13")
            .says(
                "a parameter within the brackets is the URI's: the registration succeeds, and \
                 the binding has it",
            )
            .sends(|_| request("REGISTER", &[
                ("<sip:bob@192.0.2.7>", "<sip:+1972@192.0.2.7;unknownparam>"),
            ], ""))
            .does("answers 200 `OK`")
            .also(|trial| trial.has("\r\nContact: <sip:+1972@192.0.2.7;unknownparam>;expires=3600\r\n")),
        case("regescrt", "3.3.14")
            .says(
                "a Contact whose URI has headers: the registration succeeds, and the binding \
                 has them",
            )
            .sends(|_| request("REGISTER", &[
                ("<sip:bob@192.0.2.7>", "<sip:bob@192.0.2.7?Route=%3Csip:sip.example.com%3E>"),
            ], ""))
            .does("answers 200 `OK`")
            .note(
                "A Request-URI may have no headers (RFC 3261 §19.1.1), so a request to the \
                 binding goes out without them.",
            )
            .also(|trial| {
                trial.has("\r\nContact: <sip:bob@192.0.2.7?Route=%3Csip:sip.example.com%3E>;expires=3600\r\n");
            }),
        case("sdp01", "3.3.15")
            .says("an Accept that nothing can serve: 406 from an endpoint; a proxy forwards it")
            .sends(|_| request("INVITE", &[
                ("Contact", "Accept: text/noOneKnowsThis\nContact"),
            ], SDP))
            .does("forwards it"),
        case("inv2543", "3.4.1")
            .says(
                "an INVITE of RFC 2543 without branch, From tag and Content-Length: accepted \
                 for compatibility; on a stream a body needs a Content-Length (RFC 3261 §18.3)",
            )
            .sends(|_| old_invite("Content-Length: LENGTH\n", ""))
            .does("answers 400 `Missing Content-Length`; closes the session")
            .note("The same request with a Content-Length is forwarded.")
            .also(|_| {
                let whole = case("", "").sends(|_| old_invite("", ""));
                assert_eq!(whole.run().done, "forwards it");
            }),
    ]
}

fn old_invite(there: &str, instead: &str) -> Vec<u8> {
    request(
        "INVITE",
        &[
            (";branch=z9hG4bKtorture", ""),
            (
                "<sip:alice@example.com>;tag=t1",
                "<sip:+1303@client.example.net;user=phone>",
            ),
            (
                "To: <sip:bob@example.com>",
                "Record-Route: <sip:bob@example.com;maddr=ss1.example.com>\nTo: sip:+1650@ss1.example.net;user=phone",
            ),
            (
                "Contact: <sip:bob@192.0.2.7>\n",
                "Content-Type: application/sdp\n",
            ),
            (there, instead),
        ],
        SDP,
    )
}
