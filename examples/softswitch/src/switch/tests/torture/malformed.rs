//! RFC 4475 3.1.2: messages with one fault each.

use super::trial::{Case, SDP, answer, case, request};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("badinv01", "3.1.2.1")
            .says("Via and Contact with separators and nothing between them: 400")
            .sends(|_| request("INVITE", &[
                ("192.0.2.7:5061;branch=z9hG4bKtorture", "192.0.2.7;;,;,,"),
                ("<sip:bob@192.0.2.7>", "\"Joe\" <sip:joe@example.org>;;;;"),
            ], SDP))
            .does("answers 400 `Bad Via: bad token`"),
        case("clerr", "3.1.2.2")
            .says(
                "a Content-Length above the length of the body: on a stream there is nothing \
                 to do but to wait, and to close if nothing comes",
            )
            .sends(|_| request("INVITE", &[("LENGTH", "9999")], SDP))
            .does("waits for the rest, until the deadline closes the session"),
        case("ncl", "3.1.2.3")
            .says("a negative Content-Length: an error, and on a stream the connection is closed")
            .sends(|_| request("INVITE", &[("LENGTH", "-999")], SDP))
            .does("answers 400 `Bad Content-Length`; closes the session"),
        case("scalar02", "3.1.2.4")
            .says("numbers out of range in CSeq, Max-Forwards and expires: 400 for the CSeq")
            .sends(|_| request("REGISTER", &[
                ("Max-Forwards: 70", "Max-Forwards: 300"),
                ("CSeq: 7 ", "CSeq: 36893488147419103232 "),
                ("Contact: <sip:bob@192.0.2.7>", "Expires: 1000000000000000000000000000000\n\
                    Contact: <sip:bob@192.0.2.7>;expires=280297596632815"),
            ], ""))
            .does("answers 400 `Bad CSeq: bad number`"),
        case("scalarlg", "3.1.2.5")
            .says("numbers out of range in a response: it is discarded")
            .sends(|fixture| answer(fixture, &[
                ("200 OK", "503 Service Unavailable"),
                ("CSeq: 7 ", "CSeq: 9292394834772304023312 "),
                ("Content-Length", "Retry-After: 949302838503028349304023988\nContent-Length"),
            ]))
            .does("drops it, counted as `unreadable_response`"),
        case("quotbal", "3.1.2.6")
            .says("a quote in To that is never closed: 400")
            .sends(|_| request("INVITE", &[("To: <", "To: \"Mr. Bob <")], SDP))
            .does("answers 400 `Bad To: unbalanced quote`"),
        case("ltgtruri", "3.1.2.7")
            .says("a Request-URI in angle brackets: 400 is reasonable")
            .sends(|_| request("INVITE", &[
                ("sip:bob@example.com ", "<sip:bob@example.com> "),
            ], SDP))
            .does("answers 400 `Bad Request-URI: bad URI`"),
        case("lwsruri", "3.1.2.8")
            .says("a blank within the Request-URI: 400")
            .sends(|_| request("INVITE", &[("example.com ", "example.com; lr ")], SDP))
            .does("answers 400 `Bad Request-Line`"),
        case("lwsstart", "3.1.2.9")
            .says("several blanks in the request line: refused, or read without them")
            .sends(|_| request("INVITE", &[
                ("INVITE sip:bob@example.com ", "INVITE  sip:bob@example.com  "),
            ], SDP))
            .does("answers 400 `Bad Request-Line`"),
        case("trws", "3.1.2.10")
            .says("blanks at the end of the request line: refused, or read without them")
            .sends(|_| request("OPTIONS", &[("SIP/2.0\n", "SIP/2.0  \n")], ""))
            .does("answers 400 `Bad Request-Line`"),
        case("escruri", "3.1.2.11")
            .says(
                "headers in the Request-URI: 400, or they are ignored; a proxy does not \
                 forward them, neither in the URI nor as headers",
            )
            .sends(|_| request("INVITE", &[
                ("example.com ", "example.com?Route=%3Csip:example.com%3E "),
            ], SDP))
            .does("forwards it")
            .also(|trial| {
                trial.has("INVITE sip:bob@10.0.0.2 SIP/2.0\r\n");
                trial.lacks("\r\nRoute:");
            }),
        case("baddate", "3.1.2.12")
            .says(
                "a Date in another time zone than GMT: refused only by an element that uses \
                 the date",
            )
            .sends(|_| request("INVITE", &[
                ("Contact", "Date: Fri, 01 Jan 2010 16:00:00 EST\nContact"),
            ], SDP))
            .does("forwards it")
            .also(|trial| trial.has("\r\nDate: Fri, 01 Jan 2010 16:00:00 EST\r\n")),
        case("regbadct", "3.1.2.13")
            .says(
                "a Contact with headers in its URI and no angle brackets: 400, or the brackets \
                 are inferred",
            )
            .sends(|_| request("REGISTER", &[
                ("Contact: <sip:bob@192.0.2.7>", "Contact: sip:bob@192.0.2.7?Route=%3Csip:sip.example.com%3E"),
            ], ""))
            .does("answers 400 `Bad Contact: bad URI`"),
        case("badaspec", "3.1.2.14")
            .says("blanks within the angle brackets of To: 400, or they are ignored")
            .sends(|_| request("OPTIONS", &[
                ("To: <sip:bob@example.com>", "To: \"Bob\" < sip:bob@example.com >"),
            ], ""))
            .does("forwards it")
            .note("To is carried as it stands; it decides nothing here.")
            .also(|trial| trial.has("\r\nTo: \"Bob\" < sip:bob@example.com >\r\n")),
        case("baddn", "3.1.2.15")
            .says(
                "display names without quotes that need them: 400, or the quotes are inferred; \
                 a proxy does not forward the fault",
            )
            .sends(|_| request("OPTIONS", &[
                ("From: <", "From: Bell, Alexander <"),
                ("To: <", "To: Watson, Thomas <"),
            ], ""))
            .does("answers 400 `Bad From: display name needs quotes`"),
        case("badvers", "3.1.2.16")
            .says("an unknown version: 505")
            .sends(|_| request("OPTIONS", &[("SIP/2.0", "SIP/7.0"), ("SIP/2.0", "SIP/7.0")], ""))
            .does("answers 505 `Version Not Supported`"),
        case("mismatch01", "3.1.2.17")
            .says("the method in CSeq is not that of the request line: 400")
            .sends(|_| request("OPTIONS", &[("CSeq: 7 OPTIONS", "CSeq: 7 INVITE")], ""))
            .does("answers 400 `CSeq Method Mismatch`"),
        case("mismatch02", "3.1.2.18")
            .says("the same with an unknown method: 501, or 400")
            .sends(|_| request("NEWMETHOD", &[("CSeq: 7 NEWMETHOD", "CSeq: 7 INVITE")], SDP))
            .does("answers 400 `CSeq Method Mismatch`")
            .note("400, because a proxy forwards every method: there is none that it does not implement."),
        case("bigcode", "3.1.2.19")
            .says("a status code above 699: the response is dropped")
            .sends(|fixture| answer(fixture, &[("200 OK", "4294967301 better not break the receiver")]))
            .does("drops it, counted as `unreadable_response`"),
    ]
}
