//! Tells on stderr how far a run has come: a line that moves on a terminal, lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a terminal's line changes.
const ON_TERMINAL: Duration = Duration::from_millis(200);

/// How often a line is written elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// What is told.
pub struct Progress {
    bar: Option<ProgressBar>,
    mode: &'static str,
    shown: Cell<Instant>,
    operations: Cell<u64>,
}

impl Progress {
    /// Nothing told yet.
    pub fn begin(mode: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            bar,
            mode,
            shown: Cell::new(Instant::now()),
            operations: Cell::new(0),
        }
    }

    /// So many operations have been done and have failed; told when it is time.
    pub fn show(&self, doing: &str, (operations, errors): (u64, u64)) {
        let pause = self.bar.as_ref().map_or(ELSEWHERE, |_| ON_TERMINAL);
        let passed = self.shown.get().elapsed();
        if passed < pause {
            return;
        }
        let new = operations.saturating_sub(self.operations.get());
        let rate = new as f64 / passed.as_secs_f64();
        self.shown.set(Instant::now());
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

    /// Takes the moving line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
