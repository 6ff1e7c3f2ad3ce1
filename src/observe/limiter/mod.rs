//! Sans-io: which log lines are written and which only counted.

use super::{Field, Network};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many pairs of source network and cause are kept, which takes at most a megabyte.
const REMEMBERED: usize = 4096;

/// Limits log lines per event, cause and source network: the first is written at once, and those that
/// follow within the interval are only counted, until one summary says how many they were.
///
/// The caller asks [`pass`](Self::pass) before each line, and at least once a second writes the
/// summaries that [`due`](Self::due) returns, also when there are no lines.
///
/// At most 4,096 networks are kept at a time. All further ones share one line and one summary per event
/// and cause, so that a flood from many networks is limited too.
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

/// Whether a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// The line is to be written.
    Write,
    /// The line is only counted.
    Suppress,
}

/// The number of lines that were counted and not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The event of those lines.
    pub event: &'static str,
    /// The cause of that event.
    pub cause: &'static str,
    /// The source network; `None` for all networks beyond those that are kept.
    pub network: Option<Network>,
    /// The source address, when all lines had the same one.
    pub peer: Option<IpAddr>,
    /// The number of lines; never 0.
    pub suppressed: u64,
    /// The time since the line or summary before.
    pub over: Duration,
}

impl Summary {
    /// The fields of the summary's log line, named as in the lines it counts.
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
    /// The address that all suppressed lines came from; `None` once there are several.
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

    /// The summaries that are due. Their intervals begin anew; entries without a suppressed line are
    /// removed.
    pub fn due(&mut self, now: Instant) -> Vec<Summary> {
        let interval = self.interval;
        self.take(now, |line| line.since + interval <= now)
    }

    /// All summaries, due or not, to be written at the end.
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
