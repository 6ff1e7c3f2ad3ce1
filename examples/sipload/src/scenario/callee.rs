//! The called side of a call: it answers INVITE with 180 and 200, and BYE with 200 (RFC 3261 13.3,
//! 15.1.2).

use crate::identifiers::Identifiers;
use crate::sip::{field, fields};
use sipward::sip::Message;
use std::io::Write;

/// One call at a time.
pub struct Callee {
    ids: Identifiers,
    acknowledged: bool,
}

impl Callee {
    /// A callee without a call.
    pub fn new(ids: Identifiers) -> Self {
        Self {
            ids,
            acknowledged: false,
        }
    }

    /// True when the ACK of the last INVITE was received.
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    /// Appends the responses to this request to `out`, with this Contact and session description. A
    /// request that is no part of a call, such as OPTIONS or NOTIFY, is answered 200.
    pub fn receive(
        &mut self,
        request: &Message,
        contact: &str,
        description: &str,
        out: &mut Vec<u8>,
    ) {
        match request.method() {
            Some("INVITE") => {
                self.acknowledged = false;
                let contact = format!("Contact: {contact}\r\n");
                self.answer(request, "180 Ringing", &contact, "", out);
                let typed = format!("{contact}Content-Type: application/sdp\r\n");
                self.answer(request, "200 OK", &typed, description, out);
            }
            Some("ACK") => self.acknowledged = true,
            Some(_) => self.answer(request, "200 OK", "", "", out),
            None => {}
        }
    }

    fn answer(&self, request: &Message, status: &str, more: &str, body: &str, out: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = write!(out, "SIP/2.0 {status}\r\n");
        for (name, compact) in [("Via", "v"), ("Record-Route", ""), ("From", "f")] {
            for value in fields(request, name, compact) {
                let _ = write!(out, "{name}: {value}\r\n");
            }
        }
        let to = field(request, "To", "t").unwrap_or_default();
        let _ = write!(out, "To: {to}");
        if !to.contains(";tag=") {
            let _ = write!(out, ";tag={}c", self.ids.tag());
        }
        let call_id = field(request, "Call-ID", "i").unwrap_or_default();
        let cseq = field(request, "CSeq", "").unwrap_or_default();
        let _ = write!(
            out,
            "\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
    }
}
