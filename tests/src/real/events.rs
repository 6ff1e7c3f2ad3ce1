//! The event stream a softswitch writes, followed while it is written.

use super::TEST_TIMEOUT;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// How often the file is looked at again.
const GLANCE: Duration = Duration::from_millis(5);

pub struct Events {
    file: PathBuf,
}

/// One line of the stream.
pub struct Line(pub Value);

impl Events {
    pub fn of(file: PathBuf) -> Self {
        Self { file }
    }

    /// All so far, in order.
    pub fn all(&self) -> Vec<Line> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        // The last line may still be in the writing.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| Line(serde_json::from_str(line).unwrap()))
            .collect()
    }

    /// All of this kind so far.
    pub fn of_kind(&self, kind: &str) -> Vec<Line> {
        let mut lines = self.all();
        lines.retain(|line| line.text("event") == kind);
        lines
    }

    /// Waits until there are this many of the kind, and gives them.
    #[track_caller]
    pub fn wait_for(&self, count: usize, kind: &str) -> Vec<Line> {
        let begun = Instant::now();
        loop {
            let lines = self.of_kind(kind);
            if lines.len() >= count {
                return lines;
            }
            if begun.elapsed() > TEST_TIMEOUT {
                let seen = fs::read_to_string(&self.file).unwrap_or_default();
                panic!("{count} {kind} events did not come; all there is:\n{seen}");
            }
            thread::sleep(GLANCE);
        }
    }
}

impl Line {
    /// A field that is a text; empty when it is not.
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// A field that is a number.
    #[track_caller]
    pub fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().unwrap()
    }
}
