//! Takes a run through its phases and samples the server's process between them.

use crate::failure::Failure;
use crate::phases::{Phase, Phases};
use crate::plan::Plan;
use crate::process::{Sample, sample};
use crate::progress::Progress;
use crate::report::{Report, ServerUsage};
use crate::workers::Workers;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

/// How often the runner checks whether a phase is over.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How long before its beginning a phase is announced: the longest time until a worker sees it.
const PHASE_DELAY: Duration = Duration::from_millis(25);

/// How long the server has to free memory after all connections were closed, before the last
/// sample.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// Why a run has no report.
#[derive(Debug)]
pub enum RunError {
    /// The process of --pid cannot be sampled.
    NoProcess {
        /// Its id.
        pid: u32,
        /// Why not.
        source: io::Error,
    },
    /// Connections could not be opened, and no operation was done.
    NoConnection(Failure),
    /// A thread of the generator failed.
    Generator(io::Error),
}

/// Runs the plan to its end, or until `phases` is stopped.
///
/// # Errors
/// [`RunError`].
pub fn run(plan: &Plan, run_id: u32, phases: &Arc<Phases>) -> Result<Report, RunError> {
    // The first sample precedes all connections, and shows a wrong --pid before there is any load.
    let first = sample_server(plan)?;
    let workers = Workers::start(plan, run_id, phases).map_err(RunError::NoConnection)?;
    let progress = Progress::start(plan.work.name());
    let runner = Runner {
        plan,
        phases,
        workers: &workers,
        progress,
    };
    let measured = runner.measure(first);
    phases.begin(Phase::Finished);
    runner.progress.clear();
    let stats = workers.join().map_err(RunError::Generator)?;
    let mut report = measured?;
    report.stats = stats;
    if let Some(why) = phases.abort_reason() {
        // Operations that were measured before are reported together with the failures.
        if report.stats.operations() == 0 {
            return Err(RunError::NoConnection(why));
        }
    }
    Ok(report)
}

struct Runner<'a> {
    plan: &'a Plan,
    phases: &'a Phases,
    workers: &'a Workers,
    progress: Progress,
}

impl Runner<'_> {
    fn measure(&self, first: Option<Sample>) -> Result<Report, RunError> {
        let holding = self.plan.work.holds();
        self.finish_phase("preparing");
        if !holding && !self.plan.warmup.is_zero() {
            let from = Instant::now() + PHASE_DELAY;
            let until = from + self.plan.warmup;
            self.phases.begin(Phase::Warming { from, until });
            self.finish_phase("warming up");
        }
        let before = if holding {
            first
        } else {
            sample_server(self.plan)?
        };
        let own_before = sample(std::process::id()).ok();
        let from = Instant::now() + PHASE_DELAY;
        let until = from + self.plan.duration;
        self.phases.begin(Phase::Measuring { from, until });
        self.finish_phase("measuring");
        let elapsed = from.elapsed();
        let mut after = sample_server(self.plan)?;
        let own_after = sample(std::process::id()).ok();
        if holding {
            self.wait("holding", self.plan.duration);
            let held = sample_server(self.plan)?;
            if let (Some(after), Some(held)) = (&mut after, held) {
                after.rss = held.rss;
            }
        }
        self.phases.begin(Phase::Closing);
        self.finish_phase("closing");
        if self.plan.pid.is_some() {
            self.wait("closing", SETTLE_TIME);
        }
        // If the server has exited by now, the rest of the report is still valid.
        let closed = sample_server(self.plan).ok().flatten();
        let server = before.zip(after).map(|(before, after)| ServerUsage {
            before,
            after,
            closed: closed.unwrap_or(after),
            holding,
        });
        Ok(Report {
            mode: self.plan.work.name(),
            connections: self.plan.connections,
            rate: self.plan.rate,
            elapsed,
            stats: crate::stats::Stats::default(),
            server,
            own_cpu: own_before
                .zip(own_after)
                .map(|(before, after)| after.cpu.saturating_sub(before.cpu)),
        })
    }

    /// Waits until every worker has finished the phase, or a worker has ended.
    fn finish_phase(&self, doing: &'static str) {
        while !self.phases.all_quiet() && self.workers.all_running() {
            self.progress.show(doing, self.phases.progress());
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits for this long, or until the run is stopped.
    fn wait(&self, doing: &'static str, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.phases.is_stopped() {
            self.progress.show(doing, self.phases.progress());
            thread::sleep(POLL_INTERVAL * 10);
        }
    }
}

fn sample_server(plan: &Plan) -> Result<Option<Sample>, RunError> {
    let Some(pid) = plan.pid else {
        return Ok(None);
    };
    let missing = |source| RunError::NoProcess { pid, source };
    sample(pid).map(Some).map_err(missing)
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess { pid, source } => write!(
                f,
                "process {pid} cannot be looked at ({source}): give the server's --pid, on Linux"
            ),
            Self::NoConnection(failure) => failure.fmt(f),
            Self::Generator(error) => write!(f, "the generator failed: {error}"),
        }
    }
}

impl std::error::Error for RunError {}
