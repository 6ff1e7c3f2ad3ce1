//! Tests of the tap on a connection in memory.

use super::*;
use crate::transport::memory::{MemoryStream, pipe};
use futures_lite::future::block_on;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use futures_util::task::noop_waker;

const SERVER_HELLO_BEGINS: [u8; 9] = [22, 3, 3, 0, 40, 2, 0, 0, 36];
const CLIENT_HELLO_BEGINS: [u8; 10] = [22, 3, 1, 0, 120, 1, 0, 0, 116, 3];
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 120];

fn tap() -> (Tap<MemoryStream>, MemoryStream) {
    tap_through(1024 * 1024)
}

/// A tap on a connection that holds `capacity` bytes in each direction.
fn tap_through(capacity: usize) -> (Tap<MemoryStream>, MemoryStream) {
    let (ours, theirs) = pipe(capacity);
    (Tap::new(ours, Direction::Inbound, Arc::default()), theirs)
}

fn now<R>(step: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    step(&mut Context::from_waker(&noop_waker()))
}

fn say(theirs: &mut MemoryStream, bytes: &[u8]) {
    block_on(theirs.write_all(bytes)).unwrap();
}

#[test]
fn a_peer_that_is_gone_already_is_noticed_before_anything_is_sent() {
    let (tap, mut theirs) = tap();
    theirs.finish();
    let mut wire = tap.wire();
    wire.gather(&SERVER_HELLO_BEGINS);
    let read = now(|cx| wire.poll_read(cx, &mut [0; 8]));
    assert!(matches!(read, Poll::Ready(Ok(0))));
    assert!(wire.has_unsent() && !wire.hello_left());
    assert_eq!(wire.bytes_out(), 0);
}

#[test]
fn who_waits_for_the_peer_has_said_what_it_owes() {
    let (tap, mut theirs) = tap();
    let mut wire = tap.wire();
    wire.gather(&SERVER_HELLO_BEGINS);
    assert!(now(|cx| wire.poll_read(cx, &mut [0; 8])).is_pending());
    assert!(!wire.has_unsent() && wire.hello_left());
    let mut read = [0; 9];
    block_on(theirs.read_exact(&mut read)).unwrap();
    assert_eq!(read, SERVER_HELLO_BEGINS);
}

#[test]
fn a_last_word_takes_the_place_of_what_has_not_left_and_never_follows_a_server_hello() {
    let (tap, mut theirs) = tap();
    let mut wire = tap.wire();
    wire.gather(&SERVER_HELLO_BEGINS);
    assert!(wire.replace_unsent(&ALERT));
    assert!(now(|cx| wire.poll_flush(cx)).is_ready());
    drop(wire);
    drop(tap);
    let mut read = Vec::new();
    block_on(theirs.read_to_end(&mut read)).unwrap();
    assert_eq!(read, ALERT);

    let (tap, _theirs) = self::tap();
    let mut wire = tap.wire();
    wire.gather(&SERVER_HELLO_BEGINS);
    assert!(now(|cx| wire.poll_flush(cx)).is_ready());
    assert!(!wire.replace_unsent(&ALERT));
}

#[test]
fn tls_is_kept_waiting_for_a_whole_hello_and_reads_it_as_it_came() {
    let (tap, mut theirs) = tap();
    assert!(now(|cx| tap.poll_first_message(cx)).is_pending());
    say(&mut theirs, &CLIENT_HELLO_BEGINS);
    assert!(now(|cx| tap.poll_first_message(cx)).is_pending());
    say(&mut theirs, &[7; 115]);
    assert!(now(|cx| tap.poll_first_message(cx)).is_ready());
    let mut read = Vec::new();
    let mut piece = [0; 50];
    while let Poll::Ready(Ok(count)) = now(|cx| tap.wire().poll_read(cx, &mut piece)) {
        read.extend_from_slice(&piece[..count]);
    }
    assert_eq!(read, [&CLIENT_HELLO_BEGINS[..], &[7; 115]].concat());
    assert_eq!(tap.wire().bytes_in(), 125, "counted once");
    assert_eq!(tap.wire().early.capacity(), 0, "and given back");
}

#[test]
fn what_cannot_become_a_hello_does_not_keep_tls_waiting() {
    let mut storm = CLIENT_HELLO_BEGINS[..9].to_vec();
    storm.extend([22, 3, 1, 0, 0]);
    let cases: [&[u8]; 9] = [
        b"O",
        b"\x80\x2e\x01\x00\x02",
        &[22, 2],
        &[21, 3, 1, 0, 2],
        &[22, 3, 1, 0, 0],
        &[22, 3, 1, 0, 4, 14, 0, 0, 0],
        &[22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff],
        &[22, 3, 1, 0xff, 0xff],
        &[22, 3, 1, 0, 4, 1, 0, 0, 9, 21],
    ];
    for bytes in cases {
        let (tap, mut theirs) = tap();
        say(&mut theirs, bytes);
        assert!(now(|cx| tap.poll_first_message(cx)).is_ready(), "{bytes:?}");
    }
}

#[test]
fn an_endless_beginning_is_held_up_to_a_bound() {
    // The longest hello that is waited for, a byte a record.
    let mut drip = vec![22, 3, 1, 0, 4, 1, 0, 0x40, 0];
    for _ in 0..KEPT_HANDSHAKE_BYTES {
        drip.extend([22, 3, 1, 0, 1, 7]);
    }
    let whole = [&[22, 3, 1, 0x40, 0, 1, 0, 0x40, 0][..], &[7; 0x3ffc]].concat();
    for bytes in [drip, whole] {
        let (tap, mut theirs) = tap();
        say(&mut theirs, &bytes);
        let _ = now(|cx| tap.poll_first_message(cx));
        let wire = tap.wire();
        let held = wire.early.capacity();
        assert!(held <= 2 * (MOST_EARLY + FIRST_READ), "{held}");
        let read = wire.bytes_in();
        assert!(read <= (MOST_EARLY + FIRST_READ) as u64, "{read}");
    }
}

#[test]
fn a_peer_that_always_owes_a_little_does_not_have_all_it_ever_got_kept() {
    let (tap, mut theirs) = tap_through(1000);
    let mut wire = tap.wire();
    let piece = [0; 1000];
    wire.gather(&piece);
    for _ in 0..1000 {
        wire.gather(&piece);
        assert!(now(|cx| wire.poll_flush(cx)).is_pending());
        block_on(theirs.read_exact(&mut [0; 1000])).unwrap();
    }
    assert!(wire.buffer.len() <= 2 * WRITE_BUFFER);
}

#[test]
fn a_peer_that_never_falls_silent_leaves_the_thread_to_others_now_and_then() {
    let (tap, mut theirs) = tap();
    say(&mut theirs, &[0; 8 * 1000]);
    let mut wire = tap.wire();
    let mut reads = (0..1000).map(|_| now(|cx| wire.poll_socket(cx, &mut [0; 8])).is_ready());
    let turn = reads.by_ref().take_while(|ready| *ready).count();
    assert_eq!(turn, usize::from(READS_A_TURN));
    assert_eq!(reads.next(), Some(true), "and then it goes on");
}

#[test]
fn who_has_answers_sent_without_end_has_to_take_them_before_more_is_read() {
    let (tap, mut theirs) = tap_through(1024);
    let mut wire = tap.wire();
    say(&mut theirs, b"one");
    // TLS answers while it reads, and these answers never wait.
    while wire.unsent() <= MOST_ANSWERS {
        wire.gather(&[0; 1000]);
    }
    let mut piece = [0; 8];
    assert!(now(|cx| wire.poll_read(cx, &mut piece)).is_pending());
    // The session's messages wait at a much lower limit.
    drop(wire);
    let mut end = tap.share();
    let written =
        tap.with_reads_suspended(|| now(|cx| Pin::new(&mut end).poll_write(cx, &[0; 1000])));
    assert!(written.is_pending());
    let mut wire = tap.wire();
    let mut taken = [0; 1024];
    while wire.unsent() > 0 {
        block_on(theirs.read(&mut taken)).unwrap();
        let _ = now(|cx| wire.poll_flush(cx));
    }
    let read = now(|cx| wire.poll_read(cx, &mut piece));
    assert!(matches!(read, Poll::Ready(Ok(3))));
}
