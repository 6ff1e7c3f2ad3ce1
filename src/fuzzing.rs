//! What reads a peer's bytes before anybody has proved anything, for fuzzing: each function takes any
//! bytes, and panics only when a promise is broken. Not part of the interface.

use crate::sip::{Frame, Framer, Limits, Message};
use crate::tls::fuzzing as tls;

/// The readers of ClientHello, ServerHello and what follows from them.
///
/// # Panics
/// When one of them does.
pub fn hello(bytes: &[u8]) {
    tls::hello(bytes);
}

/// The classifier of first bytes that are not TLS.
///
/// # Panics
/// When what it says of them is not short, printable text.
pub fn first_bytes(bytes: &[u8]) {
    tls::first_bytes(bytes);
}

/// The scanner of records and alerts.
///
/// # Panics
/// When it says something else of the same bytes cut differently, or keeps too much of them.
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
