//! Requests that the switch itself sends to one branch: the CANCEL of an INVITE (RFC 3261 9.1) and
//! the ACK of its refusal (17.1.1.3). Both carry the branch parameter of the INVITE.

use bytes::Bytes;
use sipward::sip::Name;

use super::request::Request;
use super::text::{Output, push_number};

/// What both are made from, of an INVITE that was sent.
#[derive(Debug)]
pub(super) struct InviteCopy {
    /// What follows the method: the rest of the start line, Via, Route, From, Call-ID, and To last.
    text: Vec<u8>,
    /// Where To begins in `text`.
    to: usize,
    cseq: u32,
}

impl InviteCopy {
    /// `via` and `routes` are whole lines, as they were sent.
    pub(super) fn new(
        request: &Request<'_>,
        uri: &str,
        via: &str,
        routes: [&[u8]; 2],
    ) -> InviteCopy {
        let mut text = Vec::with_capacity(512);
        for piece in [" ", uri, " SIP/2.0\r\n", via] {
            text.put(piece);
        }
        for route in routes {
            text.extend_from_slice(route);
        }
        let fields = |name| request.message.header(name);
        let common = [Name::From, Name::CallId].into_iter().filter_map(fields);
        common.for_each(|header| text.extend_from_slice(header.raw));
        let to = text.len();
        text.extend_from_slice(fields(Name::To).map_or(b"", |header| header.raw));
        InviteCopy {
            text,
            to,
            cseq: request.cseq.number,
        }
    }

    pub(super) fn cancel(&self) -> Bytes {
        self.write("CANCEL", &self.text[self.to..])
    }

    /// The ACK for a final response other than 2xx; its To is that of the response, if it has one.
    pub(super) fn ack(&self, to: Option<&[u8]>) -> Bytes {
        self.write("ACK", to.unwrap_or(&self.text[self.to..]))
    }

    fn write(&self, method: &str, to: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(self.text.len() + to.len() + 80);
        out.put(method);
        out.extend_from_slice(&self.text[..self.to]);
        out.extend_from_slice(to);
        out.put("CSeq: ");
        push_number(&mut out, self.cseq);
        for piece in [
            " ",
            method,
            "\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        ] {
            out.put(piece);
        }
        Bytes::from(out)
    }
}
