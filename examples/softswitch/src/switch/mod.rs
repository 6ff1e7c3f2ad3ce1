//! The sans-io part of the softswitch: a registrar and stateful proxy for SIP over TLS (RFC 3261,
//! RFC 5626).
//!
//! All state is behind `&mut Switch`, time is an argument, and every effect goes through `Effects`.
//! Requests go to a phone only over the flow its REGISTER came on, and within a dialog to the
//! parties that a token in Record-Route names, over the flow that each has now. Nothing is ever sent
//! to the address in a Contact or a Via.

use std::time::{Instant, SystemTime};

use rustc_hash::FxHashMap;

mod authentication;
mod authenticator;
mod branch_requests;
mod calls;
mod challenges;
mod config;
mod contacts;
mod dialog;
mod dialog_token;
mod dispatch;
mod domains;
mod drops;
mod effects;
pub mod event;
mod forward;
mod ids;
mod incoming;
mod location;
mod lost;
mod path;
mod proxy;
mod quotas;
mod registrar;
mod request;
mod response_selection;
mod response_template;
mod responses;
mod route;
mod splice;
mod status;
mod targets;
mod text;
mod timers;
mod transaction;
mod transaction_timers;
mod transactions;

#[cfg(test)]
mod tests;

pub use authenticator::{AuthResult, Authenticator};
pub use config::SwitchConfig;
pub use effects::{Effects, FlowId, Source, Unsendable};
pub use event::SwitchEvent;
pub use incoming::Incoming;
pub use status::reason as reason_phrase;

use calls::Calls;
use challenges::Challenges;
use dialog_token::TokenKey;
use domains::Domains;
use drops::Drops;
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
    drops: Drops,
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
            drops: Drops::default(),
        }
    }

    /// The flow is gone: its bindings and transactions end with it. Its calls wait for their party to
    /// come back.
    pub fn flow_ended<E: Effects>(&mut self, flow: FlowId, now: Instant, effects: &mut E) {
        self.bindings_lost(flow, effects);
        self.transactions_lost(flow, now, effects);
        let patience = self.config.reconnect_timeout;
        let calls = &mut self.calls;
        for event in calls.flow_ended(flow, now, patience, &mut self.timers) {
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
                Due::Call(name) => {
                    if let Some(event) = self.calls.not_resumed(name, now, &mut self.timers) {
                        effects.report(event);
                    }
                }
                Due::Drops => self.report_drops(effects),
            }
        }
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
