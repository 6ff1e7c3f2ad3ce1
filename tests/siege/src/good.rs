//! The good clients: a thread each, ten requests a second, and what became of them.

use crate::accounts::Accounts;
use crate::failure::Failure;
use crate::names::Names;
use crate::phone::Phone;
use crate::place::Place;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many there are.
pub const PHONES: usize = 50;

/// From one request of a client to the next.
const PACE: Duration = Duration::from_millis(100);

/// Every so many requests of a client one is a REGISTER.
const REFRESH: u64 = 20;

/// Every so many requests a client hangs up and comes back: who arrives must be let in as well.
const RETURN: u64 = 100;

/// A client that has found nobody tries again after this time.
const RETRY: Duration = Duration::from_millis(100);

/// The longest time that is told, in microseconds.
const LONGEST: u64 = 60_000_000;

/// All of them.
pub struct Good {
    fate: Arc<Fate>,
    threads: Vec<JoinHandle<()>>,
}

/// What became of their requests. Clients share it.
#[derive(Default)]
pub struct Fate {
    /// Over: they hang up.
    over: AtomicBool,
    /// The server was told to drain and is not back yet: it may say goodbye, and nobody may be there.
    draining: AtomicBool,
    connected: AtomicUsize,
    sent: AtomicU64,
    answered: AtomicU64,
    crossed: AtomicU64,
    told: Mutex<Told>,
}

/// The rest of it.
pub struct Told {
    /// From a request to its answer, in microseconds.
    pub latency: Histogram<u64>,
    /// From the decision to connect to the answer to REGISTER, in microseconds.
    pub arrival: Histogram<u64>,
    /// Requests without their answer, by reason.
    pub failures: BTreeMap<Failure, u64>,
}

impl Default for Told {
    fn default() -> Self {
        // Invariant: the lowest is at least 1, the highest at least twice that, and three digits are
        // within the histogram's 0 to 5.
        let histogram = || Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid");
        Self {
            latency: histogram(),
            arrival: histogram(),
            failures: BTreeMap::new(),
        }
    }
}

impl Good {
    /// Lets them come.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(place: &Place, accounts: &Accounts, run: u32) -> std::io::Result<Self> {
        let fate = Arc::new(Fate::default());
        let mut threads = Vec::new();
        for number in 0..PHONES {
            let phone = Phone::new(accounts.of(number), Names::new(run, number));
            let (fate, place) = (Arc::clone(&fate), place.clone());
            let live = move || live(phone, number, &place, &fate);
            threads.push(
                thread::Builder::new()
                    .name(format!("good-{number}"))
                    .spawn(live)?,
            );
        }
        Ok(Self { fate, threads })
    }

    /// What has become of them so far.
    pub fn fate(&self) -> &Fate {
        &self.fate
    }

    /// Tells them to hang up, and waits until they have.
    pub fn end(self) -> Arc<Fate> {
        self.fate.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                self.fate
                    .failed(Failure::Nonsense("a good client panicked".to_owned()));
            }
        }
        self.fate
    }
}

impl Fate {
    /// From now on (or no more) the server may say goodbye.
    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Ordering::SeqCst);
    }

    /// How many are registered over a connection of this moment.
    pub fn connected(&self) -> usize {
        self.connected.load(Ordering::SeqCst)
    }

    /// Requests, answers, and requests that met the goodbye of a drain on their way.
    pub fn requests(&self) -> [u64; 3] {
        [&self.sent, &self.answered, &self.crossed].map(|count| count.load(Ordering::SeqCst))
    }

    /// The rest.
    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn failed(&self, failure: Failure) {
        *self.told().failures.entry(failure).or_default() += 1;
    }
}

fn live(mut phone: Phone, number: usize, place: &Place, fate: &Fate) {
    // All of them in step would be a load of its own kind.
    let mut due = Instant::now() + PACE.mul_f64(number as f64 / PHONES as f64);
    let mut turn = number as u64 * RETURN / PHONES as u64;
    while !fate.is_over() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due = (due + PACE).max(Instant::now());
        turn += 1;
        if turn.is_multiple_of(RETURN) && phone.is_connected() {
            phone.hang_up();
            fate.connected.fetch_sub(1, Ordering::SeqCst);
        }
        if phone.was_left() && fate.draining.load(Ordering::SeqCst) {
            phone.hang_up();
            fate.connected.fetch_sub(1, Ordering::SeqCst);
        }
        if phone.is_connected() {
            request(&mut phone, turn, fate);
        } else if !arrive(&mut phone, place, fate) {
            thread::sleep(RETRY);
        }
    }
    if phone.is_connected() {
        phone.hang_up();
        fate.connected.fetch_sub(1, Ordering::SeqCst);
    }
}

fn request(phone: &mut Phone, turn: u64, fate: &Fate) {
    let begun = Instant::now();
    fate.sent.fetch_add(1, Ordering::SeqCst);
    let outcome = if turn.is_multiple_of(REFRESH) {
        phone.register()
    } else {
        phone.options()
    };
    let draining = fate.draining.load(Ordering::SeqCst);
    match outcome {
        Ok(()) => {
            fate.answered.fetch_add(1, Ordering::SeqCst);
            fate.told().latency.saturating_record(micros(begun));
            return;
        }
        Err(Failure::Closed) if draining => {
            fate.crossed.fetch_add(1, Ordering::SeqCst);
        }
        Err(failure) => fate.failed(failure),
    }
    phone.hang_up();
    fate.connected.fetch_sub(1, Ordering::SeqCst);
}

/// Whether it is there now. While the server drains or is away nobody counts on it.
fn arrive(phone: &mut Phone, place: &Place, fate: &Fate) -> bool {
    let begun = Instant::now();
    let was_draining = fate.draining.load(Ordering::SeqCst);
    let outcome = phone.arrive(place);
    let draining = was_draining || fate.draining.load(Ordering::SeqCst);
    match outcome {
        Ok(()) => {
            fate.connected.fetch_add(1, Ordering::SeqCst);
            fate.sent.fetch_add(1, Ordering::SeqCst);
            fate.answered.fetch_add(1, Ordering::SeqCst);
            fate.told().arrival.saturating_record(micros(begun));
            return true;
        }
        Err(_) if draining => {}
        Err(failure) => {
            fate.sent.fetch_add(1, Ordering::SeqCst);
            fate.failed(failure);
        }
    }
    phone.hang_up();
    false
}

fn micros(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
