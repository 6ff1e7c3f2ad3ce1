//! Conducts a run: phase after phase, with a look at the server between them.

use crate::course::{Course, Phase};
use crate::crew::Crew;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::process::{Sample, sample};
use crate::progress::Progress;
use crate::report::{Report, Server};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

/// How often the course is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// Workers learn of a phase at most so late, so it begins no earlier.
const NOTICE: Duration = Duration::from_millis(25);

/// What the server gets for settling before its memory is looked at.
const SETTLING: Duration = Duration::from_millis(500);

/// A run that came to nothing.
#[derive(Debug)]
pub enum RunError {
    /// The process of --pid cannot be looked at.
    NoProcess {
        /// Its id.
        pid: u32,
        /// Why not.
        source: io::Error,
    },
    /// Connections cannot be had, at first or any more.
    Hopeless(Failure),
    /// The generator itself failed.
    Own(io::Error),
}

/// Runs the plan to its end, or until the course is stopped.
///
/// # Errors
/// [`RunError`].
pub fn conduct(plan: &Plan, run: u32, course: &Arc<Course>) -> Result<Report, RunError> {
    // Before any connection, and so that a wrong --pid is known before any load.
    let first = look(plan)?;
    let crew = Crew::start(plan, run, course).map_err(RunError::Hopeless)?;
    let progress = Progress::begin(plan.work.name());
    let conductor = Conductor {
        plan,
        course,
        crew: &crew,
        progress,
    };
    let measured = conductor.measure(first);
    course.enter(Phase::Over);
    conductor.progress.end();
    let tally = crew.end().map_err(RunError::Own)?;
    let mut report = measured?;
    report.tally = tally;
    if let Some(why) = course.hopeless() {
        // What was measured until then stands, with the failures that ended it.
        if report.tally.operations() == 0 {
            return Err(RunError::Hopeless(why));
        }
    }
    Ok(report)
}

struct Conductor<'a> {
    plan: &'a Plan,
    course: &'a Course,
    crew: &'a Crew,
    progress: Progress,
}

impl Conductor<'_> {
    fn measure(&self, first: Option<Sample>) -> Result<Report, RunError> {
        let holding = self.plan.work.holds();
        self.finish("preparing");
        if !holding && !self.plan.warmup.is_zero() {
            let from = Instant::now() + NOTICE;
            let until = from + self.plan.warmup;
            self.course.enter(Phase::Warming { from, until });
            self.finish("warming up");
        }
        let before = if holding { first } else { look(self.plan)? };
        let own_before = sample(std::process::id()).ok();
        let from = Instant::now() + NOTICE;
        let until = from + self.plan.duration;
        self.course.enter(Phase::Measuring { from, until });
        self.finish("measuring");
        let elapsed = from.elapsed();
        let mut after = look(self.plan)?;
        let own_after = sample(std::process::id()).ok();
        if holding {
            self.wait("holding", self.plan.duration);
            let held = look(self.plan)?;
            if let (Some(after), Some(held)) = (&mut after, held) {
                after.rss = held.rss;
            }
        }
        self.course.enter(Phase::Parting);
        self.finish("closing");
        if self.plan.pid.is_some() {
            self.wait("closing", SETTLING);
        }
        // A server that is gone by now leaves the rest of the report standing.
        let closed = look(self.plan).ok().flatten();
        let server = before.zip(after).map(|(before, after)| Server {
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
            tally: crate::tally::Tally::default(),
            server,
            own_cpu: own_before
                .zip(own_after)
                .map(|(before, after)| after.cpu.saturating_sub(before.cpu)),
        })
    }

    /// Waits until the phase is over.
    fn finish(&self, doing: &'static str) {
        while !self.course.all_quiet() && self.crew.is_whole() {
            self.progress.show(doing, self.course.progress());
            thread::sleep(GLANCE);
        }
    }

    /// Waits, unless the run is stopped.
    fn wait(&self, doing: &'static str, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.course.is_stopped() {
            self.progress.show(doing, self.course.progress());
            thread::sleep(GLANCE * 10);
        }
    }
}

fn look(plan: &Plan) -> Result<Option<Sample>, RunError> {
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
            Self::Hopeless(failure) => failure.fmt(f),
            Self::Own(error) => write!(f, "the generator failed: {error}"),
        }
    }
}

impl std::error::Error for RunError {}
