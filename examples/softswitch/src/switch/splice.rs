//! Copies a message with some header fields replaced. Everything else stays as it was sent, byte
//! for byte (RFC 3261 16.3 item 1).

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use sipward::sip::Message;

use super::text::Output;

/// A header field, and the text in its place: whole lines, or nothing.
#[derive(Clone, Debug)]
pub(super) struct Edit<'a> {
    place: Range<usize>,
    text: Cow<'a, [u8]>,
}

impl<'a> Edit<'a> {
    /// `field` is the raw field of a header of `message`.
    pub(super) fn replace(
        message: &Message,
        field: &[u8],
        text: impl Into<Cow<'a, [u8]>>,
    ) -> Edit<'a> {
        // The field lies within the message.
        let begin = field.as_ptr() as usize - message.bytes().as_ptr() as usize;
        Edit {
            place: begin..begin + field.len(),
            text: text.into(),
        }
    }

    /// Whether it edits this field.
    pub(super) fn is_of(&self, message: &Message, field: &[u8]) -> bool {
        self.place.start == field.as_ptr() as usize - message.bytes().as_ptr() as usize
    }

    pub(super) fn remove(message: &Message, field: &[u8]) -> Edit<'a> {
        Edit::replace(message, field, &b""[..])
    }
}

/// Copies `message` with another start line, with `inserted` lines before all others, and with the
/// `edits`, which stand in the order of their fields. A message without Content-Length gets one,
/// since the next hop may be strict (RFC 3261 18.3).
pub(super) fn spliced(
    message: &Message,
    start_line: &[&[u8]],
    inserted: &[&[u8]],
    edits: &[Edit<'_>],
) -> Bytes {
    const NO_BODY: &str = "Content-Length: 0\r\n";
    let bytes = message.bytes();
    let head_len = message.head().len();
    let added = start_line.iter().chain(inserted).map(|text| text.len());
    let edited = edits.iter().map(|edit| edit.text.len());
    let size = bytes.len() + added.sum::<usize>() + edited.sum::<usize>() + NO_BODY.len() + 2;
    let mut out = Vec::with_capacity(size);
    for text in start_line {
        out.extend_from_slice(text);
    }
    out.put("\r\n");
    for line in inserted {
        out.extend_from_slice(line);
    }
    let mut at = message.start_line().len() + 2;
    for edit in edits {
        out.extend_from_slice(&bytes[at..edit.place.start]);
        out.extend_from_slice(&edit.text);
        at = edit.place.end;
    }
    // The empty line ends the head.
    let fields_end = head_len - 2;
    out.extend_from_slice(&bytes[at..fields_end]);
    if !message.has_length() {
        out.put(NO_BODY);
    }
    out.extend_from_slice(&bytes[fields_end..]);
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sipward::sip::Name;

    #[test]
    fn all_but_the_edited_fields_stay_as_they_were_sent() {
        let text = &b"INVITE sip:a SIP/2.0\r\nv:x\r\n ,y\r\nSubject:  Gr\xfc\xdfe \r\nMax-Forwards: 70\r\n\
            X: 1\r\nContent-Length: 4\r\n\r\nbody"[..];
        let message = Message::parse(Bytes::copy_from_slice(text)).expect("a message");
        let field = |name| message.header(name).expect("the header").raw;
        let edits = [
            Edit::remove(&message, field(Name::Via)),
            Edit::replace(
                &message,
                field(Name::MaxForwards),
                &b"Max-Forwards: 69\r\n"[..],
            ),
        ];
        let copy = spliced(&message, &[b"ACK sip:b SIP/2.0"], &[b"Y: 2\r\n"], &edits);
        let expected =
            &b"ACK sip:b SIP/2.0\r\nY: 2\r\nSubject:  Gr\xfc\xdfe \r\nMax-Forwards: 69\r\nX: 1\r\n\
            Content-Length: 4\r\n\r\nbody"[..];
        assert_eq!(copy, expected);
    }

    #[test]
    fn a_message_without_a_length_gets_one() {
        let message =
            Message::parse("BYE sip:a SIP/2.0\r\nX: 1\r\n\r\n".into()).expect("a message");
        let copy = spliced(&message, &[b"BYE sip:a SIP/2.0"], &[], &[]);
        assert_eq!(
            copy,
            "BYE sip:a SIP/2.0\r\nX: 1\r\nContent-Length: 0\r\n\r\n"
        );
    }
}
