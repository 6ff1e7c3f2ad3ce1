//! How much of a message a peer may send.

/// How much of a message a peer may send. At a limit the stream is refused with the [`Violation`](crate::sip::Violation)
/// named: there is no way to skip a message whose end is not known, and none to trust a peer that
/// went on past its bounds.
///
/// Every limit counts line ends too, and is itself still allowed: one more is refused, as soon as
/// it is certain to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the request or status line; 8 KiB. Beyond: [`Violation::StartLineTooLong`](super::Violation::StartLineTooLong).
    pub start_line: usize,
    /// Bytes of the whole head, that is start line, header lines and empty line; 32 KiB. Beyond:
    /// [`Violation::HeadersTooLarge`](super::Violation::HeadersTooLarge).
    pub headers: usize,
    /// Header fields in one message, a folded one counted once; 200. Beyond:
    /// [`Violation::TooManyHeaders`](super::Violation::TooManyHeaders).
    pub header_count: usize,
    /// Bytes of the body, as claimed by Content-Length before any of them is read; 64 KiB. Beyond:
    /// [`Violation::BodyTooLarge`](super::Violation::BodyTooLarge).
    pub body: usize,
    /// Bytes of head and body together; 64 KiB. Beyond: [`Violation::MessageTooLarge`](super::Violation::MessageTooLarge).
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
    pub(super) const NONE: Self = Self {
        start_line: usize::MAX,
        headers: usize::MAX,
        header_count: usize::MAX,
        body: usize::MAX,
        total: usize::MAX,
    };

    /// Sets [`start_line`](Self::start_line).
    pub const fn with_start_line(mut self, start_line: usize) -> Self {
        self.start_line = start_line;
        self
    }

    /// Sets [`headers`](Self::headers).
    pub const fn with_headers(mut self, headers: usize) -> Self {
        self.headers = headers;
        self
    }

    /// Sets [`header_count`](Self::header_count).
    pub const fn with_header_count(mut self, header_count: usize) -> Self {
        self.header_count = header_count;
        self
    }

    /// Sets [`body`](Self::body).
    pub const fn with_body(mut self, body: usize) -> Self {
        self.body = body;
        self
    }

    /// Sets [`total`](Self::total).
    pub const fn with_total(mut self, total: usize) -> Self {
        self.total = total;
        self
    }
}
