//! What sipward holds itself to, and whether it did.

use crate::results::{Growth, Results, Spread};
use crate::work::{Server, Work};

/// One thing to hold, and what was measured.
pub struct Verdict {
    /// What it is.
    pub what: String,
    /// No more than this.
    pub limit: f64,
    /// What was measured, if it was.
    pub found: Option<Spread>,
}

impl Verdict {
    /// In a word.
    pub fn word(&self) -> &'static str {
        match self.found {
            None => "not measured",
            Some(found) if found.median <= self.limit => "met",
            Some(_) => "**missed**",
        }
    }
}

/// All of them, in the order of the table.
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let mut verdicts = ratios(results);
    let mut add = |what: &str, limit, found| {
        verdicts.push(Verdict {
            what: what.to_owned(),
            limit,
            found,
        });
    };
    let bytes = |work| results.figure(work, Server::Sipward);
    add(
        "idle registered session, bytes",
        14_336.0,
        bytes(Work::Idle),
    );
    add(
        "half-open connection, bytes",
        4_096.0,
        bytes(Work::HalfOpen),
    );
    let most = results.sizes().last().copied().unwrap_or_default();
    let idle = results.grown(most, |growth| growth.idle);
    let (from, to) = (results.sizes().first().copied().unwrap_or_default(), most);
    add(
        &format!("idle CPU with {most} sessions, % of a core"),
        1.0,
        idle,
    );
    let costs: [(&str, fn(&Growth) -> f64); 2] = [
        ("handshake", |growth| growth.handshake),
        ("OPTIONS", |growth| growth.options),
    ];
    for (name, of) in costs {
        let ratio = results.growth_ratio(of);
        add(
            &format!("{name} with {to} sessions / with {from}"),
            1.1,
            ratio,
        );
    }
    let looks = results.looks.iter();
    let ratio = Spread::of(looks.map(|look| look.watched / look.unwatched));
    add(
        &format!("OPTIONS p99 with {most} sessions, looked at / not"),
        1.2,
        ratio,
    );
    for work in [Work::Handshake, Work::Options, Work::Call] {
        let ratio = results.ratio(work, Server::TwoThreads, Server::OneThread);
        add(&format!("{}, 1+1 threads / 1", work.name()), 1.15, ratio);
    }
    verdicts
}

fn ratios(results: &Results) -> Vec<Verdict> {
    use Server::{Kamailio, Nginx, Sipward};
    let against = [
        (Work::Handshake, None, 1.1),
        (Work::Handshake, Some(Nginx), 0.65),
        (Work::Handshake, Some(Kamailio), 0.4),
        (Work::Resume, None, 1.15),
        (Work::Options, None, 1.6),
        (Work::Options, Some(Kamailio), 0.4),
        (Work::RegisterDigest, Some(Kamailio), 0.4),
        (Work::Call, Some(Kamailio), 0.35),
        (Work::Latency, Some(Kamailio), 1.0),
        (Work::LatencyBeside, Some(Kamailio), 1.0),
    ];
    let verdict = |(work, other, limit): (Work, Option<Server>, f64)| {
        let other = other.unwrap_or_else(|| better_floor(results, work));
        Verdict {
            what: format!("{} / {}", work.name(), other.name()),
            limit,
            found: results.ratio(work, Sipward, other),
        }
    };
    against.into_iter().map(verdict).collect()
}

/// The floor that needs less.
pub fn better_floor(results: &Results, work: Work) -> Server {
    let median = |server| results.figure(work, server).map(|spread| spread.median);
    match (median(Server::FloorAsyncStd), median(Server::FloorTokio)) {
        (Some(one), Some(other)) if other < one => Server::FloorTokio,
        (None, Some(_)) => Server::FloorTokio,
        _ => Server::FloorAsyncStd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(found: Option<f64>) -> &'static str {
        let found = Spread::of(found.into_iter());
        let what = String::new();
        Verdict {
            what,
            limit: 1.0,
            found,
        }
        .word()
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        assert_eq!(verdict(None), "not measured");
        assert_eq!(verdict(Some(1.0)), "met");
        assert_eq!(verdict(Some(1.01)), "**missed**");
    }
}
