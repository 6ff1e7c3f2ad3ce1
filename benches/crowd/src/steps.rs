//! The steps: the number of idle sessions grows, and at each step the same is measured.

use crate::interrupt;
use crate::options::Options;
use crate::process::Sample;
use crate::processes::{IdleSessions, Server};
use crate::server_request::ServerRequest;
use serde_json::Value;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The number of busy clients.
const BUSY_CLIENTS: usize = 50;

/// OPTIONS per second of all busy clients together, when latency is measured.
const OPTIONS_RATE: u64 = 1000;

/// Handshakes per second, when their CPU is measured.
const HANDSHAKE_RATE: u64 = 300;

/// Descriptors that the server needs apart from those of the idle sessions.
const RESERVED_DESCRIPTORS: usize = 50 + BUSY_CLIENTS;

/// How long opening the idle sessions of one step may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(180);

/// How long the new sessions are left alone before measuring. Each wakes once at the time that was
/// the deadline of its handshake, which is earlier than this.
const SETTLE_TIME: Duration = Duration::from_secs(12);

/// How often the number of open sessions is read while they are opened.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What was measured with one number of idle sessions: medians of the rounds.
pub struct Step {
    /// Idle sessions.
    pub sessions: usize,
    /// The time in which the new sessions of this step were opened.
    pub opened_in: Duration,
    /// Resident memory per session in bytes, above that of the server without sessions.
    pub memory: u64,
    /// CPU while nothing is sent, in percent of one core.
    pub idle_cpu: f64,
    /// CPU of one OPTIONS in microseconds, while fifty clients send as fast as they can.
    pub options_cpu: f64,
    /// CPU of one full handshake in microseconds, at a fixed rate.
    pub handshake_cpu: f64,
    /// Listing all sessions in one page: elapsed and CPU time in microseconds.
    pub listing: [u64; 2],
    /// The same in pages of 500.
    pub pages: [u64; 2],
    /// Latency of OPTIONS at a fixed rate, without polling.
    pub not_polled: Latency,
    /// The same with polling.
    pub polled: Latency,
    /// How many listings polling completed, and how many pages, each with a snapshot.
    pub polls: [u64; 2],
}

/// In microseconds: the medians of the rounds' p50 and p99, and the maximum of all rounds.
#[derive(Clone, Copy)]
pub struct Latency {
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
}

/// Measures every step.
///
/// # Errors
/// When anything fails; a request that is not answered is an error.
pub fn measure(options: &Options) -> Result<Vec<Step>, Box<dyn Error>> {
    let interrupted = interrupt::flag()?;
    let mut server = Server::start()?;
    let empty = server.sample()?;
    let mut idle: Vec<IdleSessions> = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for sessions in sizes(&options.steps, max_sessions()) {
        let before = steps.last().map_or(0, |step| step.sessions);
        let begun = Instant::now();
        idle.push(server.open_idle(sessions - before)?);
        wait_until_open(&mut server, &mut idle, sessions, &interrupted)?;
        let opened_in = begun.elapsed();
        let mut measurement = StepMeasurement {
            server: &mut server,
            options,
            sessions,
            interrupted: &interrupted,
        };
        steps.push(measurement.measure(empty, opened_in)?);
        if !idle.iter_mut().all(IdleSessions::is_running) {
            return Err("some idle sessions were closed".into());
        }
    }
    progress("closing the idle sessions");
    let answer = server.ask(ServerRequest::Snapshot)?;
    let held = steps.last().map_or(0, |step| step.sessions);
    if number(&answer, "open") < held as u64 {
        return Err(format!("sessions were lost: {answer}").into());
    }
    drop(idle);
    match server.stop()? {
        true => Ok(steps),
        false => Err("the server's ledger is not balanced, or something panicked".into()),
    }
}

/// The numbers of sessions to measure: those wanted, none above `max`, and none that is not more
/// than the one before.
fn sizes(wanted: &[usize], max: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = Vec::new();
    for size in wanted.iter().map(|size| *size.min(&max)) {
        if size > sizes.last().copied().unwrap_or_default() {
            sizes.push(size);
        }
    }
    sizes
}

/// The number of idle sessions that the limit of descriptors allows.
fn max_sessions() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| {
        limit.saturating_sub(RESERVED_DESCRIPTORS)
    })
}

fn wait_until_open(
    server: &mut Server,
    idle: &mut [IdleSessions],
    sessions: usize,
    interrupted: &AtomicBool,
) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + OPEN_TIMEOUT;
    let mut last_progress = Instant::now();
    loop {
        let open = number(&server.ask(ServerRequest::Snapshot)?, "open");
        if open >= sessions as u64 {
            return Ok(());
        }
        if Instant::now() > until || !idle.iter_mut().all(IdleSessions::is_running) {
            return Err(format!("only {open} of {sessions} sessions were opened").into());
        }
        check_interrupted(interrupted)?;
        if last_progress.elapsed() > Duration::from_secs(2) {
            last_progress = Instant::now();
            progress(&format!("{open} of {sessions} sessions are open"));
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Measures one step.
struct StepMeasurement<'a> {
    server: &'a mut Server,
    options: &'a Options,
    sessions: usize,
    interrupted: &'a AtomicBool,
}

impl StepMeasurement<'_> {
    fn measure(&mut self, empty: Sample, opened_in: Duration) -> Result<Step, Box<dyn Error>> {
        let sessions = self.sessions;
        self.progress("settling");
        thread::sleep(SETTLE_TIME);
        let before = self.server.sample()?;
        self.progress("idle");
        let (from, idle) = (
            Instant::now(),
            Duration::from_secs(self.options.seconds * 3),
        );
        thread::sleep(idle);
        let spent = self.server.sample()?.cpu - before.cpu;
        let idle_cpu = 100.0 * spent.as_secs_f64() / from.elapsed().as_secs_f64();
        let grown = before.rss.saturating_sub(empty.rss);

        self.progress("listings");
        let listing = self.listing(ServerRequest::Listing)?;
        let pages = self.listing(ServerRequest::Pages)?;
        self.progress("OPTIONS as fast as fifty clients can");
        let options_cpu = self.cpu("options", BUSY_CLIENTS, None)?;
        self.progress("handshakes");
        let handshake_cpu = self.cpu("handshake", 8, Some(HANDSHAKE_RATE))?;
        self.progress("OPTIONS, with and without polling");
        let (not_polled, polled, polls) = self.latencies()?;
        Ok(Step {
            sessions,
            opened_in,
            memory: grown / sessions as u64,
            idle_cpu,
            options_cpu,
            handshake_cpu,
            listing,
            pages,
            not_polled,
            polled,
            polls,
        })
    }

    fn listing(&mut self, how: ServerRequest) -> Result<[u64; 2], Box<dyn Error>> {
        let mut values = Vec::new();
        for _ in 0..self.options.rounds.max(5) {
            let answer = self.server.ask(how)?;
            if number(&answer, "sessions") < self.sessions as u64 {
                return Err(format!("a listing is not whole: {answer}").into());
            }
            values.push(["wall_us", "cpu_us"].map(|name| number(&answer, name)));
        }
        Ok([0, 1].map(|which| median(values.iter().map(|value| value[which]).collect())))
    }

    fn cpu(
        &self,
        mode: &str,
        connections: usize,
        rate: Option<u64>,
    ) -> Result<f64, Box<dyn Error>> {
        let mut values = Vec::new();
        for _ in 0..self.options.rounds {
            let report = self.load(mode, connections, rate)?;
            let cpu = &report["server_cpu_us_per_operation"];
            values.push((cpu.as_f64().ok_or("sipload tells no CPU time")? * 1000.0) as u64);
        }
        Ok(median(values) as f64 / 1000.0)
    }

    /// Measures without and with polling in turn, so that both see the same state of the machine.
    fn latencies(&mut self) -> Result<(Latency, Latency, [u64; 2]), Box<dyn Error>> {
        let (mut not_polled, mut polled, mut polls) = (Vec::new(), Vec::new(), [0, 0]);
        for _ in 0..self.options.rounds {
            not_polled.push(self.load("options", BUSY_CLIENTS, Some(OPTIONS_RATE))?);
            self.server.ask(ServerRequest::StartPolling)?;
            polled.push(self.load("options", BUSY_CLIENTS, Some(OPTIONS_RATE))?);
            let answer = self.server.ask(ServerRequest::StopPolling)?;
            polls[0] += number(&answer, "listings");
            polls[1] += number(&answer, "pages");
        }
        Ok((latency(&not_polled), latency(&polled), polls))
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
        check_interrupted(self.interrupted)?;
        options.extend(rate.map(|rate| format!("--rate={rate}")));
        self.server.load(mode, &options)
    }

    fn progress(&self, what: &str) {
        progress(&format!("{} sessions: {what}", self.sessions));
    }
}

/// Fails if Ctrl-C or SIGTERM was received.
fn check_interrupted(interrupted: &AtomicBool) -> Result<(), Box<dyn Error>> {
    match interrupted.load(Ordering::SeqCst) {
        true => Err("interrupted".into()),
        false => Ok(()),
    }
}

fn progress(what: &str) {
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

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn number(answer: &Value, name: &str) -> u64 {
    answer[name].as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_rise_and_end_at_the_limit_of_descriptors() {
        assert_eq!(sizes(&[100, 1_000, 5_000], 2_000), [100, 1_000, 2_000]);
        assert_eq!(sizes(&[100, 5_000, 20_000], 2_000), [100, 2_000]);
        assert_eq!(sizes(&[100, 50, 100, 200], 2_000), [100, 200]);
        assert_eq!(sizes(&[0, 10], 2_000), [10]);
        assert_eq!(sizes(&[10], 0), [0; 0]);
    }

    #[test]
    fn one_slow_round_changes_the_maximum_and_not_the_medians() {
        let round = |p50, p99, max| json!({"latency_us": {"p50": p50, "p99": p99, "max": max}});
        let latency = latency(&[
            round(3, 30, 300),
            round(900, 9_000, 90_000),
            round(1, 10, 100),
        ]);
        assert_eq!((latency.p50, latency.p99, latency.max), (3, 30, 90_000));
    }

    #[test]
    fn of_an_even_number_the_median_is_the_larger_of_the_middle_two() {
        assert_eq!(median(vec![4, 1, 3, 2]), 3);
        assert_eq!(median(Vec::new()), 0);
    }

    #[test]
    fn a_number_that_an_answer_lacks_is_zero() {
        assert_eq!(number(&json!({"open": 7}), "open"), 7);
        assert_eq!(number(&json!({"error": "x"}), "open"), 0);
    }
}
