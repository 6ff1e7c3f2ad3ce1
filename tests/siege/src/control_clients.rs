//! The control clients: fifty well-behaved clients, each with a thread and ten requests a second,
//! and what they measure.

use crate::accounts::Accounts;
use crate::failure::Failure;
use crate::identifiers::Identifiers;
use crate::phone::Phone;
use crate::stats::latency_histogram;
use crate::target::Target;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The number of control clients.
pub const CONTROL_CLIENTS: usize = 50;

/// The time between two requests of a client.
const REQUEST_INTERVAL: Duration = Duration::from_millis(100);

/// One in this many requests of a client is a REGISTER; the others are OPTIONS.
const REQUESTS_PER_REGISTER: u64 = 20;

/// After this many requests a client closes its connection and connects again, so that the
/// admission of new connections is measured as well.
const REQUESTS_PER_CONNECTION: u64 = 100;

/// How long a client waits after it could not connect.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// All control clients.
pub struct ControlClients {
    stats: Arc<ClientStats>,
    threads: Vec<JoinHandle<()>>,
}

/// What the clients have in common: signals to them, and what they measure.
#[derive(Default)]
pub struct ClientStats {
    /// The clients have to close and end.
    stop: AtomicBool,
    /// The server was told to drain, and the clients are not yet registered with the next one:
    /// connections may be closed, and attempts to connect may fail.
    draining: AtomicBool,
    connected: AtomicUsize,
    sent: AtomicU64,
    answered: AtomicU64,
    lost_to_drain: AtomicU64,
    measurements: Mutex<Measurements>,
}

/// What is measured, apart from the counts.
pub struct Measurements {
    /// From a request to its answer, in microseconds.
    pub latency: Histogram<u64>,
    /// From the start of connecting to the answer to REGISTER, in microseconds.
    pub connect_time: Histogram<u64>,
    /// The number of requests without an answer, by reason.
    pub failures: BTreeMap<Failure, u64>,
}

impl Default for Measurements {
    fn default() -> Self {
        Self {
            latency: latency_histogram(),
            connect_time: latency_histogram(),
            failures: BTreeMap::new(),
        }
    }
}

impl ControlClients {
    /// Starts all clients.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(target: &Target, accounts: &Accounts, run: u32) -> std::io::Result<Self> {
        let stats = Arc::new(ClientStats::default());
        let mut threads = Vec::new();
        for number in 0..CONTROL_CLIENTS {
            let phone = Phone::new(accounts.of(number), Identifiers::new(run, number));
            let (stats, target) = (Arc::clone(&stats), target.clone());
            let run_client = move || run_client(phone, number, &target, &stats);
            threads.push(
                thread::Builder::new()
                    .name(format!("control-{number}"))
                    .spawn(run_client)?,
            );
        }
        Ok(Self { stats, threads })
    }

    /// What they have measured so far.
    pub fn stats(&self) -> &ClientStats {
        &self.stats
    }

    /// Stops all clients, and waits until they have ended.
    pub fn stop(self) -> Arc<ClientStats> {
        self.stats.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                self.stats
                    .failed(Failure::Nonsense("a control client panicked".to_owned()));
            }
        }
        self.stats
    }
}

impl ClientStats {
    /// Sets whether the server drains, so that it may close connections and refuse new ones.
    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Ordering::SeqCst);
    }

    /// How many clients are connected and registered.
    pub fn connected(&self) -> usize {
        self.connected.load(Ordering::SeqCst)
    }

    /// The numbers of requests, of answers, and of requests that were lost because the server
    /// closed the connection for its drain before it read them.
    pub fn requests(&self) -> [u64; 3] {
        [&self.sent, &self.answered, &self.lost_to_drain].map(|count| count.load(Ordering::SeqCst))
    }

    /// The measurements.
    pub fn measurements(&self) -> MutexGuard<'_, Measurements> {
        self.measurements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn failed(&self, failure: Failure) {
        *self.measurements().failures.entry(failure).or_default() += 1;
    }
}

fn run_client(mut phone: Phone, number: usize, target: &Target, stats: &ClientStats) {
    // Clients start at different times, so that their requests do not come all at once.
    let mut due = Instant::now() + REQUEST_INTERVAL.mul_f64(number as f64 / CONTROL_CLIENTS as f64);
    let mut turn = number as u64 * REQUESTS_PER_CONNECTION / CONTROL_CLIENTS as u64;
    while !stats.must_stop() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due = (due + REQUEST_INTERVAL).max(Instant::now());
        turn += 1;
        if turn.is_multiple_of(REQUESTS_PER_CONNECTION) && phone.is_connected() {
            phone.disconnect();
            stats.connected.fetch_sub(1, Ordering::SeqCst);
        }
        if phone.is_closed_by_peer() && stats.draining.load(Ordering::SeqCst) {
            phone.disconnect();
            stats.connected.fetch_sub(1, Ordering::SeqCst);
        }
        if phone.is_connected() {
            request(&mut phone, turn, stats);
        } else if !connect(&mut phone, target, stats) {
            thread::sleep(RETRY_INTERVAL);
        }
    }
    if phone.is_connected() {
        phone.disconnect();
        stats.connected.fetch_sub(1, Ordering::SeqCst);
    }
}

fn request(phone: &mut Phone, turn: u64, stats: &ClientStats) {
    let begun = Instant::now();
    stats.sent.fetch_add(1, Ordering::SeqCst);
    let answer = if turn.is_multiple_of(REQUESTS_PER_REGISTER) {
        phone.register()
    } else {
        phone.options()
    };
    let draining = stats.draining.load(Ordering::SeqCst);
    match answer {
        Ok(()) => {
            stats.answered.fetch_add(1, Ordering::SeqCst);
            stats
                .measurements()
                .latency
                .saturating_record(micros(begun));
            return;
        }
        Err(Failure::Closed) if draining => {
            stats.lost_to_drain.fetch_add(1, Ordering::SeqCst);
        }
        Err(failure) => stats.failed(failure),
    }
    phone.disconnect();
    stats.connected.fetch_sub(1, Ordering::SeqCst);
}

/// Connects and registers, and returns whether that succeeded. While the server drains, failures
/// are not counted.
fn connect(phone: &mut Phone, target: &Target, stats: &ClientStats) -> bool {
    let begun = Instant::now();
    let was_draining = stats.draining.load(Ordering::SeqCst);
    let answer = phone.connect(target);
    let draining = was_draining || stats.draining.load(Ordering::SeqCst);
    match answer {
        Ok(()) => {
            stats.connected.fetch_add(1, Ordering::SeqCst);
            stats.sent.fetch_add(1, Ordering::SeqCst);
            stats.answered.fetch_add(1, Ordering::SeqCst);
            stats
                .measurements()
                .connect_time
                .saturating_record(micros(begun));
            return true;
        }
        Err(_) if draining => {}
        Err(failure) => {
            stats.sent.fetch_add(1, Ordering::SeqCst);
            stats.failed(failure);
        }
    }
    phone.disconnect();
    false
}

fn micros(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
