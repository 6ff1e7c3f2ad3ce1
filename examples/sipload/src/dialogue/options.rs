//! OPTIONS to the server itself, answered 200 (RFC 3261 11).

use super::{Dialogue, Outbox};
use crate::failure::Failure;
use crate::names::Names;
use crate::sip::{Reply, Request};
use crate::station::Step;
use sipward::sip::Frame;
use std::net::SocketAddr;

/// One OPTIONS after another, in increasing CSeq.
pub struct Options {
    names: Names,
    domain: String,
    local: String,
    cseq: u32,
}

impl Options {
    /// Asks the server for this domain.
    pub fn new(names: Names, domain: &str) -> Self {
        Self {
            names,
            domain: domain.to_owned(),
            local: String::new(),
            cseq: 0,
        }
    }
}

impl Dialogue for Options {
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
            branch: self.names.branch(),
            from: format_args!("<sip:sipload@{domain}>;tag={}", self.names.tag()),
            to: format_args!("<sip:{domain}>"),
            call_id: format_args!("{}", self.names.call_id(0)),
            cseq: self.cseq,
        };
        request.write(
            outbox.leg(0),
            format_args!("Accept: application/sdp\r\n"),
            "",
        );
    }

    fn heard(&mut self, _: usize, frame: Frame, _: &mut Outbox) -> Result<Step, Failure> {
        let Frame::Message(message) = frame else {
            return Ok(Step::Going);
        };
        match Reply::to("OPTIONS", self.cseq, &message) {
            Some(reply) if reply.is_final() => reply.success("OPTIONS").map(|()| Step::Done),
            _ => Ok(Step::Going),
        }
    }
}
