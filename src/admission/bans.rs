//! Sans-io: sources that are not wanted for a while.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Sources that strikes or bans are remembered of; beyond, the oldest are forgotten first.
const REMEMBERED: usize = 65_536;

const SWEEP: Duration = Duration::from_secs(1);

/// When a source is banned by itself.
///
/// ```
/// use sipward::BanRule;
/// use std::time::Duration;
///
/// let rule = BanRule {
///     causes: vec!["plaintext".into(), "malformed".into(), "framing".into()],
///     strikes: 10,
///     within: Duration::from_secs(60),
///     duration: Duration::from_secs(600),
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRule {
    /// Names of handshake and close causes that count, `plaintext` say.
    pub causes: Vec<String>,
    /// How many of them, at least 1.
    pub strikes: u32,
    /// Within what time.
    pub within: Duration,
    /// How long the source is then refused with `banned`.
    pub duration: Duration,
}

/// A source that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ban {
    /// The address, cut to the length that makes a source.
    pub source: IpAddr,
    /// How much longer; `None` until it is lifted.
    pub left: Option<Duration>,
    /// How often it was refused since.
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

    /// Whether a source is refused; counts it if so: how often it was.
    pub(super) fn refuses(&mut self, source: IpAddr, now: Instant) -> Option<u64> {
        let banned = self.banned.get_mut(&source)?;
        if banned.until.is_some_and(|until| until <= now) {
            self.banned.remove(&source);
            return None;
        }
        banned.refused += 1;
        Some(banned.refused)
    }

    /// A connection of this source ended with this cause. How long it is banned if that was one too
    /// many.
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

    /// Forgets what is over, at most once a second: a flood from everywhere must not make each of
    /// its connections cost a walk through all sources.
    fn sweep(&mut self, within: Duration, now: Instant) {
        let crowded = self.strikes.len().max(self.banned.len()) >= REMEMBERED;
        let rested = self.swept.is_none_or(|at| now >= at + SWEEP);
        if !crowded || !rested {
            return;
        }
        self.swept = Some(now);
        self.strikes
            .retain(|_, times| times.back().is_some_and(|last| now < *last + within));
        self.banned
            .retain(|_, banned| banned.until.is_none_or(|until| now < until));
    }

    /// Whether it had been banned.
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
    fn without_a_rule_nobody_is_banned_but_by_hand() {
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
