//! The stream framer: from bytes as they come to whole messages and keep-alives (RFC 3261 §18.3, RFC
//! 5626 §3.5.1).

use super::head::{Head, HeadScan};
use super::lex::is_token;
use super::{BrokenStream, Limits, Message, Violation, respond};
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;
use std::mem;

/// What a stream consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole message.
    Message(Message),
    /// CRLFCRLF between messages: the peer's keep-alive, to be answered with one CRLF (RFC 5626
    /// 3.5.1).
    Ping,
    /// A lone CRLF between messages: the answer to our ping if we sent one (RFC 5626 4.4.1),
    /// otherwise nothing (RFC 3261 7.5).
    Pong,
}

/// Cuts one direction of one stream into frames.
///
/// Bytes are put in with [`spare`](Self::spare) and [`filled`](Self::filled), then
/// [`next_frame`](Self::next_frame) is called until it gives `None`. Each byte of a head is
/// searched once and inspected once, however the stream is cut; bodies are not looked at. Messages
/// share the memory they were read into. Between messages no memory is held.
pub struct Framer {
    limits: Limits,
    /// The first `held` bytes are the peer's, the rest is room handed out by `spare`.
    buffer: BytesMut,
    held: usize,
    line_ends: LineEnds,
    scan: HeadScan,
    head: Option<Head>,
    failed: Option<Failure>,
    scanned: u64,
}

/// How the stream ended.
struct Failure {
    broken: BrokenStream,
    refusal: Option<Bytes>,
}

/// What has come of CRLFs between messages and is not reported yet. Kept as state so that they hold
/// no buffer.
#[derive(Clone, Copy)]
enum LineEnds {
    None,
    Cr,
    CrLf,
    CrLfCr,
}

impl Framer {
    /// A framer at the beginning of a stream. Holds no memory until bytes come.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            held: 0,
            line_ends: LineEnds::None,
            scan: HeadScan::default(),
            head: None,
            failed: None,
            scanned: 0,
        }
    }

    /// Room to read the stream's next bytes into: `at_most` bytes (at least one), but never beyond
    /// the end of a message whose length is known, so that a large message is read into memory of
    /// exactly its size.
    ///
    /// Say with [`filled`](Self::filled) how many bytes were read, also when there were none: it
    /// gives the room back.
    pub fn spare(&mut self, at_most: usize) -> &mut [u8] {
        let missing = self
            .head
            .map_or(usize::MAX, |head| head.total().saturating_sub(self.held));
        let end = self.held + at_most.min(missing).max(1);
        if self.buffer.is_empty() {
            self.buffer = BytesMut::zeroed(end);
        } else if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.held..end]
    }

    /// The first `count` bytes of the last [`spare`](Self::spare) are now the stream's. After a
    /// violation they are dropped.
    pub fn filled(&mut self, count: usize) {
        if self.failed.is_none() {
            self.held = self.held.saturating_add(count).min(self.buffer.len());
        }
        self.release_if_empty();
    }

    /// Copies bytes in: for those that already lie elsewhere.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.truncate(self.held);
            self.buffer.extend_from_slice(bytes);
            self.held = self.buffer.len();
        }
    }

    /// The next whole frame, or `None` if more bytes are needed. Call it until `None` whenever
    /// bytes were put in: limits are only kept there.
    ///
    /// A CRLF that ends what has come is held back, as it may be half of a ping: it is reported as
    /// [`Frame::Pong`] once a byte other than CR follows. See [`take_pong`](Self::take_pong).
    ///
    /// # Errors
    /// The peer's [`Violation`], at the first byte that makes it certain where a limit is passed
    /// and at the end of the line otherwise. It is final: from then on every call gives the same.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Violation> {
        if let Some(failure) = &self.failed {
            return Err(failure.broken.violation);
        }
        let outcome = self.advance();
        if let Err(violation) = outcome {
            let offset = self.scan.place();
            let held = &self.buffer[..self.held];
            self.failed = Some(Failure {
                broken: BrokenStream {
                    violation,
                    offset,
                    byte: held.get(offset).copied(),
                },
                refusal: respond::refusal(held, violation),
            });
            self.held = 0;
            self.release_if_empty();
        }
        outcome
    }

    /// How and where the stream broke; `None` while it has not.
    pub fn broken(&self) -> Option<BrokenStream> {
        self.failed.as_ref().map(|failure| failure.broken)
    }

    /// A best-effort final response to the request that broke the stream, with its Via, From, To, Call-ID and
    /// CSeq as far as they could be read, to be sent before the close. Given once; `None` for a response, an
    /// ACK, and what cannot be answered.
    pub fn take_refusal(&mut self) -> Option<Bytes> {
        self.failed.as_mut()?.refusal.take()
    }

    /// Takes a CRLF that is held back as the answer to a ping of ours, true if there was one. Only
    /// for an end that awaits one, after [`next_frame`](Self::next_frame) gave `None`: without
    /// this, two answers in a row would read as the peer's ping.
    pub fn take_pong(&mut self) -> bool {
        let held_back = matches!(self.line_ends, LineEnds::CrLf) && self.held == 0;
        if held_back {
            self.line_ends = LineEnds::None;
        }
        held_back
    }

    /// Bytes held of a message that has begun and is not whole; 0 between messages, where
    /// keep-alives count for nothing. Holds after [`next_frame`](Self::next_frame) gave `None`.
    pub fn partial(&self) -> usize {
        self.held
    }

    /// True between messages: nothing is owed by the peer, no deadline for the rest of a message
    /// applies.
    pub fn is_idle(&self) -> bool {
        self.partial() == 0
    }

    /// Bytes of memory this framer holds on to; 0 between messages.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Bytes looked at so far, for tests of the cost: those searched for line ends plus those
    /// inspected.
    #[doc(hidden)]
    pub fn scanned(&self) -> u64 {
        self.scanned + self.scan.scanned()
    }

    fn advance(&mut self) -> Result<Option<Frame>, Violation> {
        if !self.scan.has_begun()
            && let Some(keep_alive) = self.skip_line_ends()?
        {
            return Ok(Some(keep_alive));
        }
        if self.held == 0 {
            return Ok(None);
        }
        if self.head.is_none() {
            self.head = self.scan.advance(&self.buffer[..self.held], &self.limits)?;
        }
        match self.head {
            None => Ok(None),
            Some(head) if self.held < head.total() => {
                self.make_room_for(head.total());
                Ok(None)
            }
            Some(head) => Ok(Some(Frame::Message(self.take_message(head)))),
        }
    }

    fn skip_line_ends(&mut self) -> Result<Option<Frame>, Violation> {
        let mut used = 0;
        let mut frame = None;
        while let Some(&byte) = self.buffer[..self.held].get(used) {
            self.line_ends = match (self.line_ends, byte) {
                (LineEnds::None, b'\r') => LineEnds::Cr,
                (LineEnds::Cr, b'\n') => LineEnds::CrLf,
                (LineEnds::CrLf, b'\r') => LineEnds::CrLfCr,
                (LineEnds::CrLfCr, b'\n') => {
                    used += 1;
                    frame = Some(Frame::Ping);
                    break;
                }
                // A lone CR after a CRLF is white space.
                (LineEnds::CrLf | LineEnds::CrLfCr, _) => {
                    frame = Some(Frame::Pong);
                    break;
                }
                (LineEnds::None, byte) if is_token(byte) => break,
                // White space and NULs between messages mean nothing: some senders pad with them.
                (LineEnds::None, b'\n' | b' ' | b'\t' | 0) => LineEnds::None,
                (LineEnds::None, _) => return Err(Violation::StartLine),
                (LineEnds::Cr, _) => {
                    self.line_ends = LineEnds::None;
                    continue;
                }
            };
            used += 1;
        }
        if frame.is_some() {
            self.line_ends = LineEnds::None;
        }
        if used > 0 {
            self.buffer.advance(used);
            self.held -= used;
        }
        self.release_if_empty();
        Ok(frame)
    }

    fn take_message(&mut self, head: Head) -> Message {
        let total = head.total();
        let mut bytes = if self.held == total {
            mem::take(&mut self.buffer)
        } else {
            self.buffer.split_to(total)
        };
        bytes.truncate(total);
        self.held -= total;
        self.head = None;
        let scan = mem::take(&mut self.scan);
        self.scanned += scan.scanned();
        Message::new(bytes.freeze(), head, scan.into_headers())
    }

    /// `total` has passed the limits by now. Growing by doubling would copy a long body several
    /// times over.
    fn make_room_for(&mut self, total: usize) {
        if self.buffer.capacity() < total {
            let mut exact = BytesMut::with_capacity(total);
            exact.extend_from_slice(&self.buffer[..self.held]);
            self.buffer = exact;
        }
    }

    fn release_if_empty(&mut self) {
        if self.held == 0 {
            self.buffer = BytesMut::new();
        }
    }
}

/// Tells how far the framer is, never what it holds: heads and bodies carry credentials.
impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framer")
            .field("partial", &self.partial())
            .field(
                "failed",
                &self.failed.as_ref().map(|failure| failure.broken.violation),
            )
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nl: 4\r\n\r\nbody";

    fn names(framer: &mut Framer) -> String {
        let mut names = String::new();
        while let Some(frame) = framer.next_frame().unwrap() {
            names += match frame {
                Frame::Message(_) => "message ",
                Frame::Ping => "ping ",
                Frame::Pong => "pong ",
            };
        }
        names
    }

    #[test]
    fn keep_alives_are_the_same_wherever_the_stream_is_cut() {
        for (line_ends, expected) in [
            (1, "pong message "),
            (2, "ping message "),
            (3, "ping pong message "),
            (4, "ping ping message "),
            (5, "ping ping pong message "),
        ] {
            let stream = [b"\r\n".repeat(line_ends), MESSAGE.to_vec()].concat();
            for cut in 0..=stream.len() {
                let mut framer = Framer::new(Limits::default());
                framer.push(&stream[..cut]);
                let mut seen = names(&mut framer);
                framer.push(&stream[cut..]);
                seen += &names(&mut framer);
                assert_eq!(seen, expected, "{line_ends} cut at {cut}");
            }
        }
    }

    #[test]
    fn half_a_ping_is_held_back_without_a_partial_message_or_memory() {
        let mut framer = Framer::new(Limits::default());
        for (byte, expected) in [(b'\r', ""), (b'\n', ""), (b'\r', ""), (b'\n', "ping ")] {
            framer.spare(4096)[0] = byte;
            framer.filled(1);
            assert_eq!(names(&mut framer), expected);
            assert!(framer.is_idle());
            assert_eq!(framer.capacity(), 0);
        }
    }

    #[test]
    fn answers_to_two_pings_of_ours_are_no_ping_once_each_was_taken() {
        let mut framer = Framer::new(Limits::default());
        assert!(!framer.take_pong());
        for _ in 0..2 {
            framer.push(b"\r\n");
            assert_eq!(names(&mut framer), "");
            assert!(framer.take_pong());
            assert!(!framer.take_pong());
        }
    }

    #[test]
    fn a_partial_message_is_counted_until_it_is_whole() {
        let mut framer = Framer::new(Limits::default());
        for (count, byte) in MESSAGE.iter().enumerate() {
            assert_eq!(framer.partial(), count);
            framer.push(&[*byte]);
            let whole = count + 1 == MESSAGE.len();
            assert_eq!(names(&mut framer), if whole { "message " } else { "" });
        }
        assert!(framer.is_idle());
        assert_eq!(framer.capacity(), 0);
    }

    #[test]
    fn a_read_that_gave_nothing_leaves_no_memory_behind() {
        let mut framer = Framer::new(Limits::default());
        assert_eq!(framer.spare(4096).len(), 4096);
        framer.filled(0);
        assert_eq!(framer.capacity(), 0);
    }

    #[test]
    fn a_message_of_known_length_is_given_room_for_itself_and_no_more() {
        let mut framer = Framer::new(Limits::default());
        let head = b"OPTIONS sip:a SIP/2.0\r\nl: 60000\r\n\r\n";
        framer.push(head);
        assert_eq!(names(&mut framer), "");
        assert_eq!(framer.capacity(), head.len() + 60000);
        assert_eq!(framer.spare(70000).len(), 60000);
        assert_eq!(framer.capacity(), head.len() + 60000);
        framer.filled(60000);
        assert_eq!(names(&mut framer), "message ");
        assert_eq!(framer.capacity(), 0);
    }
}
