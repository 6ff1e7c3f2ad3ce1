//! How long the machine stood still: somebody who sleeps for a moment, over and over, and notes how much
//! later it was woken. That part of a latency is nobody's in the siege.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A moment.
const NAP: Duration = Duration::from_millis(5);

/// Sleeps until asked.
pub struct Sleeper {
    over: Arc<AtomicBool>,
    latest: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Sleeper {
    pub fn start() -> Self {
        let (over, latest) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (until, noted) = (Arc::clone(&over), Arc::clone(&latest));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let begun = Instant::now();
                thread::sleep(NAP);
                let late = begun.elapsed().saturating_sub(NAP);
                noted.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
            }
        });
        Self {
            over,
            latest,
            thread,
        }
    }

    /// The longest it was woken late.
    pub fn wake(self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        // It does not panic.
        let _ = self.thread.join();
        Duration::from_micros(self.latest.load(Ordering::Relaxed))
    }
}
