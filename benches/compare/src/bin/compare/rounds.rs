//! Runs every server at every kind of work, one after another, round by round.

use crate::load::{Generator, LoadError, Report};
use crate::results::{Cell, Results};
use crate::servers::{Running, Stable};
use crate::work::{Server, Work};
use std::error::Error;
use std::time::Instant;

/// Latency is looked at when servers are at ease: at this part of what Kamailio can do.
const AT_EASE: f64 = 0.1;

/// Operations per second when Kamailio's best is not known.
const UNKNOWN_RATE: f64 = 3_000.0;

/// Connections of which each server's memory is measured.
const HELD: usize = 2_000;

/// What the rounds go by.
pub struct Rounds<'a> {
    pub stable: &'a Stable,
    pub generator: &'a Generator,
    pub rounds: u32,
    /// Seconds that are measured in each run.
    pub seconds: f64,
    /// Servers that are not to be had.
    pub absent: Vec<Server>,
    /// What is measured.
    pub works: Vec<Work>,
}

/// Where a run of many cells is.
pub struct Progress {
    begun: Instant,
    done: usize,
    all: usize,
}

impl Rounds<'_> {
    /// All cells, as a table of contents for the progress.
    fn cells(&self) -> Vec<(u32, Work, Server)> {
        let mut cells = Vec::new();
        for round in 1..=self.rounds {
            for &work in &self.works {
                let mut servers = work.servers();
                servers.retain(|server| !self.absent.contains(server));
                // Nobody always comes first.
                if round % 2 == 0 {
                    servers.reverse();
                }
                cells.extend(servers.into_iter().map(|server| (round, work, server)));
            }
        }
        cells
    }

    /// Runs them all into the results. A server that fails at something costs that cell alone.
    pub fn run(&self, results: &mut Results) {
        results.rounds = results.rounds.max(self.rounds);
        let cells = self.cells();
        let mut progress = Progress::begin(cells.len());
        for (round, work, server) in cells {
            let what = format!(
                "round {round}/{}: {}, {}",
                self.rounds,
                work.name(),
                server.name()
            );
            match self.measure(round, work, server, results) {
                Ok((cell, said)) => {
                    progress.show(&what, &said);
                    results.cells.push(cell);
                }
                Err(error) => progress.show(&what, &error.to_string()),
            }
        }
    }

    fn measure(
        &self,
        round: u32,
        work: Work,
        server: Server,
        results: &Results,
    ) -> Result<(Cell, String), Box<dyn Error>> {
        let mut running = self.stable.start(server, work == Work::RegisterDigest)?;
        let rate = results.best_rate(Work::Options, Server::Kamailio);
        let rate = rate.map_or(UNKNOWN_RATE, |best| best * AT_EASE).round();
        let report = self.load(&running, work, rate);
        let survived = running.is_there();
        let report = report?;
        let mut cell = Cell {
            round,
            work,
            server,
            cpu: report.number("server_cpu_us_per_operation"),
            bytes: report.number("server_rss_per_connection"),
            p99: report.p99(),
            per_second: report.number("per_second").unwrap_or_default(),
            errors: report.errors(),
        };
        let mut said = cell.figure().map_or_else(String::new, |figure| {
            format!("{figure:.1} {}", work.figure().unit())
        });
        if let Some(failure) = report.failure() {
            said = format!("{} failures, such as: {failure}", cell.errors);
        }
        if !survived {
            cell.errors += 1;
            said += " and the server crashed";
        }
        Ok((cell, said))
    }

    fn load(&self, server: &Running, work: Work, rate: f64) -> Result<Report, LoadError> {
        let time = format!(
            "-d {} --warmup {}",
            self.seconds,
            (self.seconds / 3.0).min(1.0)
        );
        let at_ease = format!("options --rate {rate} {time}");
        let words = match work {
            Work::Handshake => format!("handshake -c 8 {time}"),
            Work::Resume => format!("resume -c 8 {time}"),
            Work::Options => format!("options {time}"),
            Work::Ping => format!("ping {time}"),
            Work::Register => format!("register {time}"),
            Work::RegisterDigest => format!("register {time} --user load{{}}:secret --digest md5"),
            // The softswitch bounds the transactions and calls of one connection to 1,000 within 32 s.
            Work::Call => format!("call -c 200 {time}"),
            // Opened within the time, held for as long.
            Work::Idle => format!("idle --register -c {HELD} -d 5"),
            Work::HalfOpen => format!("half-open -c {HELD} -d 2"),
            Work::Latency => at_ease,
            Work::LatencyBeside => {
                let long = self.seconds * 2.0 + 5.0;
                let words = format!("handshake -c 50 --rate 200 -d {long} --warmup 0");
                let mut beside = self.generator.start(server, &words)?;
                let report = self.generator.run(server, &at_ease);
                // It ends in mid-run; its own figures are nobody's.
                let _ = beside.kill();
                let _ = beside.wait();
                return report;
            }
        };
        self.generator.run(server, &words)
    }
}

impl Progress {
    /// So many steps are to come.
    pub fn begin(all: usize) -> Self {
        Self {
            begun: Instant::now(),
            done: 0,
            all,
        }
    }

    /// One more is done.
    pub fn show(&mut self, what: &str, said: &str) {
        self.done += 1;
        let each = self.begun.elapsed().as_secs_f64() / self.done as f64;
        let left = (each * self.all.saturating_sub(self.done) as f64 / 60.0).ceil();
        let (done, all) = (self.done, self.all);
        eprintln!("[{done}/{all}, {left} min left] {what}: {said}");
    }
}
