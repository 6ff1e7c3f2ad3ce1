//! The results, by round. Ratios are taken within a round, so that a change of the machine between
//! rounds affects both sides.

use crate::work::{Figure, Server, Work};
use serde::{Deserialize, Serialize};

/// All results of one run of this program.
#[derive(Default, Serialize, Deserialize)]
pub struct Results {
    /// Lines about the machine and the versions of programs.
    #[serde(alias = "circumstances")]
    pub environment: Vec<String>,
    /// The number of rounds.
    pub rounds: u32,
    /// One entry for each run of the load generator.
    pub cells: Vec<Cell>,
    /// The cost with different numbers of sessions.
    pub growth: Vec<Growth>,
    /// The latency with and without polling.
    #[serde(default, alias = "looks")]
    pub polling: Vec<PollingLatency>,
}

/// One server at one kind of work in one round.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cell {
    pub round: u32,
    pub work: Work,
    pub server: Server,
    /// Server CPU time per operation in µs.
    pub cpu: Option<f64>,
    /// Server memory per connection.
    pub bytes: Option<f64>,
    /// 99th percentile of latency in µs.
    pub p99: Option<f64>,
    pub per_second: f64,
    pub errors: u64,
}

/// Measurements of sipward while this number of other sessions is open.
#[derive(Clone, Serialize, Deserialize)]
pub struct Growth {
    pub round: u32,
    pub sessions: usize,
    /// Server CPU time per handshake in µs.
    pub handshake: f64,
    /// Server CPU time per OPTIONS in µs.
    pub options: f64,
    /// CPU time of the server while nothing is sent, in percent of a core.
    pub idle: f64,
    /// Resident memory per session in bytes.
    pub bytes: f64,
}

/// The 99th percentile of OPTIONS with many sessions open, in µs.
#[derive(Clone, Serialize, Deserialize)]
pub struct PollingLatency {
    pub round: u32,
    pub sessions: usize,
    /// Without polling.
    pub unwatched: f64,
    /// While a snapshot and all sessions are requested ten times a second.
    pub watched: f64,
}

/// A median, with the least and the most of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Cell {
    /// The figure that this work is measured by. `None` when an operation failed, since failures
    /// have a different cost.
    pub fn figure(&self) -> Option<f64> {
        if self.errors > 0 {
            return None;
        }
        match self.work.figure() {
            Figure::Cpu => self.cpu,
            Figure::Bytes => self.bytes,
            Figure::P99 => self.p99,
        }
    }
}

impl Results {
    /// The figure over all rounds.
    pub fn figure(&self, work: Work, server: Server) -> Option<Spread> {
        Spread::of(self.figures(work, server).map(|(_, figure)| figure))
    }

    /// One server's figure over another's, round by round.
    pub fn ratio(&self, work: Work, server: Server, other: Server) -> Option<Spread> {
        let others: Vec<(u32, f64)> = self.figures(work, other).collect();
        Spread::of(self.figures(work, server).filter_map(|(round, figure)| {
            let (_, other) = others.iter().find(|(of, _)| *of == round)?;
            (*other > 0.0).then_some(figure / other)
        }))
    }

    /// Operations per second of the best round.
    pub fn best_rate(&self, work: Work, server: Server) -> Option<f64> {
        let cells = self.cells.iter();
        let of = cells.filter(|cell| cell.work == work && cell.server == server);
        of.map(|cell| cell.per_second).max_by(f64::total_cmp)
    }

    /// Errors of this server at this work, over all rounds.
    pub fn errors(&self, work: Work, server: Server) -> u64 {
        let cells = self.cells.iter();
        let of = cells.filter(|cell| cell.work == work && cell.server == server);
        of.map(|cell| cell.errors).sum()
    }

    /// The numbers of sessions with which the cost was measured.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.growth.iter().map(|growth| growth.sessions).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The figure that `of` selects, with this number of sessions.
    pub fn grown(&self, sessions: usize, of: fn(&Growth) -> f64) -> Option<Spread> {
        let growth = self.growth.iter();
        Spread::of(growth.filter(|growth| growth.sessions == sessions).map(of))
    }

    /// The ratio of the figure with the most sessions to that with the fewest, round by round.
    pub fn growth_ratio(&self, of: fn(&Growth) -> f64) -> Option<Spread> {
        let sizes = self.sizes();
        let (fewest, most) = (sizes.first()?, sizes.last()?);
        let at = |round: u32, sessions: usize| {
            let mut growth = self.growth.iter();
            growth.find(|growth| (growth.round, growth.sessions) == (round, sessions))
        };
        Spread::of((1..=self.rounds).filter_map(|round| {
            let before = of(at(round, *fewest)?);
            (before > 0.0).then_some(of(at(round, *most)?) / before)
        }))
    }

    fn figures(&self, work: Work, server: Server) -> impl Iterator<Item = (u32, f64)> + '_ {
        let cells = self.cells.iter();
        let of = cells.filter(move |cell| cell.work == work && cell.server == server);
        of.filter_map(|cell| Some((cell.round, cell.figure()?)))
    }
}

impl Spread {
    /// The spread of these values; `None` if there are none. The median of an even number of values
    /// is the mean of the middle two.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let upper = values.len() / 2;
        let lower = (values.len() - 1) / 2;
        Some(Self {
            median: f64::midpoint(values[lower], values[upper]),
            least,
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(round: u32, server: Server, cpu: f64) -> Cell {
        Cell {
            round,
            work: Work::Options,
            server,
            cpu: Some(cpu),
            bytes: None,
            p99: None,
            per_second: cpu,
            errors: 0,
        }
    }

    fn results(cells: Vec<Cell>) -> Results {
        Results {
            rounds: 3,
            cells,
            ..Results::default()
        }
    }

    #[test]
    fn a_ratio_is_of_one_round_each_and_not_of_medians() {
        let (one, other) = (Server::Sipward, Server::Kamailio);
        let results = results(vec![
            cell(1, one, 10.0),
            cell(1, other, 20.0),
            cell(2, one, 100.0),
            cell(2, other, 100.0),
            cell(3, one, 30.0),
            cell(3, other, 40.0),
        ]);
        let ratio = results.ratio(Work::Options, one, other).unwrap();
        assert_eq!((ratio.least, ratio.median, ratio.most), (0.5, 0.75, 1.0));
        assert_eq!(results.ratio(Work::Options, one, Server::Nginx), None);
    }

    #[test]
    fn the_median_of_two_is_between_them() {
        let spread = Spread::of([1.0, 3.0].into_iter()).unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.0, 3.0));
        assert_eq!(Spread::of(std::iter::empty()), None);
    }

    #[test]
    fn a_run_with_failures_has_no_figure() {
        let mut failed = cell(1, Server::Sipward, 10.0);
        failed.errors = 1;
        let results = results(vec![failed]);
        assert_eq!(results.figure(Work::Options, Server::Sipward), None);
        assert_eq!(results.errors(Work::Options, Server::Sipward), 1);
    }

    #[test]
    fn growth_is_from_the_fewest_to_the_most() {
        let growth = |sessions, options| Growth {
            round: 1,
            sessions,
            handshake: 1.0,
            options,
            idle: 0.0,
            bytes: 0.0,
        };
        let mut results = results(Vec::new());
        results.growth = vec![growth(1_000, 3.0), growth(100, 2.0), growth(500, 9.0)];
        let ratio = results.growth_ratio(|growth| growth.options).unwrap();
        assert_eq!(ratio.median, 1.5);
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read() {
        let text = r#"{"circumstances":["a"],"rounds":1,"cells":[],"growth":[],
            "looks":[{"round":1,"sessions":9,"unwatched":1.0,"watched":2.0}]}"#;
        let results: Results = serde_json::from_str(text).unwrap();
        assert_eq!(results.environment, ["a"]);
        assert_eq!(results.polling[0].watched, 2.0);
    }
}
