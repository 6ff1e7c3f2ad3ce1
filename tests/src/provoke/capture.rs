//! A logger that keeps every line, written as the softswitch writes its own.

use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use std::fmt::Write;
use std::sync::{Condvar, Mutex, Once};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::macros::format_description;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static WRITTEN: Condvar = Condvar::new();

struct Capture;

/// Begins to keep what is logged, from debug up; how many lines there are already.
pub fn start() -> usize {
    static START: Once = Once::new();
    START.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(LevelFilter::Debug);
    });
    LINES.lock().unwrap().len()
}

/// The first line after so many that has all of these in it: a port may have been used before.
#[track_caller]
pub fn line(after: usize, parts: &[&str]) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut lines = LINES.lock().unwrap();
    loop {
        let fits = |line: &&String| parts.iter().all(|part| line.contains(part));
        if let Some(line) = lines[after..].iter().find(fits) {
            return line.clone();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no line with {parts:?} in {lines:#?}");
        lines = WRITTEN.wait_timeout(lines, left).unwrap().0;
    }
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let shape = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        let now = OffsetDateTime::now_utc().format(shape).unwrap();
        let mut line = format!("{now} {:<5} {}", record.level(), record.args());
        record.key_values().visit(&mut Fields(&mut line)).unwrap();
        LINES.lock().unwrap().push(line);
        WRITTEN.notify_all();
    }

    fn flush(&self) {}
}

struct Fields<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let text = value.to_string();
        if text.is_empty() || text.contains([' ', '"', '=']) {
            write!(self.0, " {key}={text:?}")?;
        } else {
            write!(self.0, " {key}={text}")?;
        }
        Ok(())
    }
}
