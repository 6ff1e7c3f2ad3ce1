//! siege: attacks a softswitch of its own in many ways at once, and checks that well-behaved
//! clients are served as usual.
//!
//! ```text
//! cargo build --release --example softswitch
//! cargo run --release -p siege -- --duration 60s
//! ```
//!
//! It starts the softswitch as a process ([`server`]). Fifty [`control_clients`] register and send
//! requests all the time. The [`runner`] takes several softswitch processes, one after another on
//! the same port, through the same steps: all [`attacks`] as a warm-up, a snapshot of the process,
//! all attacks again, a second snapshot, and a drain by SIGTERM during further attacks. The
//! softswitch's events and its log are the [`evidence`]; the [`report`] is a table of [`checks`].

mod attacks;
mod checks;
mod control_clients;
mod evidence;
mod options;
mod phone;
mod report;
mod runner;
mod server;
mod stall_detector;
mod target;

use clap::Parser;
use options::Options;
use report::Report;
use sipload::scenario::registration;
use sipload::{
    accounts, descriptors, failure, identifiers, interrupt, process, progress, sip, stats, trust,
};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    descriptors::allow_many();
    match run(&options) {
        Ok(holds) => ExitCode::from(u8::from(!holds)),
        Err(error) => {
            eprintln!("siege: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let program = match &options.softswitch {
        Some(program) => program.clone(),
        None => process::built_example("softswitch")?,
    };
    let result = runner::run(&program, options.duration)?;
    let report = Report::new(&result);
    println!("{report}");
    Ok(report.holds())
}
