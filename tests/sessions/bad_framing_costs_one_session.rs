//! What cannot be framed closes the session it came on, with the violation's name, and no other;
//! keep-alives are answered and cost nothing.

use async_std::task::block_on;
use sipward::CloseCause;
use sipward::sip::{Limits, Message, Name};
use sipward_tests::peer;
use sipward_tests::peer::lab::{Lab, lab};
use sipward_tests::peer::{closed, echo, in_time, ready, request};
use std::time::Duration;

/// A stream for each violation there is, and its name.
fn violations() -> Vec<(&'static str, Vec<u8>)> {
    let options = "OPTIONS sip:a SIP/2.0\r\n";
    let with = |headers: &str| format!("{options}{headers}\r\n").into_bytes();
    vec![
        ("start_line", b"\x16\x03\x01\x02\x00".to_vec()),
        (
            "start_line_too_long",
            [b"OPTIONS sip:".to_vec(), vec![b'a'; 9000]].concat(),
        ),
        (
            "headers_too_large",
            with(&format!("A: {}\r\n", "b".repeat(33_000))),
        ),
        ("too_many_headers", with(&"A: b\r\n".repeat(201))),
        ("control_character", with("A: b\rl: 0\r\n")),
        ("bare_line_feed", with("A: b\nl: 0\r\n")),
        ("content_length_missing", with("Content-Type: a/b\r\n")),
        ("content_length_invalid", with("Content-Length: +1\r\n")),
        (
            "content_length_overflow",
            with("Content-Length: 99999999999999999999999\r\n"),
        ),
        (
            "content_length_conflict",
            with("Content-Length: 1\r\nl: 2\r\n"),
        ),
        ("body_too_large", with("Content-Length: 65537\r\n")),
        (
            "message_too_large",
            with(&format!(
                "A: {}\r\nContent-Length: 60000\r\n",
                "b".repeat(30_000)
            )),
        ),
    ]
}

#[test]
fn every_violation_closes_its_session_by_name_and_the_others_go_on() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut other = lab.call().await;
        ready(&lab.events).await;
        for (name, stream) in violations() {
            let mut caller = lab.call().await;
            let id = ready(&lab.events).await.connection.id;
            caller.send(&stream).await;
            let (heard, clean) = caller.rest().await;
            assert!(heard.is_empty() && clean, "{name}");
            drop(caller);
            let end = closed(&lab.events).await;
            assert_eq!(end.connection.id, id);
            assert_eq!(end.cause.name(), "framing");
            assert_eq!(end.cause.detail().as_deref(), Some(name));
            assert_eq!(end.stats.messages_in, 0);

            let hello = request("OPTIONS", name);
            other.send(&hello).await;
            other.expect(&hello).await;
        }
    });
}

#[test]
fn a_request_that_ends_the_stream_is_answered_before_the_close() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        let head = request("OPTIONS", "").replace("Content-Length: 0", "Content-Length: 66000");
        caller.send(&head).await;
        let (heard, clean) = caller.rest().await;
        let response = Message::parse(heard.into()).unwrap();
        assert_eq!(response.status(), Some(513));
        assert_eq!(response.all(Name::Via).count(), 1);
        assert!(clean);
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(end.cause.detail().as_deref(), Some("body_too_large"));
        assert_eq!((end.stats.messages_in, end.stats.messages_out), (0, 1));
    });
}

/// `ncl`, `mcl01` and `inv2543` of RFC 4475.
#[test]
fn a_message_that_is_unsafe_on_a_stream_is_answered_with_what_is_unsafe() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        for (length, reason) in [
            ("Content-Length: -999", "Bad Content-Length"),
            ("Content-Length: 13\r\nl: 5", "Conflicting Content-Length"),
            ("Content-Type: application/sdp", "Missing Content-Length"),
        ] {
            let mut caller = lab.call().await;
            let head = request("OPTIONS", "").replace("Content-Length: 0", length);
            caller.send(format!("{head}v=0\r\n")).await;
            let (heard, clean) = caller.rest().await;
            let response = Message::parse(heard.into()).unwrap();
            let line = format!("SIP/2.0 400 {reason}");
            assert_eq!(response.start_line(), line.as_bytes());
            assert!(clean);
            drop(caller);
            let end = closed(&lab.events).await;
            assert_eq!(end.cause.name(), "framing");
        }
    });
}

#[test]
fn a_defect_that_leaves_the_end_certain_ends_no_session() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        for head in [
            "OPTIONS sip:a SIP/7.0\r\n",
            "OPTIONS sip:a b SIP/2.0\r\n",
            "OPTIONS sip:a SIP/2.0\r\nSubject: a\0b\r\n",
            "OPTIONS sip:a SIP/2.0\r\nno colon\r\n",
        ] {
            let message = format!("{head}Content-Length: 0\r\n\r\n");
            caller.send(&message).await;
            caller.expect(&message).await;
        }
    });
}

#[test]
fn what_was_whole_before_a_violation_is_served_and_answered() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        let whole = request("OPTIONS", "whole");
        caller.send(format!("{whole}\r\n\r\nnonsense\n")).await;
        let (heard, clean) = caller.rest().await;
        let mut expected = whole.into_bytes();
        expected.extend(b"\r\n");
        assert_eq!(heard, expected);
        assert!(clean);
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(end.cause.name(), "framing");
        assert_eq!((end.stats.messages_in, end.stats.messages_out), (1, 1));
    });
}

#[test]
fn the_limits_are_those_that_were_chosen() {
    block_on(async {
        let limits = Limits::default().with_body(10);
        let lab = lab(echo(), |builder| builder.message_limits(limits)).await;
        let mut caller = lab.call().await;
        let fits = request("MESSAGE", "0123456789");
        caller.send(&fits).await;
        caller.expect(&fits).await;
        caller.send(request("MESSAGE", "0123456789a")).await;
        caller.rest().await;
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(end.cause.detail().as_deref(), Some("body_too_large"));
    });
}

#[test]
fn a_double_crlf_is_answered_by_one_crlf() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        for _ in 0..3 {
            caller.send("\r\n\r\n").await;
            caller.expect("\r\n").await;
        }
        // Two at once, cut in the middle, and then a message: nothing is answered twice.
        caller.send("\r\n\r\n\r").await;
        caller.send("\n\r\n").await;
        let hello = request("OPTIONS", "");
        caller.send(&hello).await;
        caller.expect(format!("\r\n\r\n{hello}")).await;
    });
}

#[test]
fn a_lone_crlf_is_ignored() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        let hello = request("OPTIONS", "");
        caller.send(format!("\r\n{hello}")).await;
        caller.expect(&hello).await;
        caller.send(format!("\r\n{hello}")).await;
        caller.expect(&hello).await;
        caller.hang_up().await;
        assert_eq!(caller.rest().await, (Vec::new(), true));
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(end.stats.messages_in, 2, "keep-alives are no messages");
    });
}

#[test]
fn a_thousand_pings_at_once_get_a_thousand_answers() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        caller.send("\r\n\r\n".repeat(1000)).await;
        caller.expect("\r\n".repeat(1000)).await;
    });
}

/// More than all buffers on the way of an answer can have been filled for.
const PLENTY: u64 = 300_000;

/// Bytes the session has read, once they stand still or are plenty.
async fn read_so_far(lab: &Lab) -> u64 {
    let mut before = u64::MAX;
    loop {
        let page = lab.handle.sessions(Default::default(), None, 1).await;
        let now = page.unwrap().sessions[0].stats.bytes_in;
        if now == before || now > PLENTY {
            return now;
        }
        before = now;
        for _ in 0..1000 {
            async_std::task::yield_now().await;
        }
    }
}

#[test]
fn a_peer_that_pings_and_never_reads_is_read_no_further_and_ends_as_stalled() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        let stalled = Duration::from_secs(30);
        let armed = lab.clock.now() + stalled;
        // Each ping is answered in a record of its own, so the answers fill the pipe long before
        // the questions do.
        let pings = "\r\n\r\n".repeat(1000);
        std::io::Write::write_all(&mut caller.tls.writer(), pings.as_bytes()).unwrap();
        let flooding = async {
            loop {
                std::io::Write::write_all(&mut caller.tls.writer(), pings.as_bytes()).unwrap();
                if caller.push().await.is_err() {
                    return;
                }
            }
        };
        let bounded = async {
            peer::until(|| lab.clock.alarms().contains(&armed)).await;
            let read = read_so_far(&lab).await;
            assert!(read < PLENTY, "{read} bytes of pings were read");
            lab.clock.advance(stalled);
            lab.armed(Duration::from_secs(1)).await;
            lab.clock.advance(Duration::from_secs(1));
            closed(&lab.events).await
        };
        let (end, ()) = in_time(futures_util::future::join(bounded, flooding)).await;
        assert_eq!(end.cause, CloseCause::WriteStalled);
    });
}
