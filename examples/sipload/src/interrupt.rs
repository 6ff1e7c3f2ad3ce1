//! Ctrl-C and SIGTERM: the first one ends the run in order, the second one ends the process.

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A signal that comes so soon after the first counts as the same one: some senders signal both the
/// process and its process group.
const REPEAT_WINDOW: Duration = Duration::from_millis(500);

/// A flag that the first of these signals sets.
///
/// # Errors
/// When signals cannot be watched; see [`watch`].
pub fn flag() -> io::Result<Arc<AtomicBool>> {
    let interrupted = Arc::<AtomicBool>::default();
    let set = Arc::clone(&interrupted);
    watch(move || set.store(true, Ordering::SeqCst))?;
    Ok(interrupted)
}

/// Waits for these signals on a thread of its own until the process ends, and calls `stop` at each.
///
/// # Errors
/// When the signal handler cannot be installed or the thread cannot be started.
pub fn watch(stop: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([Signal::Int, Signal::Term])?;
    let watching = async move {
        let mut first = None;
        while signals.next().await.is_some() {
            stop();
            if first.get_or_insert_with(Instant::now).elapsed() > REPEAT_WINDOW {
                std::process::exit(130);
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(|| async_io::block_on(watching))
        .map(drop)
}
