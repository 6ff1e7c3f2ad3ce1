//! REGISTER for one account over one connection, with digest when it is asked for (RFC 3261 10.2).

use crate::accounts::Account;
use crate::digest::{Answerer, Credentials};
use crate::failure::Failure;
use crate::names::Names;
use crate::sip::{Reply, Request, fields};
use sipward::sip::Message;
use std::net::SocketAddr;

/// How long a binding is asked for: longer than any run.
const EXPIRES: u32 = 3600;

/// One binding, refreshed with every [`ask`](Self::ask).
pub struct Registration {
    account: Account,
    names: Names,
    /// Sets this party's Call-ID apart from that of others with the same names.
    party: u64,
    local: String,
    cseq: u32,
    credentials: Option<Credentials>,
    challenged: bool,
}

impl Registration {
    /// Not registered yet.
    pub fn new(account: Account, names: Names, party: u64) -> Self {
        Self {
            account,
            names,
            party,
            local: String::new(),
            cseq: 0,
            credentials: None,
            challenged: false,
        }
    }

    /// Our end of the connection, as a Contact names it.
    pub fn contact(&self) -> String {
        format!("<sip:{}@{};transport=tls>", self.account.user, self.local)
    }

    /// A new connection has this local end; what was under way on the last is forgotten.
    pub fn moved_to(&mut self, local: SocketAddr) {
        self.local = local.to_string();
        self.challenged = false;
    }

    /// Says REGISTER.
    pub fn ask(&mut self, out: &mut Vec<u8>) {
        self.cseq += 1;
        let address = self.account.address();
        let uri = format!("sip:{}", self.account.domain);
        let authorization = match &mut self.credentials {
            Some(credentials) => credentials.line("REGISTER", &uri),
            None => String::new(),
        };
        let request = Request {
            method: "REGISTER",
            uri: format_args!("{uri}"),
            local: &self.local,
            branch: self.names.branch(),
            from: format_args!("<{address}>;tag={}", self.names.tag()),
            to: format_args!("<{address}>"),
            call_id: format_args!("r{}", self.names.call_id(self.party)),
            cseq: self.cseq,
        };
        let contact = self.contact();
        request.write(
            out,
            format_args!(
                "Contact: {contact};+sip.instance=\"<{}>\";reg-id=1\r\n\
                 Supported: path, outbound\r\nExpires: {EXPIRES}\r\n{authorization}",
                instance(&self.account.user)
            ),
            "",
        );
    }

    /// True when this is the server's consent. A challenge is answered at once.
    ///
    /// # Errors
    /// [`Failure::Status`] when it refuses, [`Failure::Challenge`].
    pub fn heard(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let Some(reply) = Reply::to("REGISTER", self.cseq, message) else {
            return Ok(false);
        };
        if !reply.is_final() {
            return Ok(false);
        }
        if reply.is_challenge()
            && !self.challenged
            && let Some(credentials) = credentials(&reply, &self.account, &self.names)?
        {
            self.credentials = Some(credentials);
            self.challenged = true;
            self.ask(out);
            return Ok(false);
        }
        self.challenged = false;
        reply.success("REGISTER").map(|()| true)
    }
}

/// What answers this 401 or 407; `None` without a password.
///
/// # Errors
/// [`Failure::Challenge`].
pub fn credentials(
    reply: &Reply<'_>,
    account: &Account,
    names: &Names,
) -> Result<Option<Credentials>, Failure> {
    let Some(password) = &account.password else {
        return Ok(None);
    };
    let (asks, answers) = match reply.status {
        401 => ("WWW-Authenticate", "Authorization"),
        _ => ("Proxy-Authenticate", "Proxy-Authorization"),
    };
    let answerer = Answerer {
        user: &account.user,
        password,
        algorithm: account.algorithm,
        cnonce: &names.tag().to_string(),
    };
    Credentials::answer(fields(reply.message, asks, ""), answers, answerer).map(Some)
}

/// The account's instance: the same in every run, so that a binding left behind is replaced.
fn instance(user: &str) -> String {
    let hash = |seed: u64| {
        user.bytes().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    };
    let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x9ae1_6a3b_2f90_404f));
    format!(
        "urn:uuid:{:08x}-{:04x}-8{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high & 0xffff,
        (high >> 16) & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Accounts;
    use crate::sip::field;
    use bytes::Bytes;

    fn registration() -> Registration {
        let accounts = Accounts::new(&["alice:x".to_owned()], "a.b", None).unwrap();
        let mut registration = Registration::new(accounts.of(0), Names::new(1, 1), 0);
        registration.moved_to("127.0.0.1:9".parse().unwrap());
        registration
    }

    fn said(out: &mut Vec<u8>) -> Message {
        Message::parse(Bytes::from(std::mem::take(out))).unwrap()
    }

    fn reply(status: u16, cseq: u32, more: &str) -> Message {
        let text = format!(
            "SIP/2.0 {status} x\r\nCSeq: {cseq} REGISTER\r\n{more}Content-Length: 0\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).unwrap()
    }

    const CHALLENGE: &str =
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n";

    #[test]
    fn a_challenge_is_answered_once_and_the_nonce_used_again() {
        let (mut registration, mut out) = (registration(), Vec::new());
        registration.ask(&mut out);
        assert_eq!(field(&said(&mut out), "Authorization", ""), None);
        let challenge = reply(401, 1, CHALLENGE);
        assert_eq!(registration.heard(&challenge, &mut out), Ok(false));
        let again = said(&mut out);
        assert!(
            field(&again, "Authorization", "")
                .unwrap()
                .contains("nc=00000001")
        );
        assert_eq!(field(&again, "CSeq", ""), Some("2 REGISTER"));
        assert_eq!(registration.heard(&reply(200, 2, ""), &mut out), Ok(true));
        registration.ask(&mut out);
        let refresh = said(&mut out);
        assert!(
            field(&refresh, "Authorization", "")
                .unwrap()
                .contains("nc=00000002")
        );
        let stale = reply(401, 3, CHALLENGE);
        assert_eq!(registration.heard(&stale, &mut out), Ok(false));
        assert!(
            field(&said(&mut out), "Authorization", "")
                .unwrap()
                .contains("nc=00000001")
        );
    }

    #[test]
    fn a_second_challenge_in_a_row_is_a_failure() {
        let (mut registration, mut out) = (registration(), Vec::new());
        registration.ask(&mut out);
        registration
            .heard(&reply(401, 1, CHALLENGE), &mut out)
            .unwrap();
        let failure = registration.heard(&reply(401, 2, CHALLENGE), &mut out);
        let expected = Failure::Status {
            method: "REGISTER",
            status: 401,
        };
        assert_eq!(failure, Err(expected));
    }

    #[test]
    fn answers_to_other_requests_and_provisional_ones_are_nothing() {
        let (mut registration, mut out) = (registration(), Vec::new());
        registration.ask(&mut out);
        out.clear();
        assert_eq!(registration.heard(&reply(200, 9, ""), &mut out), Ok(false));
        assert_eq!(registration.heard(&reply(100, 1, ""), &mut out), Ok(false));
        assert!(out.is_empty());
    }

    #[test]
    fn an_instance_is_a_uuid_of_the_user() {
        let one = instance("alice");
        assert_eq!(one.len(), "urn:uuid:".len() + 36);
        assert_eq!(one, instance("alice"));
        assert_ne!(one, instance("bob"));
    }
}
