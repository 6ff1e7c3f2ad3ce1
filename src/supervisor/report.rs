//! The report of a supervisor's end, and the way to wait for it.

use crate::connection::Counts;
use async_std::channel::Receiver;
use std::sync::{Arc, OnceLock};

/// How a supervisor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The counts of accepted connections. None is left open, unless a handler blocked its thread until
    /// the end.
    pub inbound: Counts,
    /// The counts of dialled connections.
    pub outbound: Counts,
    /// How many connections ended by which cause since the shutdown began, in the order of the
    /// causes' names.
    pub endings: Vec<(&'static str, u64)>,
    /// How many permits sessions still hold: as many as are left open.
    pub permits: usize,
    /// The panic that ended the supervisor, if one did.
    pub panic: Option<String>,
}

/// The place where the report will be.
#[derive(Clone, Debug)]
pub(crate) struct PendingReport {
    pub(crate) report: Arc<OnceLock<Report>>,
    /// Closed when the report is there.
    pub(crate) done: Receiver<()>,
}

impl PendingReport {
    pub(crate) async fn wait(&self) -> Report {
        // This channel carries no message; it closes.
        let _ = self.done.recv().await;
        let report = self.report.get().cloned();
        report.unwrap_or_else(|| Report {
            inbound: Counts::default(),
            outbound: Counts::default(),
            endings: Vec::new(),
            permits: 0,
            panic: Some("the supervisor's task was dropped".to_owned()),
        })
    }
}
