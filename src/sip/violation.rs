//! What a peer sends that is not SIP: what ends its stream, and what does not.

use std::fmt;

/// What the peer did that makes its stream unreadable from there on. The stream has to be closed:
/// where the next message would begin is not known. Carries numbers only, never anything the peer
/// wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// It sent something that is neither a request line nor a status line (RFC 3261 §7.1,
    /// §7.2): another protocol, or the rest of a message that was longer than its Content-Length.
    StartLine,
    /// Its start line is longer than [`Limits::start_line`](crate::sip::Limits::start_line).
    StartLineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// Its head is longer than [`Limits::headers`](crate::sip::Limits::headers).
    HeadersTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It sent more header fields than [`Limits::header_count`](crate::sip::Limits::header_count).
    TooManyHeaders {
        /// The limit in header fields.
        limit: usize,
    },
    /// It sent a CR without LF in a head where readers could differ about the end of the head or the
    /// Content-Length.
    ControlCharacter,
    /// It ended a line with LF alone where readers could differ about the end of the head or the
    /// Content-Length.
    BareLineFeed,
    /// It sent a message with a Content-Type and without a Content-Length: a body is to come, and where it
    /// ends cannot be known (RFC 3261 §18.3, §20.14).
    ContentLengthMissing,
    /// It sent a Content-Length that is not digits only: signed, empty, a list, or followed by
    /// something.
    ContentLengthInvalid,
    /// It sent a Content-Length that no machine word can hold.
    ContentLengthOverflow,
    /// It sent two Content-Lengths that differ.
    ContentLengthConflict,
    /// It announced a body larger than [`Limits::body`](crate::sip::Limits::body).
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The bytes announced.
        claimed: usize,
    },
    /// Its message is larger as a whole than [`Limits::total`](crate::sip::Limits::total).
    MessageTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes given to [`Message::parse`](crate::sip::Message::parse) are less, or more, than one message. Never on a
    /// stream.
    NotOneMessage,
}

impl Violation {
    /// The violation's name in logs: stable, in snake case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StartLine => "start_line",
            Self::StartLineTooLong { .. } => "start_line_too_long",
            Self::HeadersTooLarge { .. } => "headers_too_large",
            Self::TooManyHeaders { .. } => "too_many_headers",
            Self::ControlCharacter => "control_character",
            Self::BareLineFeed => "bare_line_feed",
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
            Self::ControlCharacter => {
                f.write_str("the peer sent a control character in a head: fix the peer")
            }
            Self::BareLineFeed => {
                f.write_str("the peer ended a line with LF instead of CRLF: fix the peer")
            }
            Self::ContentLengthMissing => f.write_str(
                "the peer sent a body without Content-Length, which a stream requires: fix the peer",
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

/// How a stream broke, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenStream {
    /// What the peer did.
    pub violation: Violation,
    /// Bytes of the message under way before the line that broke it.
    pub offset: usize,
    /// The byte there, if it has come.
    pub byte: Option<u8>,
}

impl BrokenStream {
    /// An example: a stream that never was SIP.
    pub(crate) const START_LINE: Self = Self {
        violation: Violation::StartLine,
        offset: 0,
        byte: None,
    };
}

impl From<Violation> for BrokenStream {
    /// At the beginning of a message.
    fn from(violation: Violation) -> Self {
        Self {
            violation,
            offset: 0,
            byte: None,
        }
    }
}

impl fmt::Display for BrokenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line at byte {} of the message", self.offset)?;
        match self.byte {
            Some(byte) => write!(f, ", which begins with 0x{byte:02x}"),
            None => Ok(()),
        }
    }
}

/// What a message has in its head that SIP does not allow, where no doubt is left about the message's end. The
/// stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// Blanks within or around the Request-URI, or none at all where one is due (RFC 3261 §7.1).
    RequestLine,
    /// A version of SIP other than 2.0.
    Version,
    /// A status code that is a number and has not three digits (RFC 4475 §3.1.2.19).
    StatusCode,
    /// A header line without a colon, without a name, with a name that is no token, or a continuation line
    /// with no header to continue (RFC 3261 §7.3.1).
    HeaderLine,
    /// A control character besides the tab that stands in no quoted-pair: NUL, a CR without LF, DEL.
    ControlCharacter,
    /// A line that ends with LF alone.
    BareLineFeed,
}

impl Defect {
    /// The defect's name in logs: stable, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestLine => "request_line",
            Self::Version => "version",
            Self::StatusCode => "status_code",
            Self::HeaderLine => "header_line",
            Self::ControlCharacter => "control_character",
            Self::BareLineFeed => "bare_line_feed",
        }
    }

    /// The status and reason phrase of the response that a request with it gets.
    pub const fn status(self) -> (u16, &'static str) {
        match self {
            Self::RequestLine => (400, "Bad Request-Line"),
            Self::Version => (505, "Version Not Supported"),
            // No request has one.
            Self::StatusCode => (400, "Bad Status Code"),
            Self::HeaderLine => (400, "Bad Header Line"),
            Self::ControlCharacter => (400, "Control Character In Header"),
            Self::BareLineFeed => (400, "Line Feed Without Carriage Return"),
        }
    }
}

impl Violation {
    /// The status and reason phrase of the best-effort response before the stream is closed.
    pub const fn status(self) -> (u16, &'static str) {
        match self {
            Self::ContentLengthMissing => (400, "Missing Content-Length"),
            Self::ContentLengthInvalid | Self::ContentLengthOverflow => (400, "Bad Content-Length"),
            Self::ContentLengthConflict => (400, "Conflicting Content-Length"),
            Self::StartLineTooLong { .. }
            | Self::HeadersTooLarge { .. }
            | Self::TooManyHeaders { .. }
            | Self::BodyTooLarge { .. }
            | Self::MessageTooLarge { .. } => (513, "Message Too Large"),
            Self::BareLineFeed => (400, "Line Feed Without Carriage Return"),
            Self::ControlCharacter => (400, "Control Character In Header"),
            Self::StartLine | Self::NotOneMessage => (400, "Bad Request"),
        }
    }
}
