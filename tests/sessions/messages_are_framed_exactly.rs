//! What the stream framer promises: the same frames however the stream is cut, nothing ambiguous
//! let through, no more memory and time than the limits say.

use bytes::Bytes;
use sipward::sip::{Defect, Frame, Framer, Limits, Message, Name, Violation};

const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0\r\n";

fn framer() -> Framer {
    Framer::new(Limits::default())
}

fn drain(framer: &mut Framer) -> Result<Vec<Frame>, Violation> {
    let mut frames = Vec::new();
    while let Some(frame) = framer.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn frames(stream: &[u8]) -> Result<Vec<Frame>, Violation> {
    let mut framer = framer();
    framer.push(stream);
    drain(&mut framer)
}

fn frames_in_pieces_of(size: usize, stream: &[u8]) -> (Result<Vec<Frame>, Violation>, u64) {
    let mut framer = framer();
    let mut frames = Vec::new();
    for piece in stream.chunks(size) {
        framer.push(piece);
        match drain(&mut framer) {
            Ok(more) => frames.extend(more),
            Err(violation) => return (Err(violation), framer.scanned()),
        }
    }
    (Ok(frames), framer.scanned())
}

fn request(headers: &str, body: &str) -> Vec<u8> {
    format!("{OPTIONS}{headers}\r\n{body}").into_bytes()
}

fn only_message(stream: &[u8]) -> Message {
    match frames(stream).as_deref() {
        Ok([Frame::Message(message)]) => message.clone(),
        other => panic!("not one message: {other:?}"),
    }
}

fn numbered(number: usize) -> Vec<u8> {
    let body = "b".repeat(number * 7 % 300);
    let headers = format!(
        "Via: SIP/2.0/TLS a\r\n b;branch=z9hG4bK{number}\r\nContent-Length: {}\r\n",
        body.len()
    );
    request(&headers, &body)
}

fn refused(stream: &[u8], violation: Violation) {
    let text = String::from_utf8_lossy(stream);
    assert_eq!(frames(stream), Err(violation), "in one read: {text:?}");
    let (outcome, _) = frames_in_pieces_of(1, stream);
    assert_eq!(outcome, Err(violation), "byte by byte: {text:?}");
}

#[test]
fn two_hundred_messages_are_the_same_in_one_read_and_byte_by_byte_at_the_same_cost() {
    let messages: Vec<_> = (0..200).map(numbered).collect();
    let stream = messages.concat();
    let (at_once, cost_at_once) = frames_in_pieces_of(stream.len(), &stream);
    let (by_byte, cost_by_byte) = frames_in_pieces_of(1, &stream);
    let at_once = at_once.unwrap();
    assert_eq!(at_once, by_byte.unwrap());
    assert_eq!(at_once.len(), messages.len());
    for (frame, sent) in at_once.iter().zip(&messages) {
        let Frame::Message(message) = frame else {
            panic!("{frame:?}")
        };
        assert_eq!(message.bytes(), sent);
    }
    assert_eq!(cost_at_once, cost_by_byte);
}

#[test]
fn a_large_message_byte_by_byte_costs_no_more_than_looking_twice_at_its_head() {
    let headers = format!("Subject: {}\r\nl: 30000\r\n", "long ".repeat(6000));
    let stream = request(&headers, &"\n".repeat(30000));
    let head = stream.len() - 30000;
    let (outcome, cost) = frames_in_pieces_of(1, &stream);
    assert_eq!(outcome.unwrap().len(), 1);
    assert!(cost <= 2 * head as u64 + 16, "{cost} for {head}");
}

#[test]
fn a_stream_cut_at_random_gives_the_same_frames() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % bound
    };
    for _ in 0..150 {
        let mut stream = Vec::new();
        for _ in 0..12 {
            match random(3) {
                0 => stream.extend(b"\r\n".repeat(random(6))),
                _ => stream.extend(numbered(random(1000))),
            }
        }
        let expected = frames(&stream).unwrap();
        let (mut framer, mut seen, mut rest) = (framer(), Vec::new(), &stream[..]);
        while !rest.is_empty() {
            let room = framer.spare(1 + random(400));
            let count = random(room.len() + 1).min(rest.len());
            room[..count].copy_from_slice(&rest[..count]);
            framer.filled(count);
            rest = &rest[count..];
            seen.extend(drain(&mut framer).unwrap());
        }
        assert_eq!(seen, expected);
        assert!(framer.is_idle());
        assert_eq!(framer.capacity(), 0);
    }
}

#[test]
fn a_message_tells_its_parts() {
    let message = only_message(b"INVITE sip:b@example.com SIP/2.0\r\nl: 3\r\n\r\nsdp");
    assert!(message.is_request());
    assert_eq!(message.method(), Some("INVITE"));
    assert_eq!(message.status(), None);
    assert_eq!(message.start_line(), b"INVITE sip:b@example.com SIP/2.0");
    assert_eq!(message.request_uri(), Some("sip:b@example.com"));
    assert!(message.head().ends_with(b"l: 3\r\n\r\n"));
    assert_eq!(message.body(), "sdp");

    let message = only_message("sip/2.0 180 клингелт\r\nl:0\r\n\r\n".as_bytes());
    assert!(!message.is_request());
    assert_eq!((message.method(), message.status()), (None, Some(180)));
    assert_eq!(message.start_line(), "sip/2.0 180 клингелт".as_bytes());
}

#[test]
fn a_message_and_its_body_share_one_memory() {
    let message = only_message(&request("l: 3\r\n", "sdp"));
    let body = message.bytes().as_ptr() as usize + message.head().len();
    assert_eq!(message.body().as_ptr() as usize, body);
    assert_eq!(
        message.clone().into_bytes().as_ptr(),
        message.bytes().as_ptr()
    );
}

#[test]
fn nothing_a_peer_wrote_in_headers_or_body_is_printed() {
    let stream = request("Authorization: Digest secret\r\nl: 6\r\n", "secret");
    let message = only_message(&stream);
    let head = message.head().len();
    let printed = format!("{message:?}");
    assert_eq!(
        printed,
        format!("Message {{ method: \"OPTIONS\", head: {head}, body: 6 }}")
    );
    let mut framer = framer();
    framer.push(&stream[..stream.len() - 1]);
    assert!(!format!("{framer:?}").contains("secret"));
}

#[test]
fn a_content_length_is_read_in_every_form_the_grammar_has() {
    for header in [
        "Content-Length: 5\r\n",
        "CONTENT-length:5\r\n",
        "l: 5\r\n",
        "L \t:\t5 \t\r\n",
        "Content-Length:\r\n 5\r\n",
        "Content-Length: \r\n\t\r\n  5\r\n",
        "Content-Length: 5\r\n \r\n",
        "Content-Length: 0005\r\n",
        "l: 5\r\nContent-Length: 05\r\n",
        "X: y\r\n l: 7\r\nl: 5\r\n",
    ] {
        let message = only_message(&request(header, "12345"));
        assert_eq!(message.body(), "12345", "{header:?}");
    }
}

#[test]
fn a_content_length_that_is_not_exact_is_refused() {
    use Violation::*;
    let limit = 64 * 1024;
    for (headers, violation) in [
        ("c: a/b\r\n", ContentLengthMissing),
        ("Content-Type: a/b\r\n l: 5\r\n", ContentLengthMissing),
        ("l:\r\n", ContentLengthInvalid),
        ("l: +5\r\n", ContentLengthInvalid),
        ("l: -999\r\n", ContentLengthInvalid),
        ("l: 5a\r\n", ContentLengthInvalid),
        ("l: 0x5\r\n", ContentLengthInvalid),
        ("l: 1 2\r\n", ContentLengthInvalid),
        ("l: 1\r\n 2\r\n", ContentLengthInvalid),
        ("l: 5, 5\r\n", ContentLengthInvalid),
        ("l: ٥\r\n", ContentLengthInvalid),
        ("l: 18446744073709551616\r\n", ContentLengthOverflow),
        ("l: 99999999999999999999999999\r\n", ContentLengthOverflow),
        (
            "l: 65537\r\n",
            BodyTooLarge {
                limit,
                claimed: 65537,
            },
        ),
        ("l: 5\r\nContent-Length: 6\r\n", ContentLengthConflict),
        ("l: 5\r\nl: 99999999\r\n", ContentLengthConflict),
    ] {
        refused(&request(headers, ""), violation);
    }
}

#[test]
fn a_sum_that_overflows_is_refused() {
    let no_limit = usize::MAX;
    let limits = Limits::default().with_body(no_limit);
    let mut framer = Framer::new(limits.with_total(no_limit));
    framer.push(&request(&format!("l: {no_limit}\r\n"), ""));
    assert_eq!(framer.next_frame(), Err(Violation::ContentLengthOverflow));
}

/// The defect of the only message of this stream, after which the next message is read.
fn defect(stream: &[u8]) -> Option<Defect> {
    let text = String::from_utf8_lossy(stream);
    let next = request("l: 0\r\n", "");
    let both = [stream, &next].concat();
    let mut read = Vec::new();
    for size in [both.len(), 1] {
        let (outcome, _) = frames_in_pieces_of(size, &both);
        let Ok([Frame::Message(first), Frame::Message(second)]) = outcome.as_deref() else {
            panic!("{text:?}: {outcome:?}");
        };
        assert_eq!(first.bytes(), stream, "{text:?}");
        assert_eq!(second.defect(), None);
        read.push(first.defect());
    }
    assert_eq!(read[0], read[1], "{text:?}");
    read[0]
}

#[test]
fn a_start_line_that_is_not_sip_ends_the_stream() {
    let shapes = "OPTIONS sip:a|OP(IONS sip:a SIP/2.0|OPTIONS SIP/2.0|GET / HTTP/1.1|\
        OPTIONS sip:a SIP/2|SIP/2.0|SIP/2.0 +20 OK|SIP/2.0 200OK|SIP/2.0  200 OK|\
        HTTP/1.1 200 OK|é|:";
    for line in shapes.split('|') {
        refused(format!("{line}\r\n").as_bytes(), Violation::StartLine);
    }
}

#[test]
fn a_start_line_with_odd_blanks_or_numbers_is_a_defect_of_its_message() {
    let blanks = "OPTIONS  sip:a SIP/2.0|OPTIONS sip:a  SIP/2.0|OPTIONS sip:a SIP/2.0 |\
        OPTIONS sip:a b SIP/2.0|OPTIONS sip:a\tb SIP/2.0|OPTIONS  SIP/2.0";
    for line in blanks.split('|') {
        let message = format!("{line}\r\nl: 0\r\n\r\n");
        assert_eq!(defect(message.as_bytes()), Some(Defect::RequestLine));
    }
    let versions = "OPTIONS sip:a SIP/7.0|SIP/3.0 200 OK|OPTIONS sip:a sip/2.00";
    for line in versions.split('|') {
        let message = format!("{line}\r\nl: 0\r\n\r\n");
        assert_eq!(defect(message.as_bytes()), Some(Defect::Version));
    }
    for line in "SIP/2.0 20 OK|SIP/2.0 2000 OK|SIP/2.0 4294967301 too large".split('|') {
        let message = format!("{line}\r\nl: 0\r\n\r\n");
        assert_eq!(defect(message.as_bytes()), Some(Defect::StatusCode));
        let message = Message::parse(message.into()).unwrap();
        assert_eq!((message.is_request(), message.status()), (false, None));
    }
    for proper in ["SIP/2.0 200", "SIP/2.0 200 ", "!m-%*_+`.'~ sip:a SIP/2.0"] {
        let message = format!("{proper}\r\nl: 0\r\n\r\n");
        assert_eq!(defect(message.as_bytes()), None, "{proper}");
    }
}

#[test]
fn a_head_whose_end_readers_could_see_elsewhere_ends_the_stream() {
    use Violation::{BareLineFeed, ControlCharacter};
    for (headers, violation) in [
        ("To: a\nl: 0\r\n", BareLineFeed),
        ("To: a\r\nl: 0\n", BareLineFeed),
        ("To: a\r\n\n", BareLineFeed),
        ("To: a\n\r\n", BareLineFeed),
        ("To: a\rl: 0\r\n", ControlCharacter),
        ("To: a\rContent-Length : 0\r\n", ControlCharacter),
        ("To: a\r\r\n", ControlCharacter),
        ("\rTo: a\r\n", ControlCharacter),
    ] {
        refused(&request(headers, ""), violation);
    }
}

#[test]
fn what_leaves_the_end_certain_is_a_defect_of_its_message() {
    use Defect::{BareLineFeed, ControlCharacter, HeaderLine};
    for (headers, expected) in [
        ("To: a\nFrom: b\r\n", BareLineFeed),
        ("To: a\rFrom: b\r\n", ControlCharacter),
        ("To: \0\r\n", ControlCharacter),
        ("To: \x7f\r\n", ControlCharacter),
        ("To: \"a\x07b\" <sip:a@b>\r\n", ControlCharacter),
        ("To: a\\\x07\r\n", ControlCharacter),
        ("To a\r\n", HeaderLine),
        (": a\r\n", HeaderLine),
        ("T o: a\r\n", HeaderLine),
        ("Tö: a\r\n", HeaderLine),
        (" l: 9\r\n", HeaderLine),
    ] {
        let message = request(&format!("{headers}l: 2\r\n"), "ab");
        assert_eq!(defect(&message), Some(expected), "{headers:?}");
    }
}

#[test]
fn what_need_not_be_text_is_carried() {
    for headers in [
        &b"Subject: Gr\xfc\xdfe\r\n"[..],
        b"To: \"a\\\x07b\\\0c\\\x7f\" <sip:bob@example.com>\r\n",
        b"To: \xff\r\n",
        b"To: \xc3\r\n \xa9\r\n",
        b"X: a\tb\r\n",
    ] {
        let message = [OPTIONS.as_bytes(), headers, b"l: 0\r\n\r\n"].concat();
        assert_eq!(
            defect(&message),
            None,
            "{}",
            String::from_utf8_lossy(headers)
        );
    }
    let response = b"SIP/2.0 200 Stra\xdfe\r\nServer: K\xf6ln\r\nl: 0\r\n\r\n";
    assert_eq!(defect(response), None);
}

#[test]
fn padding_between_messages_means_nothing() {
    let message = request("l: 0\r\n", "");
    for padding in [
        &b"\0"[..],
        b"\r\n\0",
        b" \t",
        b"\n",
        b"\r",
        b"\n\n\0 \r",
        b"\r\n\r",
    ] {
        let stream = [&message[..], padding, &message].concat();
        for size in [1, stream.len()] {
            let (outcome, _) = frames_in_pieces_of(size, &stream);
            let frames = outcome.unwrap();
            let messages = frames
                .iter()
                .filter(|frame| matches!(frame, Frame::Message(_)));
            assert_eq!(messages.count(), 2, "{padding:?}");
            assert!(!frames.contains(&Frame::Ping), "{padding:?}");
        }
    }
}

#[test]
fn a_request_without_length_has_no_body_unless_it_says_a_type() {
    let message = only_message(&request("To: a\r\n", ""));
    assert!(!message.has_length());
    assert!(message.body().is_empty());
    assert!(only_message(&request("l: 0\r\n", "")).has_length());
}

/// The response that is owed for this stream, with its status.
fn refusal(stream: &[u8]) -> Option<(u16, Message)> {
    let mut framer = framer();
    framer.push(stream);
    drain(&mut framer).unwrap_err();
    let response = Message::parse(framer.take_refusal()?).unwrap();
    assert!(framer.take_refusal().is_none(), "it is given once");
    Some((response.status().unwrap(), response))
}

#[test]
fn a_request_that_ends_the_stream_is_owed_a_response() {
    let head = "Via: SIP/2.0/TLS a;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
        Call-ID: x\r\nCSeq: 1 OPTIONS\r\n";
    for (length, status) in [
        ("l: 66000\r\n", 513),
        ("l: 5a\r\n", 400),
        ("l: 1\r\nl: 2\r\n", 400),
        ("c: a/b\r\n", 400),
    ] {
        let (found, response) = refusal(&request(&format!("{head}{length}"), "")).unwrap();
        assert_eq!(found, status, "{length}");
        for name in [Name::Via, Name::From, Name::CallId, Name::CSeq] {
            assert_eq!(response.all(name).count(), 1, "{name:?}");
        }
        let to = response.only(Name::To).unwrap();
        assert!(to.value.starts_with(b"<sip:c@d>;tag="));
    }
    // As far as it has come.
    let (status, response) = refusal(&request(
        &format!("Via: SIP/2.0/TLS a\r\nl: x\r\n{head}"),
        "",
    ))
    .unwrap();
    assert_eq!((status, response.all(Name::Via).count()), (400, 2));
    // Nothing for an ACK, a response, and what has no Via.
    let ack = format!("ACK sip:a SIP/2.0\r\n{head}l: x\r\n\r\n");
    assert!(refusal(ack.as_bytes()).is_none());
    let response = format!("SIP/2.0 200 OK\r\n{head}l: x\r\n\r\n");
    assert!(refusal(response.as_bytes()).is_none());
    assert!(refusal(&request("l: x\r\n", "")).is_none());
    assert!(refusal(b"GET / HTTP/1.1\r\n").is_none());
}

#[test]
fn a_broken_stream_says_where() {
    let mut framer = framer();
    framer.push(&request("To: a\r\nl: 5a\r\n", ""));
    framer.next_frame().unwrap_err();
    let broken = framer.broken().unwrap();
    assert_eq!(broken.violation, Violation::ContentLengthInvalid);
    assert_eq!(broken.offset, OPTIONS.len() + "To: a\r\nl: 5a\r\n".len());
    assert_eq!(broken.byte, Some(b'\r'));
}

#[test]
fn each_limit_allows_its_own_value_and_refuses_one_more() {
    let stream = request("To: a\r\nl: 4\r\n", "body");
    let exact = Limits::default()
        .with_start_line(OPTIONS.len())
        .with_headers(stream.len() - 4)
        .with_header_count(2)
        .with_body(4)
        .with_total(stream.len());
    let outcome = |limits: Limits, size: usize| {
        let mut framer = Framer::new(limits);
        let mut frames = Vec::new();
        for piece in stream.chunks(size) {
            framer.push(piece);
            frames.extend(drain(&mut framer)?);
        }
        Ok(frames.len())
    };
    let (start_line, headers, total) = (exact.start_line - 1, exact.headers - 1, exact.total - 1);
    for size in [1, stream.len()] {
        assert_eq!(outcome(exact, size), Ok(1));
        for (limits, violation) in [
            (
                exact.with_start_line(start_line),
                Violation::StartLineTooLong { limit: start_line },
            ),
            (
                exact.with_headers(headers),
                Violation::HeadersTooLarge { limit: headers },
            ),
            (
                exact.with_header_count(1),
                Violation::TooManyHeaders { limit: 1 },
            ),
            (
                exact.with_body(3),
                Violation::BodyTooLarge {
                    limit: 3,
                    claimed: 4,
                },
            ),
            (
                exact.with_total(total),
                Violation::MessageTooLarge { limit: total },
            ),
            (
                exact.with_total(50),
                Violation::MessageTooLarge { limit: 50 },
            ),
        ] {
            assert_eq!(outcome(limits, size), Err(violation));
        }
    }
}

#[test]
fn a_limit_is_noticed_when_it_is_passed_and_not_when_the_line_ends() {
    let limits = Limits::default();
    let refused_after = |prefix: &[u8], filler: &[u8]| {
        let mut framer = framer();
        framer.push(prefix);
        for (pushed, &byte) in (prefix.len()..).zip(filler.iter().cycle()) {
            if let Err(violation) = drain(&mut framer) {
                return (pushed, violation);
            }
            framer.push(&[byte]);
        }
        unreachable!("the filler is not empty")
    };
    let (limit, pushed) = (limits.start_line, limits.start_line);
    assert_eq!(
        refused_after(b"", b"A"),
        (pushed, Violation::StartLineTooLong { limit })
    );
    let (limit, pushed) = (limits.headers, limits.headers);
    let expected = (pushed, Violation::HeadersTooLarge { limit });
    assert_eq!(refused_after(OPTIONS.as_bytes(), b"A"), expected);
    let folded = [OPTIONS.as_bytes(), b"To: a\r\n"].concat();
    assert_eq!(refused_after(&folded, b" \r\n"), expected);

    let mut framer = framer();
    framer.push(&vec![b'A'; 10 << 20]);
    assert!(framer.next_frame().is_err());
    assert_eq!(framer.scanned(), limits.start_line as u64);
    assert_eq!(framer.capacity(), 0);
}

#[test]
fn a_message_in_one_piece_is_exactly_one_message() {
    let whole = Bytes::from(request("l: 4\r\n", "body"));
    let message = Message::parse(whole.clone()).unwrap();
    assert_eq!(message, only_message(&whole));
    for cut in 0..whole.len() {
        let outcome = Message::parse(whole.slice(..cut));
        assert_eq!(outcome, Err(Violation::NotOneMessage), "{cut}");
    }
    let two = Bytes::from([&whole[..], b"\r\n"].concat());
    assert_eq!(Message::parse(two), Err(Violation::NotOneMessage));
    let refused = Message::parse(Bytes::from_static(b"\r\n\r\n"));
    assert_eq!(refused, Err(Violation::StartLine));
}

#[test]
fn a_violation_is_final_and_holds_no_memory() {
    let mut framer = framer();
    framer.push(b"GET / HTTP/1.1\r\n");
    for _ in 0..3 {
        assert_eq!(framer.next_frame(), Err(Violation::StartLine));
        framer.push(&request("l: 0\r\n", ""));
        framer.spare(100).fill(b'A');
        framer.filled(100);
        assert_eq!((framer.partial(), framer.capacity()), (0, 0));
    }
}
