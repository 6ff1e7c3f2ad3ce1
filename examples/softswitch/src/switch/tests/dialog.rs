//! The messages of a call between two phones, each as its phone would send it.

use super::fixture::{Fixture, response, value, values};
use crate::switch::FlowId;

/// An INVITE from alice to bob, ready to be sent.
pub(super) fn invite(branch: &str, more: &str) -> String {
    request("INVITE", branch, more)
}

/// A request from alice to bob outside any dialog.
pub(super) fn request(method: &str, branch: &str, more: &str) -> String {
    let text = format!(
        "{method} sip:bob@example.com SIP/2.0\n\
         Via: SIP/2.0/TLS 10.0.0.1;branch={branch}\n\
         Max-Forwards: 70\n\
         From: \"Alice; <1>\" <sip:alice@example.com>;tag=a1\n\
         To: <sip:bob@example.com>\n\
         Call-ID: call-1\n\
         CSeq: 1 {method}\n\
         Contact: <sip:alice@192.168.1.1>\n\
         {more}"
    );
    text.trim().to_owned()
}

/// A call that has been answered.
pub(super) struct AnsweredCall {
    pub(super) caller: FlowId,
    pub(super) callee: FlowId,
    /// The 200 as the caller got it; the caller's requests within the dialog are made from it.
    pub(super) ok: String,
    /// The INVITE as the callee got it; the callee's requests within the dialog are made from it.
    pub(super) invite: String,
}

impl AnsweredCall {
    /// Alice on `caller` calls bob, who is registered on `callee` and answers.
    #[track_caller]
    pub(super) fn answered(fixture: &mut Fixture, caller: FlowId, callee: FlowId) -> AnsweredCall {
        let branch = fixture.branch();
        fixture.send_with_body(caller, &invite(&branch, ""), "v=0 offer");
        fixture.expect(caller, "SIP/2.0 100 Trying");
        let invite = fixture.expect(callee, "INVITE ");
        fixture.send(callee, &response(&invite, "180 Ringing", "b1", ""));
        fixture.expect(caller, "SIP/2.0 180 Ringing");
        let contact = "Contact: <sip:bob@192.168.2.2>";
        fixture.send_with_body(
            callee,
            &response(&invite, "200 OK", "b1", contact),
            "v=0 answer",
        );
        let ok = fixture.expect(caller, "SIP/2.0 200 OK");
        let call = AnsweredCall {
            caller,
            callee,
            ok,
            invite,
        };
        let ack = call.caller_request(fixture, "ACK", 1);
        fixture.send(caller, &ack);
        fixture.expect(callee, "ACK sip:bob@192.168.2.2 SIP/2.0");
        call
    }

    /// A request of the caller within the dialog.
    pub(super) fn caller_request(&self, fixture: &mut Fixture, method: &str, cseq: u32) -> String {
        format!(
            "{method} sip:bob@192.168.2.2 SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.1;branch={branch}\n\
             Route: {route}\n\
             From: {from}\n\
             To: {to}\n\
             Call-ID: {call_id}\n\
             CSeq: {cseq} {method}",
            branch = fixture.branch(),
            route = value(&self.ok, "Record-Route"),
            from = value(&self.ok, "From"),
            to = value(&self.ok, "To"),
            call_id = value(&self.ok, "Call-ID"),
        )
    }

    /// A request of the callee within the dialog.
    pub(super) fn callee_request(&self, fixture: &mut Fixture, method: &str, cseq: u32) -> String {
        format!(
            "{method} sip:alice@192.168.1.1 SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.2;branch={branch}\n\
             Route: {route}\n\
             From: {from}\n\
             To: {to}\n\
             Call-ID: {call_id}\n\
             CSeq: {cseq} {method}",
            branch = fixture.branch(),
            route = value(&self.invite, "Record-Route"),
            from = value(&self.ok, "To"),
            to = value(&self.ok, "From"),
            call_id = value(&self.ok, "Call-ID"),
        )
    }

    /// One side hangs up and the other confirms.
    #[track_caller]
    pub(super) fn hang_up(&self, fixture: &mut Fixture, by_caller: bool) {
        let (bye, from, to) = if by_caller {
            let bye = self.caller_request(fixture, "BYE", 2);
            (bye, self.caller, self.callee)
        } else {
            let bye = self.callee_request(fixture, "BYE", 1);
            (bye, self.callee, self.caller)
        };
        fixture.send(from, &bye);
        let bye = fixture.expect(to, "BYE ");
        assert!(values(&bye, "Route").is_empty());
        fixture.send(to, &response(&bye, "200 OK", "", ""));
        fixture.expect(from, "SIP/2.0 200 OK");
        fixture.expect_silence();
    }
}
