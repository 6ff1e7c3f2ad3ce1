//! Where one SIP message ends and the next begins on a stream.
//!
//! RFC 3261 7.5 and 18.3 rule: on a stream the end of a message is told by its Content-Length
//! alone, so a message without an exact one cannot be followed by another, and everything that two
//! readers could take differently is refused rather than repaired. Keep-alives between messages are
//! those of RFC 5626 3.5.1 and 4.4.1. Nothing here does I/O: bytes go in, frames come out.
//!
//! ```
//! use sipward::sip::{Frame, Framer, Limits};
//!
//! let mut framer = Framer::new(Limits::default());
//! framer.push(b"OPTIONS sip:example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n\r\n\r\n");
//! let Some(Frame::Message(message)) = framer.next_frame()? else {
//!     panic!("a message is due");
//! };
//! assert_eq!(message.method(), Some("OPTIONS"));
//! assert_eq!(framer.next_frame()?, Some(Frame::Ping));
//! assert_eq!(framer.next_frame()?, None);
//! # Ok::<(), sipward::sip::Violation>(())
//! ```

mod framing;
mod message;

pub use framing::{Frame, Framer};
pub use message::Message;

use std::fmt;

/// How much of a message a peer may send. At a limit the stream is refused with the [`Violation`]
/// named: there is no way to skip a message whose end is not known, and none to trust a peer that
/// went on past its bounds.
///
/// Every limit counts line ends too, and is itself still allowed: one more is refused, as soon as
/// it is certain to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request or status line; 8 KiB. Beyond: [`Violation::StartLineTooLong`].
    pub start_line: usize,
    /// Bytes of the whole head, that is start line, header lines and empty line; 32 KiB. Beyond:
    /// [`Violation::HeadersTooLarge`].
    pub headers: usize,
    /// Header fields in one message, a folded one counted once; 200. Beyond:
    /// [`Violation::TooManyHeaders`].
    pub header_count: usize,
    /// Bytes of the body, as claimed by Content-Length before any of them is read; 64 KiB. Beyond:
    /// [`Violation::BodyTooLarge`].
    pub body: usize,
    /// Bytes of head and body together; 64 KiB. Beyond: [`Violation::MessageTooLarge`].
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start_line: 8 * 1024,
            headers: 32 * 1024,
            header_count: 200,
            body: 64 * 1024,
            total: 64 * 1024,
        }
    }
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        start_line: usize::MAX,
        headers: usize::MAX,
        header_count: usize::MAX,
        body: usize::MAX,
        total: usize::MAX,
    };
}

/// What the peer did that makes its stream unreadable from there on. The stream has to be closed:
/// where the next message would begin is not known. Carries numbers only, never anything the peer
/// wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// It began with something that is neither a request line nor a status line (RFC 3261 7.1,
    /// 7.2): another protocol, or the rest of a message that was longer than its Content-Length.
    StartLine,
    /// Its start line is longer than [`Limits::start_line`].
    StartLineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// It speaks a version of SIP other than 2.0.
    Version,
    /// Its head is longer than [`Limits::headers`].
    HeadersTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It sent more header fields than [`Limits::header_count`].
    TooManyHeaders {
        /// The limit in header fields.
        limit: usize,
    },
    /// It sent a header line without a colon, without a name, with a name that is no token, or a
    /// continuation line with no header to continue (RFC 3261 7.3.1).
    HeaderLine,
    /// It sent a CR without LF, a NUL or another control character besides the tab in a head, or a
    /// CR without LF between messages.
    ControlCharacter,
    /// It ended a line with LF alone.
    BareLineFeed,
    /// Its head is not UTF-8 (RFC 3261 7).
    NotUtf8,
    /// It sent a message without Content-Length, which a stream cannot do without (RFC 3261 18.3).
    ContentLengthMissing,
    /// It sent a Content-Length that is not digits only: signed, empty, a list, or followed by
    /// something.
    ContentLengthInvalid,
    /// It sent a Content-Length that no machine word can hold.
    ContentLengthOverflow,
    /// It sent two Content-Lengths that differ.
    ContentLengthConflict,
    /// It announced a body larger than [`Limits::body`].
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The bytes announced.
        claimed: usize,
    },
    /// Its message is larger as a whole than [`Limits::total`].
    MessageTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes given to [`Message::parse`] are less, or more, than one message. Never on a
    /// stream.
    NotOneMessage,
}

impl Violation {
    /// The violation's name in logs: stable, in snake case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StartLine => "start_line",
            Self::StartLineTooLong { .. } => "start_line_too_long",
            Self::Version => "version",
            Self::HeadersTooLarge { .. } => "headers_too_large",
            Self::TooManyHeaders { .. } => "too_many_headers",
            Self::HeaderLine => "header_line",
            Self::ControlCharacter => "control_character",
            Self::BareLineFeed => "bare_line_feed",
            Self::NotUtf8 => "not_utf8",
            Self::ContentLengthMissing => "content_length_missing",
            Self::ContentLengthInvalid => "content_length_invalid",
            Self::ContentLengthOverflow => "content_length_overflow",
            Self::ContentLengthConflict => "content_length_conflict",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::MessageTooLarge { .. } => "message_too_large",
            Self::NotOneMessage => "not_one_message",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartLine => f.write_str(
                "the peer sent something that is no SIP start line: check that it speaks SIP",
            ),
            Self::StartLineTooLong { limit } => {
                write!(
                    f,
                    "the peer's start line is longer than {limit} bytes: raise the limit if it is meant"
                )
            }
            Self::Version => f.write_str("the peer speaks a version of SIP other than 2.0"),
            Self::HeadersTooLarge { limit } => {
                write!(
                    f,
                    "the peer's headers are larger than {limit} bytes: raise the limit if they are meant"
                )
            }
            Self::TooManyHeaders { limit } => {
                write!(
                    f,
                    "the peer sent more than {limit} headers in a message: raise the limit if they are meant"
                )
            }
            Self::HeaderLine => f.write_str(
                "the peer sent a header line without a proper name and colon: fix the peer",
            ),
            Self::ControlCharacter => {
                f.write_str("the peer sent a control character in a head: fix the peer")
            }
            Self::BareLineFeed => {
                f.write_str("the peer ended a line with LF instead of CRLF: fix the peer")
            }
            Self::NotUtf8 => f.write_str("the peer sent a head that is not UTF-8: fix the peer"),
            Self::ContentLengthMissing => f.write_str(
                "the peer sent no Content-Length, which a stream requires: fix the peer",
            ),
            Self::ContentLengthInvalid => {
                f.write_str("the peer's Content-Length is not a plain number: fix the peer")
            }
            Self::ContentLengthOverflow => {
                f.write_str("the peer's Content-Length is beyond any number: fix the peer")
            }
            Self::ContentLengthConflict => {
                f.write_str("the peer sent two different Content-Lengths: fix the peer")
            }
            Self::BodyTooLarge { limit, claimed } => {
                write!(
                    f,
                    "the peer announced a body of {claimed} bytes where {limit} are allowed: raise the limit if it is meant"
                )
            }
            Self::MessageTooLarge { limit } => {
                write!(
                    f,
                    "the peer's message is larger than {limit} bytes: raise the limit if it is meant"
                )
            }
            Self::NotOneMessage => {
                f.write_str("the bytes given are not exactly one message: give one whole message")
            }
        }
    }
}

impl std::error::Error for Violation {}
