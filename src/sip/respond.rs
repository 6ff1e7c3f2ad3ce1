//! Responses to a request (RFC 3261 §8.2.6): by the application, and best-effort ones before a broken stream
//! is closed.

use super::header::Name;
use super::lex::{is_token_text, trim};
use super::{Message, NameAddr, Problem, Violation};
use bytes::Bytes;
use memchr::memchr;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A response in the making. It has the request's Via fields, From, To, Call-ID and CSeq already, and a
/// Content-Length in the end.
#[derive(Clone)]
#[must_use = "nothing is sent before `build` and `Flow::send`"]
pub struct ResponseBuilder {
    head: Vec<u8>,
    body: Bytes,
}

/// Why a message gets no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoResponse {
    /// It is a response itself.
    Response,
    /// It is an ACK (RFC 3261 §17).
    Ack,
}

impl Message {
    /// Begins a response with all that RFC 3261 §8.2.6 wants copied from this request. To gets a tag if it has
    /// none and the status is above 100; Record-Route is copied into a response that may make a dialog (101 to
    /// 299, §12.1.1). A reason phrase with a line end or another control character is cut there.
    ///
    /// ```
    /// use sipward::sip::Message;
    ///
    /// let request = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS b;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\n\
    ///     To: <sip:a>\r\nCall-ID: e\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    /// let request = Message::parse(request.into())?;
    /// let response = request.respond(200, "OK")?.header("Allow", "OPTIONS")?.build();
    /// let response = Message::parse(response)?;
    /// assert_eq!(response.status(), Some(200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoResponse`] for an ACK and for a response.
    pub fn respond(&self, status: u16, reason: &str) -> Result<ResponseBuilder, NoResponse> {
        match self.method() {
            None => return Err(NoResponse::Response),
            Some("ACK") => return Err(NoResponse::Ack),
            Some(_) => {}
        }
        let mut builder = ResponseBuilder::new(status, reason, self.head().len());
        let makes_dialog = (101..300).contains(&status) && to_tag_is_missing(self);
        for header in self.headers() {
            match header.name {
                Name::Via | Name::From | Name::CallId | Name::CSeq => builder.line(header.raw),
                Name::RecordRoute if makes_dialog => builder.line(header.raw),
                Name::To => builder.to(header.raw, header.value, status > 100),
                _ => {}
            }
        }
        Ok(builder)
    }
}

fn to_tag_is_missing(message: &Message) -> bool {
    let to = message.header(Name::To);
    to.and_then(|to| NameAddr::parse(to.value).ok())
        .is_some_and(|to| !to.params.has("tag"))
}

impl ResponseBuilder {
    fn new(status: u16, reason: &str, room: usize) -> Self {
        let clean = reason.split(|c: char| c.is_control()).next();
        let mut head = Vec::with_capacity(room + 128);
        let status = status.clamp(100, 699);
        head.extend_from_slice(format!("SIP/2.0 {status} ").as_bytes());
        head.extend_from_slice(clean.unwrap_or_default().as_bytes());
        head.extend_from_slice(b"\r\n");
        Self {
            head,
            body: Bytes::new(),
        }
    }

    /// A header field. Its value is everything up to the end, white space at the ends excepted.
    ///
    /// # Errors
    /// [`Problem::Token`] for a name that is no token or is Content-Length, which is the builder's own;
    /// [`Problem::Leftover`] for a value with a line end or another control character.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Problem> {
        let is_name = is_token_text(name.as_bytes());
        if !is_name || Name::of(name) == Name::ContentLength {
            return Err(Problem::Token);
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(Problem::Leftover);
        }
        for text in [name, ": ", value.trim(), "\r\n"] {
            self.head.extend_from_slice(text.as_bytes());
        }
        Ok(self)
    }

    /// A body and its type, `application/sdp` say.
    ///
    /// # Errors
    /// Those of [`ResponseBuilder::header`] for the type.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Result<Self, Problem> {
        let mut builder = self.header("Content-Type", content_type)?;
        builder.body = body.into();
        Ok(builder)
    }

    /// The response, ready for [`Flow::send`](crate::Flow::send).
    pub fn build(mut self) -> Bytes {
        let length = format!("Content-Length: {}\r\n\r\n", self.body.len());
        self.head.extend_from_slice(length.as_bytes());
        self.head.extend_from_slice(&self.body);
        Bytes::from(self.head)
    }

    /// A whole field as it stands, with its line end; one with control characters is left out, since no header
    /// may carry them, and so is a line behind it that belongs to no field.
    fn line(&mut self, raw: &[u8]) {
        let is_clean = |line: &[u8]| {
            line.iter()
                .all(|byte| (*byte >= b' ' || *byte == b'\t') && *byte != 0x7f)
        };
        let begin = self.head.len();
        for (index, line) in trim(raw).split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if index > 0 && !line.starts_with(b" ") && !line.starts_with(b"\t") {
                break;
            }
            if !is_clean(line) {
                return self.head.truncate(begin);
            }
            self.head.extend_from_slice(line);
            self.head.extend_from_slice(b"\r\n");
        }
    }

    /// The To field, with a tag if it is to have one and can be read.
    fn to(&mut self, raw: &[u8], value: &[u8], tagged: bool) {
        let is_untagged = NameAddr::parse(value).is_ok_and(|to| !to.params.has("tag"));
        if !tagged || !is_untagged {
            return self.line(raw);
        }
        let begin = self.head.len();
        self.line(raw);
        if self.head.len() > begin {
            self.head.truncate(self.head.len() - 2);
            let tag = format!(";tag={:016x}\r\n", fresh());
            self.head.extend_from_slice(tag.as_bytes());
        }
    }
}

/// A number that no other end can foretell and that does not come twice.
fn fresh() -> u64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let keys = KEYS.get_or_init(RandomState::new);
    keys.hash_one(DRAWN.fetch_add(1, Ordering::Relaxed))
}

/// A final response to the request whose bytes broke the stream, made of the whole lines that have come;
/// `None` for what gets no response.
pub(super) fn refusal(held: &[u8], violation: Violation) -> Option<Bytes> {
    if violation == Violation::StartLine {
        return None;
    }
    let end = memchr::memrchr(b'\n', held)?;
    let mut lines = held[..end]
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let start = lines.next()?;
    let method = &start[..memchr(b' ', start)?];
    let is_request = is_token_text(method) && method != b"ACK";
    if !is_request {
        return None;
    }
    let (status, reason) = violation.status();
    let mut builder = ResponseBuilder::new(status, reason, 512);
    let mut has_via = false;
    // Folds are left out: a header is answered as far as its first line says it.
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some(colon) = memchr(b':', line) else {
            continue;
        };
        match Name::of_bytes(line[..colon].trim_ascii_end()) {
            Name::Via => {
                has_via = true;
                builder.line(line);
            }
            Name::From | Name::CallId | Name::CSeq => builder.line(line),
            Name::To => builder.to(line, trim(&line[colon + 1..]), true),
            _ => {}
        }
    }
    has_via.then(|| builder.build())
}

/// The length alone: headers may carry credentials.
impl fmt::Debug for ResponseBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBuilder")
            .field("head", &self.head.len())
            .field("body", &self.body.len())
            .finish()
    }
}

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response => "a response gets no response",
            Self::Ack => "an ACK gets no response",
        })
    }
}

impl Error for NoResponse {}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/TLS c;branch=z9hG4bK1,\r\n SIP/2.0/TLS d\r\n\
        Via: SIP/2.0/TLS e\r\nRecord-Route: <sip:p;lr>\r\nFrom: <sip:c@d>;tag=1\r\nt: \"A\" <sip:a@b>\r\n\
        Call-ID: x\r\nCSeq: 1 INVITE\r\nSubject: no\r\nContent-Length: 0\r\n\r\n";

    fn response(request: &str, status: u16, reason: &str) -> Message {
        let request = Message::parse(Bytes::from(request.to_owned())).unwrap();
        Message::parse(request.respond(status, reason).unwrap().build()).unwrap()
    }

    #[test]
    fn what_rfc_3261_section_8_2_6_wants_is_copied_and_nothing_else() {
        let response = response(REQUEST, 180, "Ringing");
        assert_eq!(response.status(), Some(180));
        assert_eq!(response.all(Name::Via).count(), 2);
        assert_eq!(response.header(Name::CSeq).unwrap().value, b"1 INVITE");
        assert_eq!(response.all(Name::RecordRoute).count(), 1);
        assert!(response.header(Name::Subject).is_none());
        let to = response.only(Name::To).unwrap();
        assert!(NameAddr::parse(to.value).unwrap().tag().is_some());
    }

    #[test]
    fn a_100_has_no_tag_and_a_tag_that_is_there_stays() {
        let trying = response(REQUEST, 100, "Trying");
        assert_eq!(trying.only(Name::To).unwrap().value, b"\"A\" <sip:a@b>");
        let tagged = REQUEST.replace("t: \"A\" <sip:a@b>", "To: <sip:a@b>;tag=2");
        let odd = REQUEST.replace("t: \"A\" <sip:a@b>", "To: <sip:a@b>;tag=a@b");
        let odd = response(&odd, 200, "OK");
        assert_eq!(odd.only(Name::To).unwrap().value, b"<sip:a@b>;tag=a@b");
        let ok = response(&tagged, 200, "OK");
        assert_eq!(ok.only(Name::To).unwrap().value, b"<sip:a@b>;tag=2");
    }

    #[test]
    fn acks_and_responses_get_none() {
        let ack = REQUEST.replace("INVITE", "ACK");
        let ack = Message::parse(Bytes::from(ack)).unwrap();
        assert_eq!(ack.respond(400, "x").unwrap_err(), NoResponse::Ack);
        let response = response(REQUEST, 200, "OK");
        assert_eq!(
            response.respond(200, "OK").unwrap_err(),
            NoResponse::Response
        );
    }

    #[test]
    fn a_line_that_is_no_header_is_not_copied() {
        let broken = REQUEST.replace("Call-ID: x", "Call=ID: x");
        let response = response(&broken, 400, "Bad Header Line");
        assert_eq!(response.defect(), None);
        assert!(response.header(Name::CallId).is_none());
        assert!(response.header(Name::To).is_some());
    }

    #[test]
    fn no_value_becomes_a_line_of_its_own() {
        let request = Message::parse(Bytes::from(REQUEST)).unwrap();
        let builder = request.respond(200, "OK\r\nInjected: 1").unwrap();
        assert!(builder.clone().header("Subject", "a\r\nX: y").is_err());
        assert!(builder.clone().header("Sub ject", "a").is_err());
        assert!(builder.clone().header("l", "5").is_err());
        let built = builder.body("text/plain", "body").unwrap().build();
        let response = Message::parse(built).unwrap();
        assert_eq!(response.body(), "body");
        assert_eq!(response.all_named("Injected").count(), 0);
        assert_eq!(response.start_line(), b"SIP/2.0 200 OK");
    }
}
