//! The targets for sipward, and whether they were met.

use crate::results::{Growth, Results, Spread};
use crate::work::{Server, Work};

/// One target, and what was measured.
pub struct TargetResult {
    /// What is limited.
    pub what: String,
    /// The highest allowed median.
    pub limit: f64,
    /// What was measured, if it was.
    pub found: Option<Spread>,
}

impl TargetResult {
    /// Whether it was met.
    pub fn word(&self) -> &'static str {
        match self.found {
            None => "not measured",
            Some(found) if found.median <= self.limit => "met",
            Some(_) => "**missed**",
        }
    }
}

/// All targets, in the order of the table.
pub fn evaluate(results: &Results) -> Vec<TargetResult> {
    let mut targets = ratios(results);
    let mut add = |what: &str, limit, found| {
        targets.push(TargetResult {
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
    let polling = results.polling.iter();
    let ratio = Spread::of(polling.map(|latency| latency.watched / latency.unwatched));
    add(
        &format!("OPTIONS p99 with {most} sessions, polled / not polled"),
        1.2,
        ratio,
    );
    for work in [Work::Handshake, Work::Options, Work::Call] {
        let ratio = results.ratio(work, Server::TwoThreads, Server::OneThread);
        add(&format!("{}, 1+1 threads / 1", work.name()), 1.15, ratio);
    }
    targets
}

fn ratios(results: &Results) -> Vec<TargetResult> {
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
    let result = |(work, other, limit): (Work, Option<Server>, f64)| {
        let other = other.unwrap_or_else(|| better_floor(results, work));
        TargetResult {
            what: format!("{} / {}", work.name(), other.name()),
            limit,
            found: results.ratio(work, Sipward, other),
        }
    };
    against.into_iter().map(result).collect()
}

/// The floor with the lower cost.
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
    use crate::results::Cell;

    fn word(found: Option<f64>) -> &'static str {
        let found = Spread::of(found.into_iter());
        let what = String::new();
        TargetResult {
            what,
            limit: 1.0,
            found,
        }
        .word()
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        assert_eq!(word(None), "not measured");
        assert_eq!(word(Some(1.0)), "met");
        assert_eq!(word(Some(1.01)), "**missed**");
    }

    fn results(cells: &[(Server, f64)]) -> Results {
        let cell = |&(server, cpu): &(Server, f64)| Cell {
            round: 1,
            work: Work::Handshake,
            server,
            cpu: Some(cpu),
            bytes: None,
            p99: None,
            per_second: 1.0,
            errors: 0,
        };
        Results {
            rounds: 1,
            cells: cells.iter().map(cell).collect(),
            ..Results::default()
        }
    }

    #[test]
    fn the_floor_with_the_lower_cost_is_the_one_to_compare_with() {
        use Server::{FloorAsyncStd, FloorTokio};
        let better = |cells| better_floor(&results(cells), Work::Handshake);
        assert_eq!(
            better(&[(FloorAsyncStd, 2.0), (FloorTokio, 1.0)]),
            FloorTokio
        );
        assert_eq!(
            better(&[(FloorAsyncStd, 1.0), (FloorTokio, 2.0)]),
            FloorAsyncStd
        );
        assert_eq!(better(&[(FloorTokio, 2.0)]), FloorTokio);
        assert_eq!(better(&[]), FloorAsyncStd);
    }

    #[test]
    fn a_target_is_a_ratio_of_costs_and_missed_above_its_limit() {
        let handshake = |sipward| {
            let results = results(&[(Server::Sipward, sipward), (Server::FloorTokio, 100.0)]);
            evaluate(&results).swap_remove(0)
        };
        assert_eq!(handshake(110.0).what, "full handshake / floor (tokio)");
        assert_eq!(handshake(110.0).word(), "met");
        assert_eq!(handshake(111.0).word(), "**missed**");
    }

    #[test]
    fn without_results_no_target_counts_as_met() {
        let targets = evaluate(&Results::default());
        assert!(targets.iter().all(|target| target.word() == "not measured"));
    }
}
