//! Progress on stderr: one line that is updated on a terminal, a new line from time to time
//! elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often the line is updated on a terminal.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(200);

/// How often a line is written when stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The progress line of one run.
pub struct Progress {
    bar: Option<ProgressBar>,
    mode: &'static str,
    last_shown: Cell<Instant>,
    operations: Cell<u64>,
}

impl Progress {
    /// Nothing is last_shown yet.
    pub fn start(mode: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            bar,
            mode,
            last_shown: Cell::new(Instant::now()),
            operations: Cell::new(0),
        }
    }

    /// Shows the numbers of operations done and failed, unless the last line is too recent.
    pub fn show(&self, doing: &str, (operations, errors): (u64, u64)) {
        let pause = self
            .bar
            .as_ref()
            .map_or(LINE_INTERVAL, |_| TERMINAL_INTERVAL);
        let passed = self.last_shown.get().elapsed();
        if passed < pause {
            return;
        }
        let new = operations.saturating_sub(self.operations.get());
        let rate = new as f64 / passed.as_secs_f64();
        self.last_shown.set(Instant::now());
        self.operations.set(operations);
        let mode = self.mode;
        let line = format!("{mode}: {doing}, {operations} done, {rate:.0}/s, {errors} errors");
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            None => eprintln!("{line}"),
        }
    }

    /// Removes the line from the terminal.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
