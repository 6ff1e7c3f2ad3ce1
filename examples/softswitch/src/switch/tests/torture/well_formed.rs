//! RFC 4475 3.1.1: messages that look odd and are well formed.

use super::trial::{Case, SDP, answer, case, message, request, with_bob};
use crate::switch::tests::fixture::{BOB, Fixture};

/// A user part with every character that may stand there without an escape.
const ODD_USER: &str = "2_odd.URI~(to-be!sure)&it+has$some/more?,/;;*";

fn with_odd_users() -> Fixture {
    let mut fixture = with_bob();
    for user in [ODD_USER, "sips%3Aalice%40example.com", "bob;par=a%40b.net"] {
        fixture.register(BOB, user);
    }
    fixture
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("wsinv", "3.1.1.1")
            .says(
                "well formed: folds, blanks around every separator, compact names, leading \
                 zeros, unknown headers and parameters; a proxy leaves unknown headers as they \
                 are",
            )
            .sends(|_| message(
                "INVITE sip:bob@example.com;unknownparam SIP/2.0\n\
                 TO :\n\
                 \x20sip:bob@example.com ;   tag    = to7\n\
                 from   : \"Alice \\\\\\\"\"       <sip:alice@example.com>\n\
                 \x20 ;\n\
                 \x20 tag = from7\n\
                 MaX-fOrWaRdS: 0068\n\
                 Call-ID: torture.1@192.0.2.7\n\
                 Content-Length   : LENGTH\n\
                 cseq: 0009\n\
                 \x20 INVITE\n\
                 Via  : SIP  /   2.0\n\
                 \x20/TLS\n\
                 \x20   192.0.2.7;branch=from2543\n\
                 s :\n\
                 NewHeader:   a new value\n\
                 \x20that goes on\n\
                 OddHeader: ;;,,;;,;\n\
                 Content-Type: application/sdp\n\
                 Route:\n\
                 \x20<sip:example.com;lr;unknownwith=value;unknown-no-value>\n\
                 v:  SIP  / 2.0  / TCP     edge.example.com   ;\n\
                 \x20 branch  =   z9hG4bKa  ,\n\
                 \x20SIP  /    2.0   / UDP  192.168.255.1   ; branch=\n\
                 \x20z9hG4bKb\n\
                 m:\"A \\\"quoted\\\" one\" <sip:alice@192.0.2.7> ; newparam =\n\
                 \x20     newvalue ;\n\
                 \x20 secondparam ; q = 0.33\n",
                SDP,
            ))
            .does("forwards it")
            .note(
                "The branch has no magic cookie; the transaction is told by the fields of RFC \
                 3261 §17.2.3.",
            )
            .also(|trial| {
                trial.has("NewHeader:   a new value\r\n that goes on\r\nOddHeader: ;;,,;;,;\r\n");
                trial.has("\r\nMax-Forwards: 67\r\n");
                trial.lacks("Route:\r\n <sip:example.com");
            }),
        case("intmeth", "3.1.1.2")
            .says(
                "well formed: every character that a method, a user part, a tag, a Call-ID and \
                 a header name may have, escaped control characters in a display name, UTF-8",
            )
            .at(with_odd_users)
            .sends(|_| {
                let head = format!(
                    "!odd-Method0123456789_*+`.%indeed'~ sip:{ODD_USER}:&pass+has=1,weird!*pas$wo~d_too.(isn't-it)@example.com SIP/2.0\n\
                     Via: SIP/2.0/TLS host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n\
                     To: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <sip:{ODD_USER}@example.com>\n\
                     From: token1~` token2'+_ token3*%!.- <sip:alice@example.com>;param''~+*_!.-%=\"\u{43f}\u{430}\";tag=_token~1'+`*%!-.\n\
                     Call-ID: torture.word%ZK-!.*_+'@word`~)(><:\\/\"][?}}{{\n\
                     CSeq: 139122385 !odd-Method0123456789_*+`.%indeed'~\n\
                     Max-Forwards: 255\n\
                     extensionHeader-!.%*+_`'~:\u{feff}\u{5927}\u{505c}\u{96fb}\n\
                     Content-Length: LENGTH\n"
                );
                message(&head, "")
            })
            .does("forwards it")
            .also(|trial| {
                trial.has("!odd-Method0123456789_*+`.%indeed'~ sip:");
                trial.has("\r\nextensionHeader-!.%*+_`'~:\u{feff}\u{5927}\u{505c}\u{96fb}\r\n");
                trial.has("\r\nTo: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <");
            }),
        case("esc01", "3.1.1.3")
            .says(
                "well formed: escapes in user parts, one of them spelling a whole URI; it is a \
                 user of the domain in the Request-URI",
            )
            .at(with_odd_users)
            .sends(|_| request("INVITE", &[
                ("sip:bob@", "sip:sips%3A%61lice%40example.com@"),
                ("To: <sip:bob@", "To: <sip:%62ob@"),
                ("From: <sip:alice@", "From: <sip:I%20have%20spaces@"),
                ("Contact: <sip:bob@192.0.2.7>", "Contact:\n  <sip:cal%6Cer@192.0.2.7;%6C%72;n%61me=v%61lue%25%34%31>"),
            ], SDP))
            .does("forwards it")
            .also(|trial| trial.has("INVITE sip:sips%3Aalice%40example.com@10.0.0.2 ")),
        case("escnull", "3.1.1.4")
            .says(
                "well formed: users with escaped NULs; each binding is there whole, and \
                 neither is cut at the NUL",
            )
            .sends(|_| request("REGISTER", &[
                ("From: <sip:bob@", "From: <sip:null-%00-null@"),
                ("To: <sip:bob@", "To: <sip:null-%00-null@"),
                ("Contact: <sip:bob@192.0.2.7>", "Contact: <sip:%00@192.0.2.7>\nContact: <sip:%00%00@192.0.2.7>"),
            ], ""))
            .does("answers 200 `OK`")
            .also(|trial| {
                trial.has("Contact: <sip:%00@192.0.2.7>;expires=3600\r\n");
                trial.has("Contact: <sip:%00%00@192.0.2.7>;expires=3600\r\n");
            }),
        case("esc02", "3.1.1.5")
            .says(
                "well formed: escapes where none are resolved; the method is not REGISTER, the \
                 header is not Contact, the display name is what it is",
            )
            .sends(|_| request("RE%47IST%45R", &[
                ("To: <", "To: \"%Z%45\" <"),
                ("z9hG4bKtorture", "z9hG4bK209%fztorture"),
                ("Contact: <sip:bob@192.0.2.7>", "C%6Fntact: <sip:alias@192.0.2.7>"),
            ], ""))
            .does("forwards it")
            .also(|trial| {
                trial.has("RE%47IST%45R sip:bob@10.0.0.2 ");
                trial.has("\r\nC%6Fntact: <sip:alias@192.0.2.7>\r\n");
            }),
        case("lwsdisp", "3.1.1.6")
            .says("well formed: no blank between a display name and its bracket")
            .sends(|_| request("OPTIONS", &[("From: <", "From: caller<")], ""))
            .does("forwards it"),
        case("longreq", "3.1.1.7")
            .says(
                "well formed: long header values, a long unknown header name, 34 Vias in every \
                 spelling of the name",
            )
            .sends(|_| {
                let mut vias = String::new();
                let names = ["Via", "v", "V", "ViA", "VIA", "V ", "v  ", "Via  "];
                for (number, name) in names.iter().cycle().take(33).enumerate() {
                    vias += &format!("{name}: SIP/2.0/TCP sip{number}.example.com\n");
                }
                let head = format!(
                    "INVITE sip:bob@example.com SIP/2.0\n\
                     To: \"A user name of {long} proportion\" <sip:bob@example.com:6000;unknownparam={long};{long}=x>\n\
                     F: sip:{long}@example.net;tag=12{long}424;unknownheaderparam={long}\n\
                     Call-ID: torture.{long}\n\
                     CSeq: 3882340 INVITE\n\
                     Unknown-{long}-Name: {long}-value; unknown-{long}-parameter = {long}\n\
                     {vias}\
                     Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch={long}\n\
                     Max-Forwards: 70\n\
                     Contact: <sip:{long}@host5.example.net>\n\
                     Content-Type: application/sdp\n\
                     l: LENGTH\n",
                    long = "long".repeat(100),
                );
                message(&head, SDP)
            })
            .does("forwards it"),
        case("dblreq", "3.1.1.8")
            .says(
                "two requests in one datagram, of which a datagram has only the first; on a \
                 stream each is a message of its own",
            )
            .sends(|_| {
                let register = request("REGISTER", &[], "");
                let invite = request("INVITE", &[("branch=z9hG4bK", "branch=z9hG4bK2")], SDP);
                [&register[..], b"\r\n", &invite[..], b"\r\n"].concat()
            })
            .does("answers 200 `OK`; forwards it; forwards it")
            .note("The INVITE goes to both of the user's Contacts: the REGISTER before it has been carried out."),
        case("semiuri", "3.1.1.9")
            .says("well formed: what stands before the @ is the user part, also semicolons")
            .at(with_odd_users)
            .sends(|_| request("OPTIONS", &[("sip:bob@", "sip:bob;par=a%40b.net@")], ""))
            .does("forwards it")
            .also(|trial| trial.has("OPTIONS sip:bob;par=a%40b.net@10.0.0.2 ")),
        case("transports", "3.1.1.10")
            .says("well formed: Vias with known and unknown transports")
            .sends(|_| request("OPTIONS", &[(
                "Max-Forwards",
                "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bK2\n\
                 Via: SIP/2.0/UDP t3.example.com;branch=z9hG4bK3\n\
                 Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK4\n\
                 Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK5\n\
                 Max-Forwards",
            )], ""))
            .does("forwards it")
            .also(|trial| trial.has("Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK4\r\n")),
        case("mpart01", "3.1.1.11")
            .says("well formed: a body of several parts with binary content")
            .sends(|_| {
                let mut body = b"--7a9c\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9c\r\n\
                    Content-Type: application/octet-stream\r\n\r\n".to_vec();
                body.extend(0..=255);
                body.extend(b"\r\n--7a9c--\r\n");
                message(
                    "MESSAGE sip:bob@example.com SIP/2.0\n\
                     Via: SIP/2.0/TLS 127.0.0.1:5070;branch=z9hG4bK-4dade;rport\n\
                     Max-Forwards: 70\n\
                     Route: <sip:example.com>\n\
                     To: <sip:bob@example.com>\n\
                     From: <sip:alice@example.com>;tag=2f\n\
                     Call-ID: torture@a2FzZW4.\n\
                     CSeq: 1 MESSAGE\n\
                     Content-Transfer-Encoding: binary\n\
                     Content-Type: multipart/mixed;boundary=7a9c\n\
                     Content-Length: LENGTH\n",
                    body,
                )
            })
            .does("forwards it")
            .also(|trial| {
                let all: Vec<u8> = (0..=255).collect();
                assert!(trial.last.windows(256).any(|part| part == all));
            }),
        case("unreason", "3.1.1.12")
            .says("well formed: a reason phrase with signs, and letters beyond ASCII")
            .sends(|fixture| answer(fixture, &[("200 OK", "200 = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e}")]))
            .does("forwards it")
            .also(|trial| trial.has("SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e}\r\n")),
        case("noreason", "3.1.1.13")
            .says("well formed: an empty reason phrase")
            .sends(|fixture| answer(fixture, &[("200 OK", "180 ")]))
            .does("forwards it")
            .also(|trial| trial.has("SIP/2.0 180 \r\n")),
    ]
}
