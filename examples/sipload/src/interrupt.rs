//! Ctrl-C and SIGTERM: the first ends the run in order, the second at once.

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use std::io;
use std::time::{Duration, Instant};

/// A signal that comes so soon after another is the same: some senders tell the process and its
/// group.
const ONE_STROKE: Duration = Duration::from_millis(500);

/// Watches for them on a thread of its own, until the process ends, and says `stop` at each.
///
/// # Errors
/// When signals cannot be watched or the thread not started.
pub fn watch(stop: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([Signal::Int, Signal::Term])?;
    let watching = async move {
        let mut first = None;
        while signals.next().await.is_some() {
            stop();
            if first.get_or_insert_with(Instant::now).elapsed() > ONE_STROKE {
                std::process::exit(130);
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(|| async_io::block_on(watching))
        .map(drop)
}
