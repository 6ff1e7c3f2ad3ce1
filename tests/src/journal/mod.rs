//! Captures everything that goes through the `log` crate, one test at a time.

use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::fmt::Write;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());
static NEWS: Condvar = Condvar::new();
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[derive(Clone, Debug)]
pub struct Line {
    pub level: Level,
    pub target: String,
    /// The message and the fields, as the softswitch prints them.
    pub text: String,
}

/// While it lives, what is logged is this test's.
pub struct Journal {
    _alone: MutexGuard<'static, ()>,
}

struct Capture;

impl Journal {
    pub fn open(level: LevelFilter) -> Self {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| log::set_logger(&Capture).unwrap());
        // A failed test has poisoned it, which is no reason for the others to fail.
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        log::set_max_level(level);
        lines().clear();
        Self { _alone: alone }
    }

    /// Everything so far, of every target.
    pub fn everything(&self) -> Vec<Line> {
        lines().clone()
    }

    /// sipward's lines so far, each after its level.
    pub fn lines(&self) -> Vec<String> {
        ours(&lines())
    }

    /// Waits for the first line of sipward's that has this in it.
    #[track_caller]
    pub fn wait_for(&self, wanted: &str) -> String {
        let patience = Instant::now() + Duration::from_secs(20);
        let mut lines = lines();
        loop {
            let mut found = ours(&lines).into_iter();
            if let Some(line) = found.find(|line| line.contains(wanted)) {
                return line;
            }
            let left = patience.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no `{wanted}` in {:#?}", ours(&lines));
            let waited = NEWS.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn lines() -> MutexGuard<'static, Vec<Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ours(lines: &[Line]) -> Vec<String> {
    let ours = lines.iter().filter(|line| line.target == "sipward");
    ours.map(|line| format!("{} {}", line.level, line.text))
        .collect()
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut text = record.args().to_string();
        record.key_values().visit(&mut Pairs(&mut text)).unwrap();
        lines().push(Line {
            level: record.level(),
            target: record.target().to_owned(),
            text,
        });
        NEWS.notify_all();
    }

    fn flush(&self) {}
}

struct Pairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = value.to_string();
        let written = if value.contains(' ') {
            write!(self.0, " {key}={value:?}")
        } else {
            write!(self.0, " {key}={value}")
        };
        written.map_err(Error::from)
    }
}
