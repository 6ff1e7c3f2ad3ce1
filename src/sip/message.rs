//! One whole message: its start line, its header fields, its body (RFC 3261 §7).

use super::Violation;
use super::head::{Head, HeadScan, Kind};
use super::header::{Header, Headers, Name, Span};
use super::limits::Limits;
use super::violation::Defect;
use bytes::Bytes;
use std::fmt;

/// One whole SIP message, as it was on the wire. Where it ends is certain: its lines and its
/// Content-Length are. Its start line is that of SIP, its header names are tokens, unless
/// [`defect`](Self::defect) says otherwise; header values are not looked at. A head need not be UTF-8.
///
/// Clones share the bytes. They may be part of a larger read buffer, which lives as long as any
/// message in it: code that keeps a message for long does well to copy it.
///
/// ```
/// use sipward::sip::{Message, Name};
///
/// let text = "OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/TLS b\r\nVia: SIP/2.0/TLS c\r\nl: 0\r\n\r\n";
/// let message = Message::parse(text.into())?;
/// assert_eq!(message.request_uri(), Some("sip:a"));
/// assert_eq!(message.header(Name::Via).unwrap().value, b"SIP/2.0/TLS b");
/// assert_eq!(message.all(Name::Via).count(), 2);
/// assert!(message.only(Name::Via).is_none());
/// # Ok::<(), sipward::sip::Violation>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    head: Head,
    headers: Vec<Span>,
}

impl Message {
    /// A message that already lies in one piece. Checked as on a stream, but without [`Limits`].
    ///
    /// # Errors
    /// What is wrong with it; [`Violation::NotOneMessage`] if it ends early or is followed by
    /// anything.
    pub fn parse(bytes: Bytes) -> Result<Self, Violation> {
        let mut scan = HeadScan::default();
        let head = scan
            .advance(&bytes, &Limits::NONE)?
            .ok_or(Violation::NotOneMessage)?;
        if head.total() != bytes.len() {
            return Err(Violation::NotOneMessage);
        }
        Ok(Self::new(bytes, head, scan.into_headers()))
    }

    /// `bytes` are the `head.total()` bytes in which `head` and `headers` were found.
    pub(super) fn new(bytes: Bytes, head: Head, headers: Vec<Span>) -> Self {
        Self {
            bytes,
            head,
            headers,
        }
    }

    /// The whole message.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The whole message, without touching the share count.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Start line and headers, up to and with the empty line.
    pub fn head(&self) -> &[u8] {
        &self.bytes[..self.head.len]
    }

    /// The body, of as many bytes as Content-Length says; shares the message's memory.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(self.head.len..)
    }

    /// The request line or status line, without its line end. A reason phrase is not always UTF-8.
    pub fn start_line(&self) -> &[u8] {
        &self.bytes[..self.head.start.len]
    }

    /// True for a request, false for a response.
    pub fn is_request(&self) -> bool {
        matches!(self.head.start.kind, Kind::Request { .. })
    }

    /// The request's method, in the case it was sent in; `None` for a response.
    pub fn method(&self) -> Option<&str> {
        match self.head.start.kind {
            Kind::Request { method, .. } => Some(self.text(0, method)),
            Kind::Response { .. } => None,
        }
    }

    /// The Request-URI as it stands; `None` for a response, and for one that is not UTF-8.
    pub fn request_uri(&self) -> Option<&str> {
        match self.head.start.kind {
            Kind::Request { uri, uri_end, .. } => str::from_utf8(&self.bytes[uri..uri_end]).ok(),
            Kind::Response { .. } => None,
        }
    }

    /// The response's status, any three digits; `None` for a request, and for a response with
    /// [`Defect::StatusCode`].
    pub fn status(&self) -> Option<u16> {
        match self.head.start.kind {
            Kind::Request { .. } => None,
            Kind::Response { status } => status,
        }
    }

    /// The first thing in its head that SIP does not allow and that leaves no doubt where the message ends;
    /// `None` for a proper message. A request with a defect is to be answered with
    /// [`Defect::status`] and not to be acted on: two readers could read it differently.
    pub const fn defect(&self) -> Option<Defect> {
        self.head.defect
    }

    /// Whether it has a Content-Length. Without one its body is empty.
    pub const fn has_length(&self) -> bool {
        self.head.has_length
    }

    /// Every header field, in order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> + Clone {
        self.fields()
    }

    fn fields(&self) -> Headers<'_> {
        Headers {
            head: self.head(),
            spans: &self.headers,
            // The empty line ends the last one.
            end: self.head.fields_end,
        }
    }

    /// The first header field of that name.
    pub fn header(&self, name: Name) -> Option<Header<'_>> {
        self.fields().next_of(name)
    }

    /// Every header field of that name, in order.
    pub fn all(&self, name: Name) -> impl Iterator<Item = Header<'_>> + Clone {
        AllOf {
            fields: self.fields(),
            name,
        }
    }

    /// Every header field with a name that this library does not know, in any case.
    pub fn all_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Header<'a>> + Clone {
        self.headers()
            .filter(move |header| header.name_text().eq_ignore_ascii_case(name))
    }

    /// The header field of a name that may be there once only; `None` as well when it is there twice.
    pub fn only(&self, name: Name) -> Option<Header<'_>> {
        let mut all = self.all(name);
        let header = all.next()?;
        all.next().is_none().then_some(header)
    }

    /// Bytes that end where a token ends, which is ASCII: the empty default never shows.
    fn text(&self, from: usize, to: usize) -> &str {
        str::from_utf8(&self.bytes[from..to]).unwrap_or_default()
    }
}

/// The header fields of one name.
#[derive(Clone)]
struct AllOf<'a> {
    fields: Headers<'a>,
    name: Name,
}

impl<'a> Iterator for AllOf<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.fields.next_of(self.name)
    }
}

/// Method or status and lengths only: headers and bodies carry credentials and keys.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = f.debug_struct("Message");
        match self.head.start.kind {
            Kind::Request { .. } => message.field("method", &self.method().unwrap_or_default()),
            Kind::Response { status } => message.field("status", &status),
        };
        message
            .field("head", &self.head.len)
            .field("body", &self.head.body)
            .finish()
    }
}
