//! What a handshake and an OPTIONS cost while many other sessions are open, and what those cost while
//! they are silent.

use crate::load::Generator;
use crate::process::sample;
use crate::results::{Growth, Look, Results};
use crate::rounds::Progress;
use crate::servers::{Running, Stable};
use crate::work::Server;
use rustix::process::{Resource, getrlimit};
use std::error::Error;
use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// Sessions beside which something is measured.
const SIZES: [usize; 4] = [100, 1_000, 5_000, 20_000];

/// Descriptors a server needs for all else.
const SPARE: u64 = 200;

/// How long opening the sessions may take.
const OPENING: Duration = Duration::from_secs(120);

/// When each session has woken for the last time for what its handshake may take.
const DEADLINES: Duration = Duration::from_secs(12);

/// How long the server is left alone for its idle CPU time.
const ALONE: Duration = Duration::from_secs(5);

/// OPTIONS a second while somebody looks on.
const AT_EASE: u32 = 3_000;

/// How often the opening is looked at.
const GLANCE: Duration = Duration::from_millis(250);

/// What of growth is measured.
pub struct Growing<'a> {
    pub stable: &'a Stable,
    pub generator: &'a Generator,
    pub rounds: u32,
    pub seconds: f64,
    /// Sessions at most.
    pub most: usize,
}

impl Growing<'_> {
    /// Runs a server that is looked at and one that is not, in every round.
    pub fn look(&self, results: &mut Results) {
        let mut progress = Progress::begin(self.rounds as usize);
        for round in 1..=self.rounds {
            let what = format!("looking on {round}/{}", self.rounds);
            match self.look_once(round) {
                Ok(look) => {
                    let Look {
                        unwatched, watched, ..
                    } = look;
                    progress.show(&what, &format!("p99 {unwatched} and {watched} µs"));
                    results.looks.push(look);
                }
                Err(error) => progress.show(&what, &error.to_string()),
            }
        }
    }

    fn look_once(&self, round: u32) -> Result<Look, Box<dyn Error>> {
        let sessions = sizes(self.most).last().copied().unwrap_or_default();
        let p99 = |server: Server| -> Result<f64, Box<dyn Error>> {
            let server = self.stable.start(server, false)?;
            let _others = self.hold(&server, sessions)?;
            let words = format!("options --rate {AT_EASE} -d {}", self.seconds);
            let report = self.generator.run(&server, &words)?;
            Ok(report.p99().ok_or("nothing was measured")?)
        };
        Ok(Look {
            round,
            sessions,
            unwatched: p99(Server::Unwatched)?,
            watched: p99(Server::Watched)?,
        })
    }

    fn hold(&self, server: &Running, sessions: usize) -> Result<Held, Box<dyn Error>> {
        let words = format!("idle -c {sessions} -d 600");
        let mut held = Held(self.generator.start_at(server, server.second, &words)?);
        held.wait(server, sessions)?;
        Ok(held)
    }

    /// Runs all sizes in every round.
    pub fn run(&self, results: &mut Results) {
        results.rounds = results.rounds.max(self.rounds);
        let mut sizes = sizes(self.most);
        let mut progress = Progress::begin(sizes.len() * self.rounds as usize);
        for round in 1..=self.rounds {
            for &sessions in &sizes {
                let what = format!("growth {round}/{}: {sessions} sessions", self.rounds);
                match self.measure(round, sessions) {
                    Ok(growth) => {
                        let Growth {
                            handshake, options, ..
                        } = growth;
                        let said = format!("{handshake:.1} and {options:.1} CPU µs");
                        progress.show(&what, &said);
                        results.growth.push(growth);
                    }
                    Err(error) => progress.show(&what, &error.to_string()),
                }
            }
            sizes.reverse();
        }
    }

    fn measure(&self, round: u32, sessions: usize) -> Result<Growth, Box<dyn Error>> {
        let server = self.stable.start(Server::Sipward, false)?;
        let before = sample(server.pid())?;
        let _others = self.hold(&server, sessions)?;
        thread::sleep(DEADLINES);
        let (from, opened) = (Instant::now(), sample(server.pid())?);
        thread::sleep(ALONE);
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

/// The generator that holds sessions open, until this is dropped.
struct Held(Child);

impl Held {
    /// Waits until all are open and the server has come to rest.
    fn wait(&mut self, server: &Running, sessions: usize) -> Result<(), Box<dyn Error>> {
        let until = Instant::now() + OPENING;
        let mut cpu = Duration::ZERO;
        while Instant::now() < until {
            thread::sleep(GLANCE);
            if self.0.try_wait()?.is_some() {
                return Err("the sessions could not be opened".into());
            }
            let descriptors = fs::read_dir(format!("/proc/{}/fd", server.pid()))?.count();
            let now = sample(server.pid())?.cpu;
            // A server that is looked at has something to do all the time: up to a fifth of a core.
            if descriptors > sessions && now - cpu <= GLANCE / 5 {
                return Ok(());
            }
            cpu = now;
        }
        Err("the sessions were not open in time".into())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Up to what the limit of descriptors admits.
fn sizes(most: usize) -> Vec<usize> {
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let room = usize::try_from(limit.saturating_sub(SPARE)).unwrap_or(usize::MAX);
    let mut sizes: Vec<usize> = SIZES
        .iter()
        .map(|size| *size.min(&room).min(&most))
        .collect();
    sizes.dedup();
    sizes
}
