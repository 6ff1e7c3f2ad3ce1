//! Handles the operator's signals: SIGHUP reads the accounts again, SIGTERM or SIGINT drains, and a
//! second SIGTERM or SIGINT closes all connections at once.

use crate::service;
use async_signal::{Signal, Signals};
use futures_lite::{FutureExt, StreamExt};
use sipward::Handle;
use sipward::control::Report;
use std::error::Error;
use std::io;
use std::time::Duration;

/// How long sessions have to end after the first SIGTERM or SIGINT. Container runtimes kill the
/// process after 10 s, so the drain ends before that.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// A running switch, and the signals that control it.
pub struct ControlLoop {
    pub handle: Handle,
    pub signals: Signals,
}

/// Catches signals from now on. If there is nothing to reload, SIGHUP is not caught and ends the
/// process as usual.
pub fn prepare(reloads: bool) -> io::Result<Signals> {
    let reload = reloads.then_some(Signal::Hup);
    Signals::new([Signal::Int, Signal::Term].into_iter().chain(reload))
}

impl ControlLoop {
    /// Runs until a signal asks to stop or the supervisor ends; then drains. Returns the final
    /// report.
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

    /// Waits for SIGINT or SIGTERM; calls `on_hangup` for each SIGHUP before it.
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
