//! The sans-io part of the softswitch: a registrar and stateful proxy for SIP over TLS (RFC 3261,
//! RFC 5626).
//!
//! All state is behind `&mut Switch`, time is an argument, and every effect goes through `Effects`.
//! Requests go to a phone only over the flow its REGISTER came on, and within a dialog over the
//! flows that a token in Record-Route names. Nothing is ever sent to the address in a Contact or a
//! Via.

use std::time::{Instant, SystemTime};

use rustc_hash::FxHashMap;

mod authentication;
mod authenticator;
mod branch_requests;
mod calls;
mod challenges;
mod config;
mod contacts;
mod dispatch;
mod domains;
mod effects;
pub mod event;
mod flow_token;
mod forward;
mod head;
mod header_name;
mod ids;
mod incoming;
mod location;
mod proxy;
mod quotas;
mod registrar;
mod request;
mod response_selection;
mod response_template;
mod responses;
mod route;
mod status;
mod text;
mod timers;
mod transaction;
mod transaction_timers;
mod transactions;
mod uri;
mod value;

#[cfg(test)]
mod tests;

pub use authenticator::{AuthResult, Authenticator};
pub use config::SwitchConfig;
pub use effects::{Effects, FlowId, Source, Unsendable};
pub use event::SwitchEvent;
pub use incoming::Incoming;

use calls::Calls;
use challenges::Challenges;
use domains::Domains;
use flow_token::TokenKey;
use ids::Ids;
use location::Location;
use timers::{Due, Timers};
use transactions::Transactions;

/// A registrar and proxy.
pub struct Switch {
    config: SwitchConfig,
    domains: Domains,
    authenticator: Box<dyn Authenticator>,
    tokens: TokenKey,
    ids: Ids,
    timers: Timers,
    location: Location,
    transactions: Transactions,
    calls: Calls,
    /// The accounts that each connection has authenticated as.
    accounts: FxHashMap<FlowId, Vec<String>>,
    challenges: Challenges,
    /// Whether the switch is stopping and therefore refuses new dialogs.
    draining: bool,
    /// The header lines of a 200 to OPTIONS.
    capabilities: String,
    dropped: u64,
}

/// Where a message came from, and when.
#[derive(Clone, Copy)]
struct Arrival {
    source: Source,
    now: Instant,
    wall: SystemTime,
}

impl Switch {
    pub fn new(config: SwitchConfig, authenticator: Box<dyn Authenticator>) -> Switch {
        let domains = Domains::new(&config);
        let capabilities = format!(
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, INFO, UPDATE, PRACK, \
             SUBSCRIBE, NOTIFY, REFER, PUBLISH\r\nSupported: outbound\r\n\
             Accept: application/sdp\r\nContact: <sip:{};transport=tls>\r\n",
            domains.advertise
        );
        Switch {
            tokens: TokenKey::new(&config.secret),
            config,
            domains,
            authenticator,
            ids: Ids::default(),
            timers: Timers::default(),
            location: Location::default(),
            transactions: Transactions::default(),
            calls: Calls::default(),
            accounts: FxHashMap::default(),
            challenges: Challenges::default(),
            draining: false,
            capabilities,
            dropped: 0,
        }
    }

    /// The flow is gone: its bindings, calls and transactions end with it.
    pub fn flow_ended<E: Effects>(&mut self, flow: FlowId, now: Instant, effects: &mut E) {
        self.bindings_lost(flow, effects);
        self.transactions_lost(flow, now, effects);
        for event in self.calls.flow_ended(flow, now) {
            effects.report(event);
        }
        self.accounts.remove(&flow);
        self.challenges.flow_ended(flow);
    }

    /// Refuses new dialogs with 503 from now on; existing ones continue.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// The connections that carry an answered call.
    pub fn flows_in_calls(&self) -> impl Iterator<Item = FlowId> + '_ {
        self.calls.flows()
    }

    /// When `tick` must be called next; `None` if no timer is set.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Runs all timers that have expired by `now`.
    pub fn tick<E: Effects>(&mut self, now: Instant, effects: &mut E) {
        while let Some(due) = self.timers.expired(now) {
            match due {
                Due::Server(id) => self.server_due(id, now, effects),
                Due::Branch(id, index) => self.branch_due(id, index, now, effects),
                Due::Binding(id) => self.binding_expired(id, effects),
            }
        }
    }

    /// Messages that were dropped without an answer: responses that belong to no transaction,
    /// requests too broken to be answered.
    #[cfg(test)]
    fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether no state is left.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.location.is_empty()
            && self.transactions.is_empty()
            && self.calls.is_empty()
            && self.accounts.is_empty()
            && self.challenges.is_empty()
            && self.timers.is_empty()
    }
}
