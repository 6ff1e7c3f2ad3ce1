//! The calling side of a call: INVITE, ACK and BYE (RFC 3261 13.2, 15.1.1).

use super::call::DESCRIPTION;
use super::registration::credentials;
use crate::accounts::Account;
use crate::digest::Credentials;
use crate::failure::Failure;
use crate::names::{Name, Names};
use crate::sip::{Reply, Request, field, fields, uri};
use sipward::sip::Message;
use std::fmt::Write;

/// One call after another from one account to another.
pub struct Caller {
    account: Account,
    callee: String,
    local: String,
    contact: String,
    names: Names,
    calls: u64,
    cseq: u32,
    branch: Name,
    credentials: Option<Credentials>,
    challenged: bool,
    hanging_up: bool,
}

impl Caller {
    /// Calls this address-of-record.
    pub fn new(account: Account, callee: String, mut names: Names) -> Self {
        Self {
            branch: names.branch(),
            account,
            callee,
            local: String::new(),
            contact: String::new(),
            names,
            calls: 0,
            cseq: 0,
            credentials: None,
            challenged: false,
            hanging_up: false,
        }
    }

    /// A new connection has this local end and Contact.
    pub fn moved_to(&mut self, local: String, contact: String) {
        self.local = local;
        self.contact = contact;
    }

    /// Says INVITE, in a new call.
    pub fn call(&mut self, out: &mut Vec<u8>) {
        self.calls += 1;
        self.challenged = false;
        self.hanging_up = false;
        self.invite(out);
    }

    /// Goes on with the call. True when the BYE was answered.
    ///
    /// # Errors
    /// [`Failure::Status`] when the call or its end was refused, [`Failure::Challenge`],
    /// [`Failure::Nonsense`].
    pub fn heard(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<bool, Failure> {
        if field(message, "Call-ID", "i") != Some(&self.call_id()) {
            return Ok(false);
        }
        let method = if self.hanging_up { "BYE" } else { "INVITE" };
        let Some(reply) = Reply::to(method, self.cseq, message).filter(Reply::is_final) else {
            return Ok(false);
        };
        if self.hanging_up {
            return reply.success("BYE").map(|()| true);
        }
        if reply.status >= 300 {
            self.refused(&reply, out)?;
            return Ok(false);
        }
        self.answered(message, out)?;
        Ok(false)
    }

    fn invite(&mut self, out: &mut Vec<u8>) {
        self.cseq += 1;
        self.branch = self.names.branch();
        let authorization = match &mut self.credentials {
            Some(credentials) => credentials.line("INVITE", &self.callee),
            None => String::new(),
        };
        let more = format!(
            "Contact: {}\r\nContent-Type: application/sdp\r\n{authorization}",
            self.contact
        );
        let to = format!("<{}>", self.callee);
        self.say(["INVITE", &self.callee, &to], &more, out);
    }

    /// The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 17.1.1.3).
    fn refused(&mut self, reply: &Reply<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        let to = field(reply.message, "To", "t").unwrap_or_default();
        self.say(["ACK", &self.callee, to], "", out);
        if reply.is_challenge()
            && !self.challenged
            && let Some(credentials) = credentials(reply, &self.account, &self.names)?
        {
            self.credentials = Some(credentials);
            self.challenged = true;
            self.invite(out);
            return Ok(());
        }
        reply.success("INVITE")
    }

    /// ACK and BYE go by the route the dialog was given (RFC 3261 12.1.2, 12.2.1.1).
    fn answered(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Failure> {
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
        self.branch = self.names.branch();
        self.say(["ACK", target, to], &route, out);
        self.hanging_up = true;
        self.cseq += 1;
        self.branch = self.names.branch();
        self.say(["BYE", target, to], &route, out);
        Ok(())
    }

    fn say(&self, [method, uri, to]: [&str; 3], more: &str, out: &mut Vec<u8>) {
        let body = if method == "INVITE" { DESCRIPTION } else { "" };
        let request = Request {
            method,
            uri: format_args!("{uri}"),
            local: &self.local,
            branch: self.branch,
            from: format_args!("<{}>;tag={}", self.account.address(), self.names.tag()),
            to: format_args!("{to}"),
            call_id: format_args!("{}", self.call_id()),
            cseq: self.cseq,
        };
        request.write(out, format_args!("{more}"), body);
    }

    fn call_id(&self) -> String {
        self.names.call_id(self.calls).to_string()
    }
}
