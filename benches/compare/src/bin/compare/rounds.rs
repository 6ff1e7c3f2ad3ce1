//! Measures every server at every kind of work, one after another, in several rounds.

use crate::load::{Generator, LoadError, Report};
use crate::results::{Cell, Results};
use crate::servers::{Launcher, Running};
use crate::work::{Server, Work};
use std::error::Error;
use std::time::Instant;

/// Latency is measured at low load: at this part of Kamailio's best rate.
const LATENCY_RATE_SHARE: f64 = 0.1;

/// Operations per second when Kamailio's best is not known.
const UNKNOWN_RATE: f64 = 3_000.0;

/// How many connections are held to measure a server's memory.
const HELD_CONNECTIONS: usize = 2_000;

/// What to measure in the rounds, and with what.
pub struct Rounds<'a> {
    pub launcher: &'a Launcher,
    pub generator: &'a Generator,
    pub rounds: u32,
    /// How many seconds each run measures.
    pub seconds: f64,
    /// Servers that are not installed.
    pub absent: Vec<Server>,
    /// What is measured.
    pub works: Vec<Work>,
}

/// Progress through a known number of steps, with an estimate of the time left.
pub struct Progress {
    begun: Instant,
    done: usize,
    all: usize,
}

/// All cells to measure, in order.
fn cells(rounds: u32, works: &[Work], absent: &[Server]) -> Vec<(u32, Work, Server)> {
    let mut cells = Vec::new();
    for round in 1..=rounds {
        for &work in works {
            let mut servers = work.servers();
            servers.retain(|server| !absent.contains(server));
            // Every other round is in reverse order, so that no server always comes first.
            if round % 2 == 0 {
                servers.reverse();
            }
            cells.extend(servers.into_iter().map(|server| (round, work, server)));
        }
    }
    cells
}

impl Rounds<'_> {
    /// Measures all cells into the results. When a measurement fails, only its cell is missing.
    pub fn run(&self, results: &mut Results) {
        results.rounds = results.rounds.max(self.rounds);
        let cells = cells(self.rounds, &self.works, &self.absent);
        let mut progress = Progress::begin(cells.len());
        for (round, work, server) in cells {
            let what = format!(
                "round {round}/{}: {}, {}",
                self.rounds,
                work.name(),
                server.name()
            );
            match self.measure(round, work, server, results) {
                Ok((cell, message)) => {
                    progress.show(&what, &message);
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
        let mut running = self.launcher.start(server, work == Work::RegisterDigest)?;
        let rate = results.best_rate(Work::Options, Server::Kamailio);
        let rate = rate
            .map_or(UNKNOWN_RATE, |best| best * LATENCY_RATE_SHARE)
            .round();
        let report = self.load(&running, work, rate);
        let survived = running.is_running();
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
        let mut message = cell.figure().map_or_else(String::new, |figure| {
            format!("{figure:.1} {}", work.figure().unit())
        });
        if let Some(failure) = report.failure() {
            message = format!("{} failures, such as: {failure}", cell.errors);
        }
        if !survived {
            cell.errors += 1;
            message += " and the server crashed";
        }
        Ok((cell, message))
    }

    fn load(&self, server: &Running, work: Work, rate: f64) -> Result<Report, LoadError> {
        let time = format!(
            "-d {} --warmup {}",
            self.seconds,
            (self.seconds / 3.0).min(1.0)
        );
        let latency = format!("options --rate {rate} {time}");
        let arguments = match work {
            Work::Handshake => format!("handshake -c 8 {time}"),
            Work::Resume => format!("resume -c 8 {time}"),
            Work::Options => format!("options {time}"),
            Work::Ping => format!("ping {time}"),
            Work::Register => format!("register {time}"),
            Work::RegisterDigest => format!("register {time} --user load{{}}:secret --digest md5"),
            // The softswitch bounds the transactions and calls of one connection to 1,000 within
            // 32 s.
            Work::Call => format!("call -c 200 {time}"),
            // Connections are opened within this time, and held for as long.
            Work::Idle => format!("idle --register -c {HELD_CONNECTIONS} -d 5"),
            Work::HalfOpen => format!("half-open -c {HELD_CONNECTIONS} -d 2"),
            Work::Latency => latency,
            Work::LatencyBeside => {
                let long = self.seconds * 2.0 + 5.0;
                let arguments = format!("handshake -c 50 --rate 200 -d {long} --warmup 0");
                let mut beside = self.generator.start(server, &arguments)?;
                let report = self.generator.run(server, &latency);
                // It has not finished its run, and its report is not needed.
                let _ = beside.kill();
                let _ = beside.wait();
                return report;
            }
        };
        self.generator.run(server, &arguments)
    }
}

impl Progress {
    /// Before the first of `all` steps.
    pub fn begin(all: usize) -> Self {
        Self {
            begun: Instant::now(),
            done: 0,
            all,
        }
    }

    /// Notes that one more step is done, and prints it.
    pub fn show(&mut self, what: &str, message: &str) {
        self.done += 1;
        let each = self.begun.elapsed().as_secs_f64() / self.done as f64;
        let left = (each * self.all.saturating_sub(self.done) as f64 / 60.0).ceil();
        let (done, all) = (self.done, self.all);
        eprintln!("[{done}/{all}, {left} min left] {what}: {message}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(cells: &[(u32, Work, Server)], round: u32) -> Vec<Server> {
        let of_round = cells.iter().filter(|(of, ..)| *of == round);
        of_round.map(|(.., server)| *server).collect()
    }

    #[test]
    fn the_second_round_measures_the_same_servers_in_reverse_order() {
        let cells = cells(2, &[Work::Ping], &[]);
        let mut second = servers(&cells, 2);
        assert_eq!(second.first(), Some(&Server::Kamailio));
        second.reverse();
        assert_eq!(servers(&cells, 1), second);
    }

    #[test]
    fn servers_that_are_not_installed_have_no_cells() {
        let cells = cells(1, &[Work::Handshake, Work::Call], &[Server::Kamailio]);
        assert!(!servers(&cells, 1).contains(&Server::Kamailio));
        assert!(servers(&cells, 1).contains(&Server::Nginx));
    }
}
