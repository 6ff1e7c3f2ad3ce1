//! What a softswitch says while it runs: its events, tallied as they come, and its log.

use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The two streams, each read by a thread of its own.
pub struct Testimony {
    seen: Arc<Mutex<Seen>>,
    printed: Arc<Mutex<Printed>>,
    readers: Vec<JoinHandle<()>>,
}

/// What the events say. Connections are followed one by one.
#[derive(Clone, Default)]
pub struct Seen {
    listening: Option<SocketAddr>,
    /// Connections that have begun and not ended, and whether they were ready.
    open: HashMap<u64, bool>,
    /// How many events of each kind there were.
    pub kinds: BTreeMap<String, u64>,
    /// How many connections ended for each cause.
    pub causes: BTreeMap<String, u64>,
    /// Events that no connection may have: a second ending, an ending without a beginning.
    pub disorder: u64,
    /// The counts of the last event.
    pub stopped: Option<Value>,
}

/// What standard error says.
#[derive(Clone, Default)]
pub struct Printed {
    /// Lines that tell of a panic, with the first of them.
    pub panics: Vec<String>,
    /// The last line.
    pub last: String,
}

impl Testimony {
    /// Listens to this process.
    ///
    /// # Errors
    /// When its streams are not there or a thread cannot be started.
    pub fn take(child: &mut Child) -> io::Result<Self> {
        let missing = || io::Error::other("the softswitch has no output");
        let events = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let seen = Arc::<Mutex<Seen>>::default();
        let printed = Arc::<Mutex<Printed>>::default();
        let (told, heard) = (Arc::clone(&seen), Arc::clone(&printed));
        let readers = vec![
            thread::Builder::new()
                .name("events".to_owned())
                .spawn(move || {
                    for line in BufReader::new(events).lines().map_while(Result::ok) {
                        lock(&told).event(&line);
                    }
                })?,
            thread::Builder::new()
                .name("errors".to_owned())
                .spawn(move || {
                    for line in BufReader::new(errors).lines().map_while(Result::ok) {
                        lock(&heard).line(line);
                    }
                })?,
        ];
        Ok(Self {
            seen,
            printed,
            readers,
        })
    }

    /// Where it listens, once it does.
    pub fn listening(&self) -> Option<SocketAddr> {
        lock(&self.seen).listening
    }

    /// What it has printed so far.
    pub fn printed(&self) -> Printed {
        lock(&self.printed).clone()
    }

    /// All of it, once the process has ended.
    pub fn end(&mut self) -> (Seen, Printed) {
        for reader in self.readers.drain(..) {
            if reader.join().is_err() {
                lock(&self.seen).disorder += 1;
            }
        }
        (lock(&self.seen).clone(), self.printed())
    }
}

impl Seen {
    fn event(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            self.disorder += 1;
            return;
        };
        let kind = event["event"].as_str().unwrap_or_default();
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        let id = event["id"].as_u64();
        let orderly = match (kind, id) {
            ("listening", _) => {
                self.listening = event["listener"].as_str().and_then(|at| at.parse().ok());
                true
            }
            ("stopped", _) => {
                self.stopped = Some(event.clone());
                self.open.is_empty()
            }
            ("accepted", Some(id)) => self.open.insert(id, false).is_none(),
            ("ready", Some(id)) => self.open.insert(id, true) == Some(false),
            ("refused", Some(id)) => self.open.remove(&id) == Some(false),
            ("handshake_failed", Some(id)) => self.open.remove(&id) == Some(false),
            ("closed", Some(id)) => self.open.remove(&id) == Some(true),
            _ => true,
        };
        self.disorder += u64::from(!orderly);
        if matches!(kind, "refused" | "handshake_failed" | "closed") {
            let cause = event["cause"].as_str().unwrap_or_default();
            *self.causes.entry(format!("{kind}: {cause}")).or_default() += 1;
        }
    }

    /// How many events of this kind there were.
    pub fn of(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or_default()
    }

    /// A count of the last event.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.stopped.as_ref()?[name].as_u64()
    }
}

impl Printed {
    fn line(&mut self, line: String) {
        if line.contains("panicked") {
            self.panics.push(line.clone());
        }
        self.last = line;
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
