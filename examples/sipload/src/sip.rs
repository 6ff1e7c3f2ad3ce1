//! As much SIP as a load generator needs: writing requests, and reading header fields.

use crate::failure::Failure;
use crate::identifiers::Identifier;
use sipward::sip::Message;
use std::fmt::Arguments;
use std::io::Write;

/// A request with the header fields that every request has (RFC 3261 8.1.1).
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: Arguments<'a>,
    /// The local address of the connection, for Via.
    pub local: &'a str,
    /// The transaction's branch.
    pub branch: Identifier,
    /// From, with its tag.
    pub from: Arguments<'a>,
    /// To.
    pub to: Arguments<'a>,
    /// Call-ID.
    pub call_id: Arguments<'a>,
    /// The number in CSeq.
    pub cseq: u32,
}

impl Request<'_> {
    /// Appends the request to `out`, with further header lines, each with its CRLF, and a body.
    pub fn write(&self, out: &mut Vec<u8>, more: Arguments<'_>, body: &str) {
        let Self {
            method,
            uri,
            local,
            branch,
            from,
            to,
            call_id,
            cseq,
        } = self;
        // Writing to memory does not fail.
        let _ = write!(
            out,
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/TLS {local};branch={branch}\r\n\
             Max-Forwards: 70\r\n\
             From: {from}\r\n\
             To: {to}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n\
             {more}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
    }
}

/// A response to a request that this program sent.
pub struct Reply<'a> {
    /// Its status.
    pub status: u16,
    /// The whole response.
    pub message: &'a Message,
}

impl<'a> Reply<'a> {
    /// The message, if it is a response to the request with this method and CSeq.
    pub fn to(method: &str, cseq: u32, message: &'a Message) -> Option<Self> {
        let status = message.status()?;
        let mut words = field(message, "CSeq", "")?.split_ascii_whitespace();
        let answers = words.next()?.parse() == Ok(cseq) && words.next() == Some(method);
        answers.then_some(Self { status, message })
    }

    /// True unless it is provisional (1xx).
    pub fn is_final(&self) -> bool {
        self.status >= 200
    }

    /// True when the response asks for credentials.
    pub fn is_challenge(&self) -> bool {
        matches!(self.status, 401 | 407)
    }

    /// Ok for 2xx.
    ///
    /// # Errors
    /// [`Failure::Status`] otherwise.
    pub fn success(&self, method: &'static str) -> Result<(), Failure> {
        match self.status {
            200..300 => Ok(()),
            status => Err(Failure::Status { method, status }),
        }
    }
}

/// The value of the first header field with this name or, unless it is empty, this compact name.
pub fn field<'a>(
    message: &'a Message,
    name: &'static str,
    compact: &'static str,
) -> Option<&'a str> {
    fields(message, name, compact).next()
}

/// The values of all header fields with this name or this compact name, one a line, in order. A
/// folded value ends at the fold; servers do not fold lines.
pub fn fields<'a>(
    message: &'a Message,
    name: &'static str,
    compact: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    let head = str::from_utf8(message.head()).unwrap_or_default();
    // The start line does not match: what is before its first colon is no header name.
    head.lines().filter_map(move |line| {
        let (found, value) = line.split_once(':')?;
        let found = found.trim_end();
        let wanted = found.eq_ignore_ascii_case(name)
            || (!compact.is_empty() && found.eq_ignore_ascii_case(compact));
        wanted.then(|| value.trim())
    })
}

/// The URI in a `name-addr` or `addr-spec` (RFC 3261 25.1).
pub fn uri(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split_once('>').map_or(rest, |(uri, _)| uri),
        None => value.split_once(';').map_or(value, |(uri, _)| uri).trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::Identifiers;
    use bytes::Bytes;

    const REPLY: &str = "SIP/2.0 200 OK\r\nv: SIP/2.0/TLS a\r\nVia : SIP/2.0/TLS b\r\n\
                         CSEQ:  7  INVITE\r\nContent-Length: 0\r\n\r\n";

    fn reply() -> Message {
        Message::parse(Bytes::from_static(REPLY.as_bytes())).unwrap()
    }

    #[test]
    fn a_request_is_a_whole_message() {
        let mut out = Vec::new();
        let request = Request {
            method: "OPTIONS",
            uri: format_args!("sip:a"),
            local: "[::1]:9",
            branch: Identifiers::new(1, 1).branch(),
            from: format_args!("<sip:b@a>;tag=1"),
            to: format_args!("<sip:a>"),
            call_id: format_args!("c"),
            cseq: 7,
        };
        request.write(&mut out, format_args!("Accept: x/y\r\n"), "body");
        let message = Message::parse(out.into()).unwrap();
        assert_eq!(message.method(), Some("OPTIONS"));
        assert_eq!(message.body(), "body");
        assert_eq!(field(&message, "accept", ""), Some("x/y"));
        assert_eq!(field(&message, "CSeq", ""), Some("7 OPTIONS"));
    }

    #[test]
    fn a_reply_is_matched_by_number_and_method() {
        let message = reply();
        assert!(Reply::to("INVITE", 7, &message).is_some());
        assert!(Reply::to("INVITE", 8, &message).is_none());
        assert!(Reply::to("BYE", 7, &message).is_none());
    }

    #[test]
    fn fields_are_found_by_either_name_in_order() {
        let message = reply();
        let vias: Vec<&str> = fields(&message, "Via", "v").collect();
        assert_eq!(vias, ["SIP/2.0/TLS a", "SIP/2.0/TLS b"]);
        assert_eq!(field(&message, "Contact", "m"), None);
    }

    #[test]
    fn the_uri_is_cut_out_of_an_address() {
        assert_eq!(uri("\"A\" <sip:a@b;lr>;x=1"), "sip:a@b;lr");
        assert_eq!(uri("sip:a@b;x=1"), "sip:a@b");
    }
}
