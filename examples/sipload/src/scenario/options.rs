//! OPTIONS to the server itself, answered 200 (RFC 3261 11).

use super::{Outbox, Scenario};
use crate::client::Step;
use crate::failure::Failure;
use crate::identifiers::Identifiers;
use crate::sip::{Reply, Request};
use sipward::sip::Frame;
use std::net::SocketAddr;

/// Sends one OPTIONS after another, with rising CSeq.
pub struct Options {
    ids: Identifiers,
    domain: String,
    local: String,
    cseq: u32,
}

impl Options {
    /// OPTIONS for this domain.
    pub fn new(ids: Identifiers, domain: &str) -> Self {
        Self {
            ids,
            domain: domain.to_owned(),
            local: String::new(),
            cseq: 0,
        }
    }
}

impl Scenario for Options {
    const LEGS: usize = 1;

    fn prepare(&mut self, locals: &[SocketAddr], _: &mut Outbox) -> Step {
        self.local = locals[0].to_string();
        Step::Ready
    }

    fn begin(&mut self, outbox: &mut Outbox) {
        self.cseq += 1;
        let Self { domain, local, .. } = self;
        let request = Request {
            method: "OPTIONS",
            uri: format_args!("sip:{domain}"),
            local,
            branch: self.ids.branch(),
            from: format_args!("<sip:sipload@{domain}>;tag={}", self.ids.tag()),
            to: format_args!("<sip:{domain}>"),
            call_id: format_args!("{}", self.ids.call_id(0)),
            cseq: self.cseq,
        };
        request.write(
            outbox.leg(0),
            format_args!("Accept: application/sdp\r\n"),
            "",
        );
    }

    fn receive(&mut self, _: usize, frame: Frame, _: &mut Outbox) -> Result<Step, Failure> {
        let Frame::Message(message) = frame else {
            return Ok(Step::Pending);
        };
        match Reply::to("OPTIONS", self.cseq, &message) {
            Some(reply) if reply.is_final() => reply.success("OPTIONS").map(|()| Step::Done),
            _ => Ok(Step::Pending),
        }
    }
}
