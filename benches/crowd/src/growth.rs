//! Step by step: a crowd grows, and at each size the same is measured.

use crate::asked::Asked;
use crate::interrupt;
use crate::load::{Crowd, Server};
use crate::options::Options;
use crate::process::Sample;
use serde_json::Value;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Clients that are not idle.
const BUSY: usize = 50;

/// OPTIONS a second of all of them, where latency is measured.
const RATE: u64 = 1000;

/// Handshakes a second, where those are measured.
const HANDSHAKES: u64 = 300;

/// Descriptors of the server for everything but the crowd.
const OTHERS: usize = 50 + BUSY;

/// How long a crowd may take to come.
const COMING: Duration = Duration::from_secs(180);

/// Each session's timer was set for the end of its handshake, and rings once when that would have
/// been: idle is who is past it.
const SETTLING: Duration = Duration::from_secs(12);

const GLANCE: Duration = Duration::from_millis(100);

/// What was measured at one size of the crowd. Medians over the rounds.
pub struct Step {
    /// Idle sessions.
    pub sessions: usize,
    /// From the first of this step's new sessions to the last.
    pub opened_in: Duration,
    /// Resident memory per session, over that of the empty server.
    pub memory: u64,
    /// The share of one core while nobody says anything, in percent.
    pub idle_cpu: f64,
    /// CPU of one OPTIONS as fast as fifty clients can, in microseconds.
    pub options_cpu: f64,
    /// CPU of one full handshake at a fixed rate, in microseconds.
    pub handshake_cpu: f64,
    /// One listing of all in one page, wall and CPU time in microseconds.
    pub listing: [u64; 2],
    /// The same in pages of 500.
    pub pages: [u64; 2],
    /// OPTIONS at a fixed rate while nothing is asked.
    pub quiet: Latency,
    /// The same while everything is asked for all the time.
    pub asked: Latency,
    /// Listings gone through meanwhile, and pages, each with a snapshot.
    pub answers: [u64; 2],
}

/// In microseconds: the p50 and p99 of the median round, the worst of all rounds.
#[derive(Clone, Copy)]
pub struct Latency {
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
}

/// Measures every step.
///
/// # Errors
/// What went wrong. A request that is not answered is an error.
pub fn measure(options: &Options) -> Result<Vec<Step>, Box<dyn Error>> {
    let interrupted = Arc::<AtomicBool>::default();
    let stopped = Arc::clone(&interrupted);
    interrupt::watch(move || stopped.store(true, Ordering::SeqCst))?;
    let mut server = Server::start()?;
    let empty = server.look()?;
    let mut crowds: Vec<Crowd> = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for &wanted in &options.steps {
        let sessions = wanted.min(most());
        let there = steps.last().map_or(0, |step| step.sessions);
        if sessions <= there {
            continue;
        }
        let begun = Instant::now();
        crowds.push(server.crowd(sessions - there)?);
        arrive(&mut server, &mut crowds, sessions, &interrupted)?;
        let opened_in = begun.elapsed();
        let mut stand = Stand {
            server: &mut server,
            options,
            sessions,
            interrupted: &interrupted,
        };
        steps.push(stand.measure(empty, opened_in)?);
        if !crowds.iter_mut().all(Crowd::is_there) {
            return Err("a part of the crowd has left".into());
        }
    }
    tell("the crowd leaves");
    let answer = server.ask(Asked::Snapshot)?;
    let held = steps.last().map_or(0, |step| step.sessions);
    if number(&answer, "open") < held as u64 {
        return Err(format!("sessions were lost: {answer}").into());
    }
    drop(crowds);
    match server.end()? {
        true => Ok(steps),
        false => Err("the server's ledger is not balanced, or something panicked".into()),
    }
}

/// How many idle sessions the hard limit of descriptors leaves.
fn most() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| limit.saturating_sub(OTHERS))
}

fn arrive(
    server: &mut Server,
    crowds: &mut [Crowd],
    sessions: usize,
    interrupted: &AtomicBool,
) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + COMING;
    let mut told = Instant::now();
    loop {
        let open = number(&server.ask(Asked::Snapshot)?, "open");
        if open >= sessions as u64 {
            return Ok(());
        }
        if Instant::now() > until || !crowds.iter_mut().all(Crowd::is_there) {
            return Err(format!("only {open} of {sessions} sessions came").into());
        }
        go_on(interrupted)?;
        if told.elapsed() > Duration::from_secs(2) {
            told = Instant::now();
            tell(&format!("{open} of {sessions} sessions are there"));
        }
        thread::sleep(GLANCE);
    }
}

/// One size of the crowd.
struct Stand<'a> {
    server: &'a mut Server,
    options: &'a Options,
    sessions: usize,
    interrupted: &'a AtomicBool,
}

impl Stand<'_> {
    fn measure(&mut self, empty: Sample, opened_in: Duration) -> Result<Step, Box<dyn Error>> {
        let sessions = self.sessions;
        self.tell("settling");
        thread::sleep(SETTLING);
        let before = self.server.look()?;
        self.tell("idle");
        let (from, idle) = (
            Instant::now(),
            Duration::from_secs(self.options.seconds * 3),
        );
        thread::sleep(idle);
        let spent = self.server.look()?.cpu - before.cpu;
        let idle_cpu = 100.0 * spent.as_secs_f64() / from.elapsed().as_secs_f64();
        let grown = before.rss.saturating_sub(empty.rss);

        self.tell("listings");
        let listing = self.listing(Asked::Listing)?;
        let pages = self.listing(Asked::Pages)?;
        self.tell("OPTIONS as fast as fifty clients can");
        let options_cpu = self.cpu("options", BUSY, None)?;
        self.tell("handshakes");
        let handshake_cpu = self.cpu("handshake", 8, Some(HANDSHAKES))?;
        self.tell("OPTIONS, with and without listings");
        let (quiet, asked, answers) = self.latencies()?;
        Ok(Step {
            sessions,
            opened_in,
            memory: grown / sessions as u64,
            idle_cpu,
            options_cpu,
            handshake_cpu,
            listing,
            pages,
            quiet,
            asked,
            answers,
        })
    }

    fn listing(&mut self, how: Asked) -> Result<[u64; 2], Box<dyn Error>> {
        let mut takes = Vec::new();
        for _ in 0..self.options.rounds.max(5) {
            let answer = self.server.ask(how)?;
            if number(&answer, "sessions") < self.sessions as u64 {
                return Err(format!("a listing is not whole: {answer}").into());
            }
            takes.push(["wall_us", "cpu_us"].map(|name| number(&answer, name)));
        }
        Ok([0, 1].map(|which| median(takes.iter().map(|take| take[which]).collect())))
    }

    fn cpu(
        &self,
        mode: &str,
        connections: usize,
        rate: Option<u64>,
    ) -> Result<f64, Box<dyn Error>> {
        let mut takes = Vec::new();
        for _ in 0..self.options.rounds {
            let report = self.load(mode, connections, rate)?;
            let cpu = &report["server_cpu_us_per_operation"];
            takes.push((cpu.as_f64().ok_or("sipload tells no CPU time")? * 1000.0) as u64);
        }
        Ok(median(takes) as f64 / 1000.0)
    }

    /// Quiet and asked in turns, so that both see the same machine.
    fn latencies(&mut self) -> Result<(Latency, Latency, [u64; 2]), Box<dyn Error>> {
        let (mut quiet, mut asked, mut answers) = (Vec::new(), Vec::new(), [0, 0]);
        for _ in 0..self.options.rounds {
            quiet.push(self.load("options", BUSY, Some(RATE))?);
            self.server.ask(Asked::Constantly)?;
            asked.push(self.load("options", BUSY, Some(RATE))?);
            let told = self.server.ask(Asked::Hush)?;
            answers[0] += number(&told, "listings");
            answers[1] += number(&told, "pages");
        }
        Ok((latency(&quiet), latency(&asked), answers))
    }

    fn load(
        &self,
        mode: &str,
        connections: usize,
        rate: Option<u64>,
    ) -> Result<Value, Box<dyn Error>> {
        let mut options = vec![
            format!("--connections={connections}"),
            format!("--duration={}", self.options.seconds),
        ];
        go_on(self.interrupted)?;
        options.extend(rate.map(|rate| format!("--rate={rate}")));
        self.server.load(mode, &options)
    }

    fn tell(&self, what: &str) {
        tell(&format!("{} sessions: {what}", self.sessions));
    }
}

/// Unless Ctrl-C or SIGTERM came.
fn go_on(interrupted: &AtomicBool) -> Result<(), Box<dyn Error>> {
    match interrupted.load(Ordering::SeqCst) {
        true => Err("interrupted".into()),
        false => Ok(()),
    }
}

fn tell(what: &str) {
    eprintln!("crowd: {what}");
}

fn latency(reports: &[Value]) -> Latency {
    let each = |name: &str| -> Vec<u64> {
        let reports = reports.iter();
        reports
            .map(|report| number(&report["latency_us"], name))
            .collect()
    };
    Latency {
        p50: median(each("p50")),
        p99: median(each("p99")),
        max: each("max").into_iter().max().unwrap_or_default(),
    }
}

fn median(mut takes: Vec<u64>) -> u64 {
    takes.sort_unstable();
    takes.get(takes.len() / 2).copied().unwrap_or_default()
}

fn number(answer: &Value, name: &str) -> u64 {
    answer[name].as_u64().unwrap_or_default()
}
