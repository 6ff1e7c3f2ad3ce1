//! Authenticates the senders of REGISTER and of requests outside a dialog by digest, once per
//! connection (RFC 3261 22).

use std::borrow::Cow;

use super::authenticator::AuthResult;
use super::effects::Effects;
use super::event::SwitchEvent;
use super::flow_token::FlowToken;
use super::header_name::HeaderName;
use super::request::Request;
use super::status::Refusal;
use super::{Arrival, Switch};

impl Switch {
    /// Admits a REGISTER. It may change the address-of-record of its own account only. Returns the
    /// user.
    pub(super) fn admit_registration<'a, E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'a>,
        effects: &mut E,
    ) -> Result<Cow<'a, str>, Refusal> {
        let record = request.to_uri()?;
        if !self.domains.serve(&record) || !self.domains.serve(&request.target()?) {
            return Err(Refusal::because(403, "Domain Not Served"));
        }
        let Some(user) = record.into_user() else {
            return Err(Refusal::because(400, "Missing User In To"));
        };
        if self.authenticator.is_open() {
            return Ok(user);
        }
        let account = self.authenticated(arrival, request, Challenge::Registrar, effects)?;
        if account != user {
            effects.report(SwitchEvent::AuthFailed {
                user: account,
                source: arrival.source.peer,
                why: "foreign_address_of_record",
            });
            return Err(Refusal::because(403, "Not Your Address Of Record"));
        }
        Ok(user)
    }

    /// Admits a request outside a dialog. Its From must be an account that its connection has
    /// authenticated as before, or does with this request.
    pub(super) fn admit_caller<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        if self.authenticator.is_open() {
            return Ok(());
        }
        let from = request.sender()?;
        let user = from.user().filter(|_| self.domains.serve(&from));
        let flow = arrival.source.flow;
        let proved = self.accounts.get(&flow).zip(user);
        if proved.is_some_and(|(accounts, user)| accounts.iter().any(|account| account == user)) {
            return Ok(());
        }
        let account = self.authenticated(arrival, request, Challenge::Proxy, effects)?;
        if user == Some(account.as_str()) {
            return Ok(());
        }
        effects.report(SwitchEvent::AuthFailed {
            user: from.address_of_record(),
            source: arrival.source.peer,
            why: "foreign_from",
        });
        Err(Refusal::because(403, "From Is Not Your Account"))
    }

    /// Admits a request within a dialog. It must come over one of the dialog's connections, and its
    /// From must not be an account of ours; otherwise it must authenticate like a request outside a
    /// dialog. The token alone is no proof: it only says that the dialog exists, and both parties
    /// know it.
    pub(super) fn admit_in_dialog<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        token: FlowToken,
        effects: &mut E,
    ) -> Result<(), Refusal> {
        let flow = arrival.source.flow;
        let from = request.sender()?;
        let names_account = self.domains.serve(&from)
            && from
                .user()
                .is_some_and(|user| self.authenticator.knows(user));
        if (flow == token.caller || flow == token.callee) && !names_account {
            return Ok(());
        }
        self.admit_caller(arrival, request, effects)
    }

    fn authenticated<E: Effects>(
        &mut self,
        arrival: Arrival,
        request: &Request<'_>,
        challenge: Challenge,
        effects: &mut E,
    ) -> Result<String, Refusal> {
        let credentials: Vec<&str> = request.head.all(challenge.credentials()).collect();
        let result =
            self.authenticator
                .verify(request.method, request.uri, &credentials, arrival.wall);
        let flow = arrival.source.flow;
        let md5_only = match result {
            AuthResult::Missing => {
                let user_agent = request.head.all(HeaderName::UserAgent).next();
                self.challenges.not_given(flow, user_agent)
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
                let source = arrival.source.peer;
                effects.report(SwitchEvent::AuthFailed { user, source, why });
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

    fn credentials(self) -> HeaderName {
        match self {
            Challenge::Registrar => HeaderName::Authorization,
            Challenge::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}
