//! What a handshake and an OPTIONS cost while many other sessions are open, and what those sessions
//! cost while nothing is sent.

use crate::load::Generator;
use crate::process::sample;
use crate::results::{Growth, PollingLatency, Results};
use crate::rounds::Progress;
use crate::servers::{Launcher, Running};
use crate::work::Server;
use rustix::process::{Resource, getrlimit};
use std::error::Error;
use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// The numbers of other sessions.
const SIZES: [usize; 4] = [100, 1_000, 5_000, 20_000];

/// Descriptors that a server needs apart from those of the other sessions.
const RESERVED_DESCRIPTORS: u64 = 200;

/// How long opening the sessions may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(120);

/// How long the sessions are left alone after they were opened. Each wakes once at the time that
/// was the deadline of its handshake, which is earlier than this.
const SETTLE_TIME: Duration = Duration::from_secs(12);

/// For how long idle CPU time is measured.
const IDLE_TIME: Duration = Duration::from_secs(5);

/// OPTIONS per second while latency is measured with and without polling.
const LATENCY_RATE: u32 = 3_000;

/// How often the server is sampled while sessions are opened.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// What to measure with many sessions, and with what.
pub struct GrowthRun<'a> {
    pub launcher: &'a Launcher,
    pub generator: &'a Generator,
    pub rounds: u32,
    pub seconds: f64,
    /// The highest number of sessions.
    pub max_sessions: usize,
}

impl GrowthRun<'_> {
    /// Measures a server that is polled and one that is not, in every round.
    pub fn measure_polling(&self, results: &mut Results) {
        let mut progress = Progress::begin(self.rounds as usize);
        for round in 1..=self.rounds {
            let what = format!("polling {round}/{}", self.rounds);
            match self.measure_polling_once(round) {
                Ok(latency) => {
                    let PollingLatency {
                        unwatched, watched, ..
                    } = latency;
                    progress.show(&what, &format!("p99 {unwatched} and {watched} µs"));
                    results.polling.push(latency);
                }
                Err(error) => progress.show(&what, &error.to_string()),
            }
        }
    }

    fn measure_polling_once(&self, round: u32) -> Result<PollingLatency, Box<dyn Error>> {
        let sessions = sizes(self.max_sessions).last().copied().unwrap_or_default();
        let p99 = |server: Server| -> Result<f64, Box<dyn Error>> {
            let server = self.launcher.start(server, false)?;
            let _others = self.hold(&server, sessions)?;
            let arguments = format!("options --rate {LATENCY_RATE} -d {}", self.seconds);
            let report = self.generator.run(&server, &arguments)?;
            Ok(report.p99().ok_or("nothing was measured")?)
        };
        Ok(PollingLatency {
            round,
            sessions,
            unwatched: p99(Server::Unwatched)?,
            watched: p99(Server::Watched)?,
        })
    }

    fn hold(&self, server: &Running, sessions: usize) -> Result<HeldSessions, Box<dyn Error>> {
        let arguments = format!("idle -c {sessions} -d 600");
        let mut held = HeldSessions(self.generator.start_at(server, server.second, &arguments)?);
        held.wait(server, sessions)?;
        Ok(held)
    }

    /// Measures with every number of sessions in every round.
    pub fn run(&self, results: &mut Results) {
        results.rounds = results.rounds.max(self.rounds);
        let mut sizes = sizes(self.max_sessions);
        let mut progress = Progress::begin(sizes.len() * self.rounds as usize);
        for round in 1..=self.rounds {
            for &sessions in &sizes {
                let what = format!("growth {round}/{}: {sessions} sessions", self.rounds);
                match self.measure(round, sessions) {
                    Ok(growth) => {
                        let Growth {
                            handshake, options, ..
                        } = growth;
                        let message = format!("{handshake:.1} and {options:.1} CPU µs");
                        progress.show(&what, &message);
                        results.growth.push(growth);
                    }
                    Err(error) => progress.show(&what, &error.to_string()),
                }
            }
            sizes.reverse();
        }
    }

    fn measure(&self, round: u32, sessions: usize) -> Result<Growth, Box<dyn Error>> {
        let server = self.launcher.start(Server::Sipward, false)?;
        let before = sample(server.pid())?;
        let _others = self.hold(&server, sessions)?;
        thread::sleep(SETTLE_TIME);
        let (from, opened) = (Instant::now(), sample(server.pid())?);
        thread::sleep(IDLE_TIME);
        let cpu = sample(server.pid())?.cpu - opened.cpu;
        let idle = 100.0 * cpu.as_secs_f64() / from.elapsed().as_secs_f64();
        let time = format!("-d {} --warmup 0.5", self.seconds);
        let cost = |mode: &str| -> Result<f64, Box<dyn Error>> {
            let report = self.generator.run(&server, &format!("{mode} {time}"))?;
            match (
                report.failure(),
                report.number("server_cpu_us_per_operation"),
            ) {
                (None, Some(cpu)) => Ok(cpu),
                (failure, _) => Err(failure.unwrap_or("nothing was measured").into()),
            }
        };
        Ok(Growth {
            round,
            sessions,
            handshake: cost("handshake -c 8")?,
            options: cost("options -c 50")?,
            idle,
            bytes: opened.rss.saturating_sub(before.rss) as f64 / sessions as f64,
        })
    }
}

/// A load generator that holds sessions open until this is dropped.
struct HeldSessions(Child);

impl HeldSessions {
    /// Waits until all sessions are open and the server is idle again.
    fn wait(&mut self, server: &Running, sessions: usize) -> Result<(), Box<dyn Error>> {
        let until = Instant::now() + OPEN_TIMEOUT;
        let mut cpu = Duration::ZERO;
        while Instant::now() < until {
            thread::sleep(POLL_INTERVAL);
            if self.0.try_wait()?.is_some() {
                return Err("the sessions could not be opened".into());
            }
            let descriptors = fs::read_dir(format!("/proc/{}/fd", server.pid()))?.count();
            let now = sample(server.pid())?.cpu;
            // A server that is polled is never quite idle: it uses up to a fifth of a core.
            if descriptors > sessions && now - cpu <= POLL_INTERVAL / 5 {
                return Ok(());
            }
            cpu = now;
        }
        Err("the sessions were not open in time".into())
    }
}

impl Drop for HeldSessions {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The numbers of sessions, limited by the limit of descriptors and by `max_sessions`.
fn sizes(max_sessions: usize) -> Vec<usize> {
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let room = usize::try_from(limit.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(usize::MAX);
    sizes_up_to(room.min(max_sessions))
}

fn sizes_up_to(max: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = SIZES.iter().map(|size| *size.min(&max)).collect();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_sessions_end_at_the_limit_without_repeating_it() {
        assert_eq!(sizes_up_to(usize::MAX), SIZES);
        assert_eq!(sizes_up_to(19_800), [100, 1_000, 5_000, 19_800]);
        assert_eq!(sizes_up_to(1_000), [100, 1_000]);
        assert_eq!(sizes_up_to(50), [50]);
    }
}
