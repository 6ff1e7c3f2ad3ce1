//! Sans-io: banned sources, and the rule by which misbehaviour leads to a ban.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many sources may have strikes, and how many may be banned by the rule. At either limit a further
/// source gets neither until an entry has expired, so that a flood of addresses cannot take all memory.
const REMEMBERED: usize = 65_536;

/// How often expired entries are removed at most.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// When a source is banned without an operator: after a number of connections that ended with one of
/// these causes, within a time. The default bans a source for 10 minutes after 10 connections within a
/// minute that ended with `malformed`, `misbehaved`, `framing` or `plaintext`.
///
/// Strikes are kept for at most 65,536 sources, and so are bans by the rule; beyond, further sources are
/// not banned until older entries expire.
///
/// ```
/// use sipward::BanRule;
/// use std::time::Duration;
///
/// let rule = BanRule::default()
///     .with_causes(["plaintext", "malformed"])
///     .with_strikes(5)
///     .with_duration(Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BanRule {
    /// The names of the handshake and close causes that count. A name that no cause has never counts.
    /// Default: `malformed`, `misbehaved`, `framing` and `plaintext`.
    pub causes: Vec<String>,
    /// After how many such connections the source is banned. Default 10; 0 counts as 1.
    pub strikes: u32,
    /// The time within which they must have ended. Default 60 s, at most 100 years.
    pub within: Duration,
    /// How long the source is then refused with `banned`. Default 600 s, at most 100 years.
    pub duration: Duration,
}

impl Default for BanRule {
    fn default() -> Self {
        Self {
            causes: ["malformed", "misbehaved", "framing", "plaintext"]
                .map(str::to_owned)
                .to_vec(),
            strikes: 10,
            within: Duration::from_secs(60),
            duration: Duration::from_secs(600),
        }
    }
}

impl BanRule {
    /// Sets [`causes`](Self::causes), in place of those set before.
    pub fn with_causes(mut self, causes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.causes = causes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`strikes`](Self::strikes).
    pub const fn with_strikes(mut self, strikes: u32) -> Self {
        self.strikes = strikes;
        self
    }

    /// Sets [`within`](Self::within).
    pub const fn with_within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Sets [`duration`](Self::duration).
    pub const fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }
}

/// A ban in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ban {
    /// The address, cut to the length that makes a source.
    pub source: IpAddr,
    /// How much longer it lasts; `None`: until it is lifted.
    pub left: Option<Duration>,
    /// How many connections of that source were refused since the ban began.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Bans {
    rule: Option<BanRule>,
    strikes: HashMap<IpAddr, VecDeque<Instant>>,
    banned: HashMap<IpAddr, Banned>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Banned {
    until: Option<Instant>,
    refused: u64,
}

impl Bans {
    pub(super) fn new(rule: Option<BanRule>) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }

    /// `None` when the source is not banned. Otherwise counts one more refusal and returns how many there
    /// have been.
    pub(super) fn refuses(&mut self, source: IpAddr, now: Instant) -> Option<u64> {
        let banned = self.banned.get_mut(&source)?;
        if banned.until.is_some_and(|until| until <= now) {
            self.banned.remove(&source);
            return None;
        }
        banned.refused += 1;
        Some(banned.refused)
    }

    /// Counts a connection of this source that ended with this cause. Returns for how long the source is
    /// banned, if this strike reaches the rule's number.
    pub(super) fn strike(&mut self, source: IpAddr, cause: &str, now: Instant) -> Option<Duration> {
        let rule = self.rule.as_ref()?;
        if !rule.causes.iter().any(|counted| counted == cause) {
            return None;
        }
        let (within, duration, enough) = (rule.within, rule.duration, rule.strikes as usize);
        self.sweep(within, now);
        if self.strikes.len() >= REMEMBERED && !self.strikes.contains_key(&source) {
            return None;
        }
        let times = self.strikes.entry(source).or_default();
        times.push_back(now);
        while times.front().is_some_and(|first| *first + within <= now) {
            times.pop_front();
        }
        if times.len() < enough {
            return None;
        }
        self.strikes.remove(&source);
        if self.banned.len() >= REMEMBERED && !self.banned.contains_key(&source) {
            return None;
        }
        self.add(source, Some(duration), now);
        Some(duration)
    }

    pub(super) fn add(&mut self, source: IpAddr, duration: Option<Duration>, now: Instant) {
        let until = duration.and_then(|duration| now.checked_add(duration));
        let banned = Banned { until, refused: 0 };
        self.banned.insert(source, banned);
    }

    /// Removes expired entries, at most once a second, because under a flood from many addresses each new
    /// connection would otherwise walk through all entries.
    fn sweep(&mut self, within: Duration, now: Instant) {
        let full = self.strikes.len().max(self.banned.len()) >= REMEMBERED;
        let is_due = self.swept.is_none_or(|at| now >= at + SWEEP_INTERVAL);
        if !full || !is_due {
            return;
        }
        self.swept = Some(now);
        self.strikes
            .retain(|_, times| times.back().is_some_and(|last| now < *last + within));
        self.banned
            .retain(|_, banned| banned.until.is_none_or(|until| now < until));
    }

    /// Lifts the ban of this source. False when it was not banned.
    pub(super) fn lift(&mut self, source: IpAddr) -> bool {
        self.banned.remove(&source).is_some()
    }

    pub(super) fn list(&self, now: Instant) -> Vec<Ban> {
        let in_force = self
            .banned
            .iter()
            .filter(|(_, banned)| banned.until.is_none_or(|until| now < until));
        let mut list: Vec<Ban> = in_force
            .map(|(source, banned)| Ban {
                source: *source,
                left: banned.until.map(|until| until - now),
                refused: banned.refused,
            })
            .collect();
        list.sort_by_key(|ban| ban.source);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn rule() -> BanRule {
        BanRule {
            causes: vec!["malformed".into()],
            strikes: 3,
            within: Duration::from_secs(10),
            duration: Duration::from_secs(60),
        }
    }

    #[test]
    fn the_last_strike_within_the_window_bans_for_the_time_of_the_rule() {
        let mut bans = Bans::new(Some(rule()));
        let now = Instant::now();
        assert_eq!(bans.strike(SOURCE, "malformed", now), None);
        assert_eq!(bans.strike(SOURCE, "malformed", now), None);
        assert_eq!(bans.refuses(SOURCE, now), None);
        assert_eq!(bans.strike(SOURCE, "malformed", now), Some(rule().duration));
        assert_eq!(bans.refuses(SOURCE, now), Some(1));
        assert_eq!(bans.refuses(SOURCE, now), Some(2));
        assert_eq!(bans.refuses(SOURCE, now + rule().duration), None);
    }

    #[test]
    fn old_strikes_and_other_causes_do_not_count() {
        let mut bans = Bans::new(Some(rule()));
        let now = Instant::now();
        bans.strike(SOURCE, "malformed", now);
        bans.strike(SOURCE, "malformed", now);
        bans.strike(SOURCE, "probe", now);
        let later = now + rule().within;
        assert_eq!(bans.strike(SOURCE, "malformed", later), None);
    }

    #[test]
    fn without_a_rule_only_an_operator_bans() {
        let mut bans = Bans::new(None);
        let now = Instant::now();
        for _ in 0..100 {
            assert_eq!(bans.strike(SOURCE, "malformed", now), None);
        }
        bans.add(SOURCE, None, now);
        assert_eq!(bans.refuses(SOURCE, now), Some(1));
        assert_eq!(bans.list(now)[0].left, None);
        assert!(bans.lift(SOURCE));
        assert!(!bans.lift(SOURCE));
        assert_eq!(bans.refuses(SOURCE, now), None);
    }

    #[test]
    fn strikes_are_remembered_of_a_bounded_number_of_sources() {
        let mut bans = Bans::new(Some(rule()));
        let now = Instant::now();
        for number in 0..(REMEMBERED as u32 + 1000) {
            let source = IpAddr::from(std::net::Ipv4Addr::from(number));
            bans.strike(source, "malformed", now);
        }
        assert_eq!(bans.strikes.len(), REMEMBERED);
    }

    #[test]
    fn sources_are_banned_up_to_a_bounded_number() {
        let mut bans = Bans::new(Some(BanRule {
            strikes: 1,
            ..rule()
        }));
        let now = Instant::now();
        for number in 0..(REMEMBERED as u32 + 1000) {
            let source = IpAddr::from(std::net::Ipv4Addr::from(number));
            bans.strike(source, "malformed", now);
        }
        assert_eq!(bans.banned.len(), REMEMBERED);
    }
}
