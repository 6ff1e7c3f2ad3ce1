//! Entry points for fuzzing of everything that reads a peer's bytes before the peer is authenticated.
//! Each function accepts any bytes, and panics only when the code breaks a promise. Not part of the
//! interface.

use crate::sip::{
    CSeq, Contacts, Credentials, Frame, Framer, Limits, Message, NameAddr, Uri, Via, param,
};
use crate::tls::fuzzing as tls;

/// The readers of ClientHello, ServerHello and what follows from them.
///
/// # Panics
/// When one of the readers panics.
pub fn hello(bytes: &[u8]) {
    tls::hello(bytes);
}

/// The classifier of first bytes that are not TLS.
///
/// # Panics
/// When the excerpt is not short, printable text.
pub fn first_bytes(bytes: &[u8]) {
    tls::first_bytes(bytes);
}

/// The scanner of records and alerts.
///
/// # Panics
/// When the same bytes in other pieces give another result, or when too many of them are kept.
pub fn records(bytes: &[u8]) {
    tls::records(bytes);
}

/// SIP framing. The first byte says where the rest is cut.
///
/// # Panics
/// When frames depend on the cuts, when a message is over the limits, or when bytes get lost.
pub fn framing(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else {
        return;
    };
    let whole = frames(stream, stream.len().max(1));
    assert_eq!(whole, frames(stream, 1), "cut at each byte");
    let cut = usize::from(*cut) + 1;
    assert_eq!(whole, frames(stream, cut), "cut each {cut} bytes");
    let limits = Limits::default();
    let mut framed = 0;
    for message in &whole.messages {
        assert!(message.bytes().len() <= limits.total);
        framed += message.bytes().len();
    }
    assert!(framed <= stream.len(), "more came out than went in");
}

/// The readers of header values, each given these bytes as its value.
///
/// # Panics
/// When what a reader has read is written and reads back as something else, or a response to a message made
/// of these bytes is not one message.
pub fn headers(bytes: &[u8]) {
    if let Ok(address) = NameAddr::parse(bytes) {
        let written = address.to_string();
        let again = NameAddr::parse(written.as_bytes());
        let again = again.unwrap_or_else(|problem| panic!("{written:?}: {problem}"));
        assert_eq!(again.uri, address.uri);
        assert_eq!(again.tag(), address.tag());
        if let Ok(uri) = address.parsed_uri() {
            assert_eq!(Uri::parse(&uri.to_string()), Ok(uri));
        }
    }
    if let Ok((via, rest)) = Via::first(bytes) {
        assert!(via.raw.len() + rest.map_or(0, <[u8]>::len) <= bytes.len());
        let _ = (via.ip(), via.branch());
    }
    if let Ok(credentials) = Credentials::parse(bytes) {
        for (name, value) in credentials.params() {
            assert_eq!(credentials.get(name), Some(value));
        }
    }
    let _ = (Contacts::parse([bytes]), CSeq::parse(bytes));
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(written) = param("name", text)
    {
        let address = format!("<sip:a@b>{written}");
        let again = NameAddr::parse(address.as_bytes());
        let again = again.unwrap_or_else(|problem| panic!("{address:?}: {problem}"));
        assert_eq!(again.params.get("name").as_deref(), Some(text));
    }
    let head = [
        b"OPTIONS sip:a SIP/2.0\r\nVia: ",
        bytes,
        b"\r\nl: 0\r\n\r\n",
    ]
    .concat();
    if let Ok(request) = Message::parse(head.into())
        && let Ok(response) = request.respond(400, "Bad Request")
    {
        // The Via may contain a second Content-Length; then the request is not valid.
        let response = Message::parse(response.build());
        assert_eq!(response.map(|response| response.status()), Ok(Some(400)));
    }
}

#[derive(Debug, PartialEq)]
struct Framed {
    messages: Vec<Message>,
    pings: usize,
    pongs: usize,
    violation: Option<crate::sip::Violation>,
}

fn frames(stream: &[u8], cut: usize) -> Framed {
    let mut framer = Framer::new(Limits::default());
    let mut framed = Framed {
        messages: Vec::new(),
        pings: 0,
        pongs: 0,
        violation: None,
    };
    for part in stream.chunks(cut) {
        framer.push(part);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(message))) => framed.messages.push(message),
                Ok(Some(Frame::Ping)) => framed.pings += 1,
                Ok(Some(Frame::Pong)) => framed.pongs += 1,
                Ok(None) => break,
                Err(violation) => {
                    framed.violation = Some(violation);
                    return framed;
                }
            }
        }
    }
    framed
}
