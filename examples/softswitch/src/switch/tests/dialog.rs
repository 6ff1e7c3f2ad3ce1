//! A call between two phones as its messages: each side speaks for itself.

use super::lab::{Lab, response, value, values};
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
pub(super) struct Talk {
    pub(super) caller: FlowId,
    pub(super) callee: FlowId,
    /// The 200 as the caller got it: its view of the dialog.
    pub(super) ok: String,
    /// The INVITE as the callee got it.
    pub(super) invite: String,
}

impl Talk {
    /// Alice on `caller` calls bob, who is registered on `callee` and answers.
    #[track_caller]
    pub(super) fn begins(lab: &mut Lab, caller: FlowId, callee: FlowId) -> Talk {
        let branch = lab.branch();
        lab.sends_with_body(caller, &invite(&branch, ""), "v=0 offer");
        lab.expect(caller, "SIP/2.0 100 Trying");
        let invite = lab.expect(callee, "INVITE ");
        lab.sends(callee, &response(&invite, "180 Ringing", "b1", ""));
        lab.expect(caller, "SIP/2.0 180 Ringing");
        let contact = "Contact: <sip:bob@192.168.2.2>";
        lab.sends_with_body(
            callee,
            &response(&invite, "200 OK", "b1", contact),
            "v=0 answer",
        );
        let ok = lab.expect(caller, "SIP/2.0 200 OK");
        let talk = Talk {
            caller,
            callee,
            ok,
            invite,
        };
        let ack = talk.by_the_caller(lab, "ACK", 1);
        lab.sends(caller, &ack);
        lab.expect(callee, "ACK sip:bob@192.168.2.2 SIP/2.0");
        talk
    }

    /// A request of the caller within the dialog.
    pub(super) fn by_the_caller(&self, lab: &mut Lab, method: &str, cseq: u32) -> String {
        format!(
            "{method} sip:bob@192.168.2.2 SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.1;branch={branch}\n\
             Route: {route}\n\
             From: {from}\n\
             To: {to}\n\
             Call-ID: {call_id}\n\
             CSeq: {cseq} {method}",
            branch = lab.branch(),
            route = value(&self.ok, "Record-Route"),
            from = value(&self.ok, "From"),
            to = value(&self.ok, "To"),
            call_id = value(&self.ok, "Call-ID"),
        )
    }

    /// A request of the callee within the dialog.
    pub(super) fn by_the_callee(&self, lab: &mut Lab, method: &str, cseq: u32) -> String {
        format!(
            "{method} sip:alice@192.168.1.1 SIP/2.0\n\
             Via: SIP/2.0/TLS 10.0.0.2;branch={branch}\n\
             Route: {route}\n\
             From: {from}\n\
             To: {to}\n\
             Call-ID: {call_id}\n\
             CSeq: {cseq} {method}",
            branch = lab.branch(),
            route = value(&self.invite, "Record-Route"),
            from = value(&self.ok, "To"),
            to = value(&self.ok, "From"),
            call_id = value(&self.ok, "Call-ID"),
        )
    }

    /// One side hangs up and the other confirms.
    #[track_caller]
    pub(super) fn hangs_up(&self, lab: &mut Lab, by_caller: bool) {
        let (bye, from, to) = if by_caller {
            let bye = self.by_the_caller(lab, "BYE", 2);
            (bye, self.caller, self.callee)
        } else {
            let bye = self.by_the_callee(lab, "BYE", 1);
            (bye, self.callee, self.caller)
        };
        lab.sends(from, &bye);
        let bye = lab.expect(to, "BYE ");
        assert!(values(&bye, "Route").is_empty());
        lab.sends(to, &response(&bye, "200 OK", "", ""));
        lab.expect(from, "SIP/2.0 200 OK");
        lab.expect_silence();
    }
}
