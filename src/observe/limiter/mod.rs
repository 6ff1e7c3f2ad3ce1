//! Sans-io: which log lines are written and which only counted.

use super::{Field, Network};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Sources and causes remembered at a time; the memory is a megabyte at most.
const REMEMBERED: usize = 4096;

/// Limits log lines per event, cause and source network: the first is written at once, and those that
/// follow within the interval are only counted, until one summary says how many they were.
///
/// Whoever writes lines asks [`pass`](Self::pass) before each, and writes what [`due`](Self::due)
/// gives at least every second, also when nothing happens.
///
/// At most 4,096 networks are remembered at a time; all others then share one line and one summary
/// per event and cause, so that a flood from everywhere is limited too.
///
/// ```
/// use sipward::observe::{Limiter, Pass};
/// use std::time::{Duration, Instant};
///
/// let mut limiter = Limiter::new(Duration::from_secs(60));
/// let (peer, now) = ("192.0.2.7".parse().unwrap(), Instant::now());
/// assert_eq!(limiter.pass("auth_failed", "wrong_password", peer, now), Pass::Write);
/// assert_eq!(limiter.pass("auth_failed", "wrong_password", peer, now), Pass::Suppress);
/// assert_eq!(limiter.due(now + Duration::from_secs(60))[0].suppressed, 1);
/// ```
#[derive(Debug)]
pub struct Limiter {
    interval: Duration,
    lines: HashMap<Key, Line>,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It is written.
    Write,
    /// It is only counted.
    Suppress,
}

/// How many lines were only counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The event they were about.
    pub event: &'static str,
    /// Its cause.
    pub cause: &'static str,
    /// Where they came from; `None` for all networks that were too many to be remembered.
    pub network: Option<Network>,
    /// The address they all came from, when it was one.
    pub peer: Option<IpAddr>,
    /// How many they were. Never 0.
    pub suppressed: u64,
    /// In what time: since the line, or the summary, before.
    pub over: Duration,
}

impl Summary {
    /// What a line says of it, named as in the lines it stands for.
    pub fn fields(&self) -> Vec<(&'static str, Field<'static>)> {
        let text = |text: String| Field::Text(text.into());
        let network = self.network.map(|network| network.to_string());
        let peer = self.peer.map(|peer| peer.to_string());
        let over = u64::try_from(self.over.as_millis()).unwrap_or(u64::MAX);
        vec![
            (
                "network",
                text(network.unwrap_or_else(|| "other".to_owned())),
            ),
            ("peer", peer.map_or(Field::Missing, text)),
            ("cause", Field::Text(self.cause.into())),
            ("suppressed", Field::Number(self.suppressed)),
            ("over_ms", Field::Number(over)),
        ]
    }
}

impl fmt::Display for Summary {
    /// `handshake_failed: probe, 59 more`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, {} more",
            self.event, self.cause, self.suppressed
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    event: &'static str,
    cause: &'static str,
    network: Option<Network>,
}

#[derive(Debug)]
struct Line {
    since: Instant,
    suppressed: u64,
    /// Who the suppressed ones came from, while that is one.
    peer: Option<IpAddr>,
}

impl Limiter {
    /// A limiter that writes one line and then one summary an interval. With an interval of zero
    /// every line is written.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            lines: HashMap::new(),
        }
    }

    /// Whether the line about this event, caused by this peer, is written.
    pub fn pass(
        &mut self,
        event: &'static str,
        cause: &'static str,
        peer: IpAddr,
        now: Instant,
    ) -> Pass {
        if self.interval.is_zero() {
            return Pass::Write;
        }
        let mut key = Key {
            event,
            cause,
            network: Some(Network::of(peer)),
        };
        if self.lines.len() >= REMEMBERED && !self.lines.contains_key(&key) {
            key.network = None;
        }
        let line = match self.lines.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Line::new(now));
                return Pass::Write;
            }
            Entry::Occupied(line) => line.into_mut(),
        };
        if line.suppressed == 0 && line.since + self.interval <= now {
            *line = Line::new(now);
            return Pass::Write;
        }
        line.suppress(peer);
        Pass::Suppress
    }

    /// The summaries whose time has come. Their intervals begin anew; what was quiet is forgotten.
    pub fn due(&mut self, now: Instant) -> Vec<Summary> {
        let interval = self.interval;
        self.take(now, |line| line.since + interval <= now)
    }

    /// All summaries, whether their time has come or not: for the end.
    pub fn rest(&mut self, now: Instant) -> Vec<Summary> {
        self.take(now, |_| true)
    }

    fn take(&mut self, now: Instant, is_due: impl Fn(&Line) -> bool) -> Vec<Summary> {
        let mut summaries = Vec::new();
        self.lines.retain(|key, line| {
            if !is_due(line) {
                return true;
            }
            if line.suppressed == 0 {
                return false;
            }
            let over = now.saturating_duration_since(line.since);
            let line = std::mem::replace(line, Line::new(now));
            summaries.push(Summary {
                event: key.event,
                cause: key.cause,
                network: key.network,
                peer: line.peer,
                suppressed: line.suppressed,
                over,
            });
            true
        });
        summaries.sort_by_key(|summary| (summary.event, summary.cause, summary.network));
        summaries
    }
}

impl Line {
    const fn new(since: Instant) -> Self {
        Self {
            since,
            suppressed: 0,
            peer: None,
        }
    }

    fn suppress(&mut self, peer: IpAddr) {
        if self.suppressed == 0 {
            self.peer = Some(peer);
        } else if self.peer != Some(peer) {
            self.peer = None;
        }
        self.suppressed += 1;
    }
}

#[cfg(test)]
mod tests;
