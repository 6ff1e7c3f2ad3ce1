//! Sans-io: counts the open connections of each source, and decides whether one more is admitted.

use super::bucket::Bucket;
use super::limits::AdmissionLimits;
use crate::cause::RefusalCause;
use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// How many sources are kept before those without connections are removed.
const REMEMBERED: usize = 4096;

/// Why a connection was refused, with the numbers that decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) cause: RefusalCause,
    pub(crate) limit: u64,
    pub(crate) current: u64,
}

/// A handshake in progress, as the sharing of handshakes among sources sees it.
pub(crate) trait PendingHandshake: Debug + Send + Sync {
    /// Whether the peer has sent nothing yet.
    fn is_silent(&self) -> bool;

    /// Cancels the handshake in favour of another source.
    fn evict(&self);
}

impl<H: PendingHandshake + ?Sized> PendingHandshake for Arc<H> {
    fn is_silent(&self) -> bool {
        (**self).is_silent()
    }

    fn evict(&self) {
        (**self).evict();
    }
}

/// Identifies what was counted for one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    source: IpAddr,
    number: u64,
}

#[derive(Debug)]
pub(super) struct Rules<H> {
    limits: AdmissionLimits,
    open: usize,
    /// Handshakes in progress, without those that were evicted.
    handshaking: usize,
    sources: HashMap<IpAddr, Presence<H>>,
    overall: Option<Bucket>,
    next: u64,
    /// How many sources were left after the last removal.
    swept: usize,
}

/// The connections of one source.
#[derive(Debug)]
struct Presence<H> {
    open: usize,
    /// Oldest first.
    handshaking: VecDeque<(u64, H)>,
    bucket: Option<Bucket>,
}

impl<H: PendingHandshake> Rules<H> {
    pub(super) fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            open: 0,
            handshaking: 0,
            sources: HashMap::new(),
            overall: None,
            next: 0,
            swept: 0,
        }
    }

    pub(super) const fn limits(&self) -> &AdmissionLimits {
        &self.limits
    }

    /// Sets the limits for new connections and returns the old ones.
    pub(super) fn set_limits(&mut self, limits: AdmissionLimits) -> AdmissionLimits {
        self.overall = None;
        for presence in self.sources.values_mut() {
            presence.bucket = None;
        }
        std::mem::replace(&mut self.limits, limits)
    }

    pub(super) const fn open(&self) -> usize {
        self.open
    }

    pub(super) const fn handshaking(&self) -> usize {
        self.handshaking
    }

    /// Admits a connection and counts it, or returns why it is refused.
    pub(super) fn admit(
        &mut self,
        peer: IpAddr,
        handshake: H,
        now: Instant,
    ) -> Result<Ticket, Refusal> {
        let exempt = self.limits.exempts(peer);
        let source = self.limits.source(peer);
        if self.open >= self.limits.connections {
            let cause = RefusalCause::ConnectionLimit;
            return Err(refusal(cause, self.limits.connections, self.open));
        }
        if !exempt {
            self.within_source(source)?;
            self.within_rates(source, now)?;
        }
        if self.handshaking >= self.limits.handshakes {
            self.make_room(source)?;
        }
        self.next += 1;
        let number = self.next;
        let presence = self.presence(source);
        presence.open += 1;
        presence.handshaking.push_back((number, handshake));
        self.open += 1;
        self.handshaking += 1;
        self.remove_idle_sources(now);
        Ok(Ticket { source, number })
    }

    /// The connection's handshake is over.
    pub(super) fn handshake_done(&mut self, ticket: Ticket) {
        let Some(presence) = self.sources.get_mut(&ticket.source) else {
            return;
        };
        let place = presence
            .handshaking
            .iter()
            .position(|(number, _)| *number == ticket.number);
        if let Some(place) = place {
            presence.handshaking.remove(place);
            self.handshaking -= 1;
        }
    }

    /// The connection has ended.
    pub(super) fn gone(&mut self, ticket: Ticket) {
        self.handshake_done(ticket);
        self.open -= 1;
        let Some(presence) = self.sources.get_mut(&ticket.source) else {
            return;
        };
        presence.open -= 1;
        if presence.open == 0 && presence.bucket.is_none() {
            self.sources.remove(&ticket.source);
        }
    }

    fn within_source(&self, source: IpAddr) -> Result<(), Refusal> {
        let Some(presence) = self.sources.get(&source) else {
            return Ok(());
        };
        let counts = [
            (self.limits.connections_per_source, presence.open),
            (
                self.limits.handshakes_per_source,
                presence.handshaking.len(),
            ),
        ];
        match counts.into_iter().find(|(limit, count)| count >= limit) {
            Some((limit, count)) => Err(refusal(RefusalCause::PerSourceLimit, limit, count)),
            None => Ok(()),
        }
    }

    fn within_rates(&mut self, source: IpAddr, now: Instant) -> Result<(), Refusal> {
        let over = |rate: super::limits::Rate, asked| Refusal {
            cause: RefusalCause::RateLimit,
            limit: u64::from(rate.per_second),
            current: asked,
        };
        if let Some(rate) = self.limits.rate_per_source {
            let bucket = &mut self.presence(source).bucket;
            let bucket = bucket.get_or_insert_with(|| Bucket::full(rate, now));
            bucket.take(rate, now).map_err(|asked| over(rate, asked))?;
        }
        if let Some(rate) = self.limits.rate {
            let bucket = &mut self.overall;
            let bucket = bucket.get_or_insert_with(|| Bucket::full(rate, now));
            bucket.take(rate, now).map_err(|asked| over(rate, asked))?;
        }
        Ok(())
    }

    /// At the handshake limit: evicts a handshake of the source with the most, if `source` has less
    /// than its share.
    fn make_room(&mut self, source: IpAddr) -> Result<(), Refusal> {
        let full = refusal(
            RefusalCause::HandshakeLimit,
            self.limits.handshakes,
            self.handshaking,
        );
        let handshakes_of = |presence: &Presence<H>| presence.handshaking.len();
        let ours = self.sources.get(&source).map_or(0, handshakes_of);
        let present = self
            .sources
            .values()
            .filter(|p| handshakes_of(p) > 0)
            .count();
        let share = self.limits.handshakes / (present + usize::from(ours == 0));
        if ours >= share {
            return Err(full);
        }
        let most = self.sources.values_mut().max_by_key(|p| handshakes_of(p));
        let Some(most) = most.filter(|presence| handshakes_of(presence) > ours + 1) else {
            return Err(full);
        };
        let silent = most.handshaking.iter().position(|(_, h)| h.is_silent());
        let Some((_, handshake)) = silent.and_then(|place| most.handshaking.remove(place)) else {
            return Err(full);
        };
        handshake.evict();
        self.handshaking -= 1;
        Ok(())
    }

    fn presence(&mut self, source: IpAddr) -> &mut Presence<H> {
        self.sources.entry(source).or_insert_with(|| Presence {
            open: 0,
            handshaking: VecDeque::new(),
            bucket: None,
        })
    }

    /// Removes sources that have no connection and a full bucket, because a new entry would be equal.
    fn remove_idle_sources(&mut self, now: Instant) {
        if self.sources.len() < REMEMBERED + 2 * self.swept {
            return;
        }
        let rate = self.limits.rate_per_source;
        self.sources.retain(|_, presence| {
            let is_full = match (&mut presence.bucket, rate) {
                (Some(bucket), Some(rate)) => bucket.is_full(rate, now),
                _ => true,
            };
            presence.open > 0 || !is_full
        });
        self.swept = self.sources.len();
    }
}

const fn refusal(cause: RefusalCause, limit: usize, current: usize) -> Refusal {
    Refusal {
        cause,
        limit: limit as u64,
        current: current as u64,
    }
}

#[cfg(test)]
mod tests;
