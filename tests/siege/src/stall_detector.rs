//! How long the machine stalled: a thread sleeps for a short time again and again and notes how
//! late it wakes. That part of a latency is due neither to the server nor to the attacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the thread sleeps at a time.
const SLEEP_TIME: Duration = Duration::from_millis(5);

/// A thread that measures stalls until it is stopped.
pub struct StallDetector {
    stopped: Arc<AtomicBool>,
    longest: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl StallDetector {
    pub fn start() -> Self {
        let (stopped, longest) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (until, noted) = (Arc::clone(&stopped), Arc::clone(&longest));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let begun = Instant::now();
                thread::sleep(SLEEP_TIME);
                let late = begun.elapsed().saturating_sub(SLEEP_TIME);
                noted.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
            }
        });
        Self {
            stopped,
            longest,
            thread,
        }
    }

    /// Stops the thread and returns the longest stall.
    pub fn stop(self) -> Duration {
        self.stopped.store(true, Ordering::Relaxed);
        // The thread does not panic.
        let _ = self.thread.join();
        Duration::from_micros(self.longest.load(Ordering::Relaxed))
    }
}
