//! REGISTER for one account over one connection, with digest if the server asks for it (RFC 3261
//! 10.2).

use crate::accounts::Account;
use crate::digest::{Credentials, Login};
use crate::failure::Failure;
use crate::identifiers::Identifiers;
use crate::sip::{Reply, Request, fields};
use sipward::sip::Message;
use std::net::SocketAddr;

/// The requested lifetime of a binding in seconds: longer than any run.
const EXPIRES: u32 = 3600;

/// One binding, refreshed by every [`write_request`](Self::write_request).
pub struct Registration {
    account: Account,
    ids: Identifiers,
    /// Distinguishes this party's Call-ID from that of other parties with the same identifiers.
    party: u64,
    local: String,
    cseq: u32,
    credentials: Option<Credentials>,
    challenged: bool,
}

impl Registration {
    /// A binding that is not registered yet.
    pub fn new(account: Account, ids: Identifiers, party: u64) -> Self {
        Self {
            account,
            ids,
            party,
            local: String::new(),
            cseq: 0,
            credentials: None,
            challenged: false,
        }
    }

    /// The value of Contact: the local address of the connection.
    pub fn contact(&self) -> String {
        format!("<sip:{}@{};transport=tls>", self.account.user, self.local)
    }

    /// Sets the local address of a new connection, and forgets the request under way on the last
    /// one.
    pub fn set_local(&mut self, local: SocketAddr) {
        self.local = local.to_string();
        self.challenged = false;
    }

    /// Appends a REGISTER to `out`.
    pub fn write_request(&mut self, out: &mut Vec<u8>) {
        self.cseq += 1;
        let address = self.account.address();
        let uri = format!("sip:{}", self.account.domain);
        let authorization = match &mut self.credentials {
            Some(credentials) => credentials.header_line("REGISTER", &uri),
            None => String::new(),
        };
        let request = Request {
            method: "REGISTER",
            uri: format_args!("{uri}"),
            local: &self.local,
            branch: self.ids.branch(),
            from: format_args!("<{address}>;tag={}", self.ids.tag()),
            to: format_args!("<{address}>"),
            call_id: format_args!("r{}", self.ids.call_id(self.party)),
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

    /// True when this is the 2xx to the last REGISTER. The answer to a challenge is appended to
    /// `out`.
    ///
    /// # Errors
    /// [`Failure::Status`] when the server refuses, [`Failure::Challenge`] when a challenge cannot
    /// be answered.
    pub fn receive(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let Some(reply) = Reply::to("REGISTER", self.cseq, message) else {
            return Ok(false);
        };
        if !reply.is_final() {
            return Ok(false);
        }
        if reply.is_challenge()
            && !self.challenged
            && let Some(credentials) = credentials(&reply, &self.account, &self.ids)?
        {
            self.credentials = Some(credentials);
            self.challenged = true;
            self.write_request(out);
            return Ok(false);
        }
        self.challenged = false;
        reply.success("REGISTER").map(|()| true)
    }
}

/// Credentials that answer this 401 or 407; `None` if the account has no password.
///
/// # Errors
/// [`Failure::Challenge`].
pub fn credentials(
    reply: &Reply<'_>,
    account: &Account,
    ids: &Identifiers,
) -> Result<Option<Credentials>, Failure> {
    let Some(password) = &account.password else {
        return Ok(None);
    };
    let (asks, answers) = match reply.status {
        401 => ("WWW-Authenticate", "Authorization"),
        _ => ("Proxy-Authenticate", "Proxy-Authorization"),
    };
    let login = Login {
        user: &account.user,
        password,
        algorithm: account.algorithm,
        cnonce: &ids.tag().to_string(),
    };
    Credentials::answer(fields(reply.message, asks, ""), answers, login).map(Some)
}

/// The account's instance. It is the same in every run, so that a run replaces the bindings that an
/// earlier run left.
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
        let mut registration = Registration::new(accounts.of(0), Identifiers::new(1, 1), 0);
        registration.set_local("127.0.0.1:9".parse().unwrap());
        registration
    }

    fn written(out: &mut Vec<u8>) -> Message {
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
        registration.write_request(&mut out);
        assert_eq!(field(&written(&mut out), "Authorization", ""), None);
        let challenge = reply(401, 1, CHALLENGE);
        assert_eq!(registration.receive(&challenge, &mut out), Ok(false));
        let again = written(&mut out);
        assert!(
            field(&again, "Authorization", "")
                .unwrap()
                .contains("nc=00000001")
        );
        assert_eq!(field(&again, "CSeq", ""), Some("2 REGISTER"));
        assert_eq!(registration.receive(&reply(200, 2, ""), &mut out), Ok(true));
        registration.write_request(&mut out);
        let refresh = written(&mut out);
        assert!(
            field(&refresh, "Authorization", "")
                .unwrap()
                .contains("nc=00000002")
        );
        let stale = reply(401, 3, CHALLENGE);
        assert_eq!(registration.receive(&stale, &mut out), Ok(false));
        assert!(
            field(&written(&mut out), "Authorization", "")
                .unwrap()
                .contains("nc=00000001")
        );
    }

    #[test]
    fn a_second_challenge_in_a_row_is_a_failure() {
        let (mut registration, mut out) = (registration(), Vec::new());
        registration.write_request(&mut out);
        registration
            .receive(&reply(401, 1, CHALLENGE), &mut out)
            .unwrap();
        let failure = registration.receive(&reply(401, 2, CHALLENGE), &mut out);
        let expected = Failure::Status {
            method: "REGISTER",
            status: 401,
        };
        assert_eq!(failure, Err(expected));
    }

    #[test]
    fn provisional_responses_and_those_to_other_requests_are_ignored() {
        let (mut registration, mut out) = (registration(), Vec::new());
        registration.write_request(&mut out);
        out.clear();
        assert_eq!(
            registration.receive(&reply(200, 9, ""), &mut out),
            Ok(false)
        );
        assert_eq!(
            registration.receive(&reply(100, 1, ""), &mut out),
            Ok(false)
        );
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
