//! What a softswitch reports while it runs: its events on stdout, counted as they come, and its log
//! on stderr.

use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The two streams, each read by a thread of its own.
pub struct Evidence {
    events: Arc<Mutex<Events>>,
    stderr: Arc<Mutex<StderrOutput>>,
    readers: Vec<JoinHandle<()>>,
}

/// Counts of events. Each connection is followed, to find events in a wrong order.
#[derive(Clone, Default)]
pub struct Events {
    listening: Option<SocketAddr>,
    /// By id: connections that were accepted and have not ended, and whether they were ready.
    open: HashMap<u64, bool>,
    /// The number of events of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// The number of connections that ended for each cause.
    pub causes: BTreeMap<String, u64>,
    /// The number of events in a wrong order, such as a second end of a connection, or its end
    /// without its beginning, and of lines that are no event.
    pub violations: u64,
    /// The last event, `stopped`, with its counts.
    pub stopped: Option<Value>,
}

/// What was read from stderr.
#[derive(Clone, Default)]
pub struct StderrOutput {
    /// The lines that tell of a panic.
    pub panics: Vec<String>,
    /// The last line.
    pub last: String,
}

impl Evidence {
    /// Starts reading the streams of this process.
    ///
    /// # Errors
    /// When a stream is not piped or a thread cannot be started.
    pub fn collect(child: &mut Child) -> io::Result<Self> {
        let missing = || io::Error::other("the softswitch has no output");
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let events = Arc::<Mutex<Events>>::default();
        let output = Arc::<Mutex<StderrOutput>>::default();
        let (shared_events, shared_output) = (Arc::clone(&events), Arc::clone(&output));
        let readers = vec![
            thread::Builder::new()
                .name("events".to_owned())
                .spawn(move || {
                    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                        lock(&shared_events).add(&line);
                    }
                })?,
            thread::Builder::new()
                .name("errors".to_owned())
                .spawn(move || {
                    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                        lock(&shared_output).add(line);
                    }
                })?,
        ];
        Ok(Self {
            events,
            stderr: output,
            readers,
        })
    }

    /// The address it listens on, once it does.
    pub fn listening(&self) -> Option<SocketAddr> {
        lock(&self.events).listening
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> StderrOutput {
        lock(&self.stderr).clone()
    }

    /// All of it. Waits until the process has ended.
    pub fn finish(&mut self) -> (Events, StderrOutput) {
        for reader in self.readers.drain(..) {
            if reader.join().is_err() {
                lock(&self.events).violations += 1;
            }
        }
        (lock(&self.events).clone(), self.stderr())
    }
}

impl Events {
    /// Counts one line of output, which should be an event in JSON.
    pub fn add(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            self.violations += 1;
            return;
        };
        let kind = event["event"].as_str().unwrap_or_default();
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        let id = event["id"].as_u64();
        let in_order = match (kind, id) {
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
        self.violations += u64::from(!in_order);
        if matches!(kind, "refused" | "handshake_failed" | "closed") {
            let cause = event["cause"].as_str().unwrap_or_default();
            *self.causes.entry(format!("{kind}: {cause}")).or_default() += 1;
        }
    }

    /// The number of events of this kind.
    pub fn of(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or_default()
    }

    /// A count in the last event.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.stopped.as_ref()?[name].as_u64()
    }
}

impl StderrOutput {
    /// Notes one line of output.
    pub fn add(&mut self, line: String) {
        if line.contains("panicked") {
            self.panics.push(line.clone());
        }
        self.last = line;
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(lines: &[&str]) -> Events {
        let mut events = Events::default();
        lines.iter().for_each(|line| events.add(line));
        events
    }

    const ACCEPTED: &str = r#"{"event":"accepted","id":1}"#;
    const READY: &str = r#"{"event":"ready","id":1}"#;
    const CLOSED: &str = r#"{"event":"closed","id":1,"cause":"peer_closed"}"#;
    const FAILED: &str = r#"{"event":"handshake_failed","id":1,"cause":"probe"}"#;
    const STOPPED: &str = r#"{"event":"stopped","begun":1}"#;

    #[test]
    fn a_connection_that_ends_once_in_order_violates_nothing() {
        let events = events(&[ACCEPTED, READY, CLOSED, STOPPED]);
        assert_eq!(events.violations, 0);
        assert_eq!(events.of("closed"), 1);
        assert_eq!(events.causes["closed: peer_closed"], 1);
        assert_eq!(events.count("begun"), Some(1));
        assert_eq!(events.count("closed"), None);
    }

    #[test]
    fn every_event_out_of_order_is_a_violation() {
        for lines in [
            &[CLOSED][..],
            &[ACCEPTED, CLOSED],
            &[ACCEPTED, ACCEPTED],
            &[ACCEPTED, READY, READY],
            &[ACCEPTED, READY, FAILED],
            &[ACCEPTED, READY, CLOSED, CLOSED],
            &[ACCEPTED, STOPPED],
            &["no JSON"],
        ] {
            assert_eq!(events(lines).violations, 1, "{lines:?}");
        }
    }

    #[test]
    fn the_last_line_and_every_line_about_a_panic_are_kept() {
        let mut output = StderrOutput::default();
        for line in ["a", "thread 'x' panicked at y", "z"] {
            output.add(line.to_owned());
        }
        assert_eq!(output.last, "z");
        assert_eq!(output.panics, ["thread 'x' panicked at y"]);
    }
}
