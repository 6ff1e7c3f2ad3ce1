//! Authenticates the senders of REGISTER and of requests outside a dialog by digest, once per
//! connection (RFC 3261 22).

use sipward::sip::{Host, Name, NameAddr, SipUri, Uri};

use super::authenticator::AuthResult;
use super::dialog::Dialog;
use super::dialog_token::Side;
use super::effects::Effects;
use super::event::SwitchEvent;
use super::request::Request;
use super::status::Refusal;
use super::text::cut;
use super::{Arrival, Switch};

/// The host of a caller who does not want to be named (RFC 3323 4.1.1.3).
const ANONYMOUS_HOST: &str = "anonymous.invalid";

/// Bytes of a name in an event of failed authentication, where what is longer is cut; and of a user
/// who registers without credentials: beyond, 400.
const MAX_USER_LEN: usize = 256;

impl Switch {
    /// Admits a REGISTER. It may change the address-of-record of its own account only. Returns the
    /// user.
    pub(super) fn admit_registration<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<String, Refusal> {
        let record = sip_uri(&request.to)?;
        let target = request.target()?;
        let is_served = |uri: &SipUri<'_>| self.domains.serve(uri);
        if !is_served(&record) || !target.sip().is_some_and(is_served) {
            return Err(Refusal::because(403, "Domain Not Served"));
        }
        let Some(user) = record.user() else {
            return Err(Refusal::because(400, "Missing User In To"));
        };
        if self.authenticator.is_open() {
            return match user.len() <= MAX_USER_LEN {
                true => Ok(user.into_owned()),
                false => Err(Refusal::because(400, "User Too Long")),
            };
        }
        let account = self.authenticated(arrival, request, Challenge::Registrar, effects)?;
        if account != user {
            effects.report(auth_failed(&account, arrival, "foreign_address_of_record"));
            return Err(Refusal::because(403, "Not Your Address Of Record"));
        }
        Ok(account)
    }

    /// Admits a request outside a dialog. Its From must be an account that its connection has
    /// authenticated as before, or does with this request, or be anonymous.
    pub(super) fn admit_caller<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        if self.authenticator.is_open() {
            return Ok(());
        }
        let sender = request.sender();
        let from = sender.as_ref().and_then(Uri::sip);
        let is_anonymous = from.is_some_and(is_anonymous);
        let user = from.filter(|from| self.domains.serve(from));
        let user = user.and_then(SipUri::user);
        let is_theirs = |account: &String| match &user {
            Some(user) => account == user,
            None => is_anonymous,
        };
        let proved = self.accounts.get(&arrival.source.flow);
        if proved.is_some_and(|accounts| accounts.iter().any(is_theirs)) {
            return Ok(());
        }
        let account = self.authenticated(arrival, request, Challenge::Proxy, effects)?;
        if is_theirs(&account) {
            return Ok(());
        }
        let claimed = from.map(SipUri::address_of_record);
        let claimed = claimed.as_deref().unwrap_or(request.from.uri);
        effects.report(auth_failed(claimed, arrival, "foreign_from"));
        Err(Refusal::because(403, "From Is Not Your Account"))
    }

    /// Admits a request within a dialog. It must come over one of the connections of the end that it
    /// speaks for; otherwise its sender must prove to be the account at that end. The token alone is
    /// no proof: it only says that the dialog exists, and both parties know it. A caller that names
    /// an account of ours in From must be it; a callee is named as the caller has called it.
    pub(super) fn admit_in_dialog<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        dialog: Dialog,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        let sender = request.sender();
        let from = sender.as_ref().and_then(Uri::sip);
        let user = from.filter(|from| self.domains.serve(from));
        let user = user.and_then(SipUri::user);
        let names_account = dialog.sender == Side::Caller
            && user.is_some_and(|user| self.authenticator.knows(&user));
        let flow = arrival.source.flow;
        let is_admitted = self.authenticator.is_open()
            || self.is_in_dialog(dialog, flow)
            || self.is_proved(dialog, flow);
        if !is_admitted {
            let account = self.authenticated(arrival, request, Challenge::Proxy, effects)?;
            if !self.is_end_of(dialog, &account) {
                effects.report(auth_failed(&account, arrival, "foreign_dialog"));
                return Err(Refusal::because(403, "Not Your Dialog"));
            }
        }
        match names_account {
            true => self.admit_caller(arrival, request, effects),
            false => Ok(()),
        }
    }

    fn authenticated<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        challenge: Challenge,
        effects: &mut E,
    ) -> Result<String, Refusal> {
        let message = request.message;
        let credentials = message.all(challenge.credentials());
        let credentials: Vec<&[u8]> = credentials.map(|header| header.value).collect();
        let result = self
            .authenticator
            .verify(request.method, &credentials, arrival.wall);
        let flow = arrival.source.flow;
        let md5_only = match result {
            AuthResult::Missing => {
                let user_agent = message.header(Name::UserAgent);
                let user_agent = user_agent.as_ref().map(|header| header.text());
                self.challenges.not_given(flow, user_agent.as_deref())
            }
            _ => self.challenges.given(flow),
        };
        let stale = match result {
            AuthResult::Authenticated { user } => {
                if effects.alive(flow) {
                    let accounts = self.accounts.entry(flow).or_default();
                    if !accounts.contains(&user) {
                        accounts.push(user.clone());
                    }
                    effects.authenticated(flow);
                }
                return Ok(user);
            }
            AuthResult::Missing => false,
            AuthResult::Stale { .. } => true,
            AuthResult::Refused { user, why } => {
                effects.report(auth_failed(&user, arrival, why));
                false
            }
        };
        let challenges = self.authenticator.challenges(arrival.wall, stale, md5_only);
        let refusal = Refusal::new(challenge.status());
        Err(challenges.iter().fold(refusal, |refusal, value| {
            refusal.with(challenge.header(), value)
        }))
    }
}

fn auth_failed(user: &str, arrival: Arrival, why: &'static str) -> SwitchEvent {
    SwitchEvent::AuthFailed {
        user: cut(user, MAX_USER_LEN).to_owned(),
        source: arrival.source.peer,
        why,
    }
}

/// The SIP URI of an address that decides an account.
fn sip_uri<'a>(to: &NameAddr<'a>) -> Result<SipUri<'a>, Refusal> {
    let uri = to.parsed_uri();
    let uri = uri.map_err(|problem| Refusal::unreadable("To", problem))?;
    match uri {
        Uri::Sip(uri) => Ok(uri),
        Uri::Other { .. } => Err(Refusal::because(400, "To Is No SIP URI")),
    }
}

fn is_anonymous(from: &SipUri<'_>) -> bool {
    from.host.is_same(&Host::Name(ANONYMOUS_HOST))
}

/// The role in which the switch asks for credentials.
#[derive(Clone, Copy)]
enum Challenge {
    Registrar,
    Proxy,
}

impl Challenge {
    fn status(self) -> u16 {
        match self {
            Challenge::Registrar => 401,
            Challenge::Proxy => 407,
        }
    }

    fn header(self) -> &'static str {
        match self {
            Challenge::Registrar => "WWW-Authenticate",
            Challenge::Proxy => "Proxy-Authenticate",
        }
    }

    fn credentials(self) -> Name {
        match self {
            Challenge::Registrar => Name::Authorization,
            Challenge::Proxy => Name::ProxyAuthorization,
        }
    }
}
