//! Requests that the switch itself sends to one branch: the CANCEL of an INVITE (RFC 3261 9.1) and
//! the ACK of its refusal (17.1.1.3). Both carry the branch parameter of the INVITE.

use bytes::Bytes;

use super::head::Head;
use super::header_name::HeaderName;

/// The CANCEL for an INVITE that was sent.
pub(super) fn cancel(invite: &Bytes) -> Option<Bytes> {
    let head = parsed(invite)?;
    let to = head
        .lines
        .iter()
        .find(|line| line.name == HeaderName::To)?
        .raw;
    build("CANCEL", &head, to)
}

/// The ACK for a final response other than 2xx; its To is that of the response.
pub(super) fn ack(invite: &Bytes, response: &Head<'_>) -> Option<Bytes> {
    let to = response
        .lines
        .iter()
        .find(|line| line.name == HeaderName::To)?
        .raw;
    build("ACK", &parsed(invite)?, to)
}

fn parsed(invite: &Bytes) -> Option<Head<'_>> {
    let end = invite.windows(4).position(|at| at == b"\r\n\r\n")?;
    Head::split(invite, end + 4)
}

fn build(method: &str, invite: &Head<'_>, to: &str) -> Option<Bytes> {
    let uri = invite.start.split(' ').nth(1)?;
    let number = invite
        .first(HeaderName::CSeq)?
        .split_ascii_whitespace()
        .next()?;
    let mut out = String::with_capacity(512);
    for text in [method, " ", uri, " SIP/2.0\r\n"] {
        out.push_str(text);
    }
    let mut vias = 0;
    for line in &invite.lines {
        match line.name {
            HeaderName::Via => {
                vias += 1;
                if vias == 1 {
                    out.push_str(line.raw);
                }
            }
            HeaderName::From | HeaderName::CallId | HeaderName::Route => out.push_str(line.raw),
            HeaderName::To => out.push_str(to),
            _ => {}
        }
    }
    let rest = ["CSeq: ", number, " ", method, "\r\n"];
    for text in rest {
        out.push_str(text);
    }
    out.push_str("Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
    Some(Bytes::from(out))
}
