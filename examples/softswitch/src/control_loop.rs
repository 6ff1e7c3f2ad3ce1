//! What an operator says while the switch runs: SIGHUP to read the accounts again, SIGTERM or SIGINT
//! to drain, a second one to cut everything off.

use crate::service;
use async_signal::{Signal, Signals};
use futures_lite::{FutureExt, StreamExt};
use sipward::Handle;
use sipward::control::Report;
use std::error::Error;
use std::io;
use std::time::Duration;

/// How long sessions have to end after the first SIGTERM or SIGINT: container runtimes kill at 10 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// A running switch and those who tell it things.
pub struct ControlLoop {
    pub handle: Handle,
    pub signals: Signals,
}

/// Signals are heard from now on. Without anything to reload, SIGHUP ends the process as is usual.
pub fn prepare(reloads: bool) -> io::Result<Signals> {
    let reload = reloads.then_some(Signal::Hup);
    Signals::new([Signal::Int, Signal::Term].into_iter().chain(reload))
}

impl ControlLoop {
    /// Runs until told to stop, then drains.
    pub async fn run(mut self, reload: impl Fn() -> Result<(), Box<dyn Error>>) -> Report {
        let handle = self.handle.clone();
        let stop = async {
            self.stop(|| reload_accounts(&reload)).await;
            None
        };
        let ended = async { Some(handle.wait().await) };
        let over = stop.or(ended).await;
        service::stopping();
        if let Some(report) = over {
            return report;
        }
        let drained = handle.drain(DRAIN_TIMEOUT);
        let second_signal = async {
            self.stop(|| ()).await;
            handle.shutdown(Duration::ZERO).await
        };
        drained.or(second_signal).await
    }

    /// Waits for the signal to stop.
    async fn stop(&mut self, on_hangup: impl Fn()) {
        while let Some(Ok(Signal::Hup)) = self.signals.next().await {
            on_hangup();
        }
    }
}

fn reload_accounts(reload: impl Fn() -> Result<(), Box<dyn Error>>) {
    service::reloading();
    match reload() {
        Ok(()) => log::info!(target: "softswitch", "reloaded: the accounts were read again"),
        Err(error) => log::error!(
            target: "softswitch",
            "not reloaded, the accounts stay as they were: {error}"
        ),
    }
    service::ready();
}
