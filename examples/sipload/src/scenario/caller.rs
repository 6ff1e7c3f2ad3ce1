//! The calling side of a call: INVITE, ACK and BYE (RFC 3261 13.2, 15.1.1).

use super::call::DESCRIPTION;
use super::registration::credentials;
use crate::accounts::Account;
use crate::digest::Credentials;
use crate::failure::Failure;
use crate::identifiers::{Identifier, Identifiers};
use crate::sip::{Reply, Request, field, fields, uri};
use sipward::sip::Message;
use std::fmt::Write;

/// One call after another from one account to another.
pub struct Caller {
    account: Account,
    callee: String,
    local: String,
    contact: String,
    ids: Identifiers,
    calls: u64,
    cseq: u32,
    branch: Identifier,
    credentials: Option<Credentials>,
    challenged: bool,
    ending: bool,
}

impl Caller {
    /// A caller of this address-of-record.
    pub fn new(account: Account, callee: String, mut ids: Identifiers) -> Self {
        Self {
            branch: ids.branch(),
            account,
            callee,
            local: String::new(),
            contact: String::new(),
            ids,
            calls: 0,
            cseq: 0,
            credentials: None,
            challenged: false,
            ending: false,
        }
    }

    /// Sets the local address and the Contact of a new connection.
    pub fn set_local(&mut self, local: String, contact: String) {
        self.local = local;
        self.contact = contact;
    }

    /// Appends the INVITE of a new call to `out`.
    pub fn write_invite(&mut self, out: &mut Vec<u8>) {
        self.calls += 1;
        self.challenged = false;
        self.ending = false;
        self.next_invite(out);
    }

    /// Handles a response, and appends the next request to `out`. True when the BYE was answered.
    ///
    /// # Errors
    /// [`Failure::Status`] when the call or its end was refused, [`Failure::Challenge`],
    /// [`Failure::Nonsense`].
    pub fn receive(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<bool, Failure> {
        if field(message, "Call-ID", "i") != Some(&self.call_id()) {
            return Ok(false);
        }
        let method = if self.ending { "BYE" } else { "INVITE" };
        let Some(reply) = Reply::to(method, self.cseq, message).filter(Reply::is_final) else {
            return Ok(false);
        };
        if self.ending {
            return reply.success("BYE").map(|()| true);
        }
        if reply.status >= 300 {
            self.handle_refusal(&reply, out)?;
            return Ok(false);
        }
        self.handle_acceptance(message, out)?;
        Ok(false)
    }

    fn next_invite(&mut self, out: &mut Vec<u8>) {
        self.cseq += 1;
        self.branch = self.ids.branch();
        let authorization = match &mut self.credentials {
            Some(credentials) => credentials.header_line("INVITE", &self.callee),
            None => String::new(),
        };
        let more = format!(
            "Contact: {}\r\nContent-Type: application/sdp\r\n{authorization}",
            self.contact
        );
        let to = format!("<{}>", self.callee);
        self.write(["INVITE", &self.callee, &to], &more, out);
    }

    /// The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 17.1.1.3).
    fn handle_refusal(&mut self, reply: &Reply<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        let to = field(reply.message, "To", "t").unwrap_or_default();
        self.write(["ACK", &self.callee, to], "", out);
        if reply.is_challenge()
            && !self.challenged
            && let Some(credentials) = credentials(reply, &self.account, &self.ids)?
        {
            self.credentials = Some(credentials);
            self.challenged = true;
            self.next_invite(out);
            return Ok(());
        }
        reply.success("INVITE")
    }

    /// Appends ACK and BYE, with the route set of the dialog (RFC 3261 12.1.2, 12.2.1.1).
    fn handle_acceptance(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Failure> {
        let (Some(contact), Some(to)) = (field(message, "Contact", "m"), field(message, "To", "t"))
        else {
            return Err(Failure::Nonsense(
                "the 200 to INVITE has no Contact or no To".to_owned(),
            ));
        };
        let target = uri(contact);
        let mut route = String::new();
        for value in fields(message, "Record-Route", "").rev() {
            for hop in value
                .split('<')
                .skip(1)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
            {
                let hop = hop.split('>').next().unwrap_or_default();
                // Writing to memory does not fail.
                let _ = write!(route, "Route: <{hop}>\r\n");
            }
        }
        self.branch = self.ids.branch();
        self.write(["ACK", target, to], &route, out);
        self.ending = true;
        self.cseq += 1;
        self.branch = self.ids.branch();
        self.write(["BYE", target, to], &route, out);
        Ok(())
    }

    fn write(&self, [method, uri, to]: [&str; 3], more: &str, out: &mut Vec<u8>) {
        let body = if method == "INVITE" { DESCRIPTION } else { "" };
        let request = Request {
            method,
            uri: format_args!("{uri}"),
            local: &self.local,
            branch: self.branch,
            from: format_args!("<{}>;tag={}", self.account.address(), self.ids.tag()),
            to: format_args!("{to}"),
            call_id: format_args!("{}", self.call_id()),
            cseq: self.cseq,
        };
        request.write(out, format_args!("{more}"), body);
    }

    fn call_id(&self) -> String {
        self.ids.call_id(self.calls).to_string()
    }
}
