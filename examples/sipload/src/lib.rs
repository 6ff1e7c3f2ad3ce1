//! sipload: a load generator for SIP-over-TLS servers.
//!
//! It loads one server with one kind of operation and tells how many were done, how long they took
//! and, given the server's process, what they cost it in CPU time and memory.
//!
//! ```text
//! cargo run --release --example sipload -- options 127.0.0.1:5061 --insecure --pid 4711
//! cargo run --release --example sipload -- call 127.0.0.1:5061 --ca ca.crt --user 'load{}:secret'
//! ```
//!
//! A run goes through phases that [`conductor`] sets and the threads of a [`crew`] follow: open and
//! prepare all connections, warm up, measure, close. A [`station`] does one operation at a time,
//! saying what a [`dialogue`] tells it over its [`wire`]s; a [`worker`] hands out what is due by the
//! [`pace`] to the stations that are free and keeps the [`tally`].

pub mod accounts;
pub mod alarm;
pub mod conductor;
pub mod course;
pub mod crew;
pub mod descriptors;
pub mod dialogue;
pub mod digest;
pub mod failure;
pub mod interrupt;
pub mod names;
pub mod options;
pub mod pace;
pub mod plan;
pub mod process;
pub mod progress;
pub mod report;
pub mod seats;
pub mod sip;
pub mod station;
pub mod tally;
pub mod target;
pub mod tickets;
pub mod trust;
pub mod wire;
pub mod worker;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use course::Course;
use options::Options;
use plan::Plan;
use report::Report;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let plan = match Plan::new(&options) {
        Ok(plan) => plan,
        Err(error) => Options::command()
            .error(ErrorKind::ValueValidation, error)
            .exit(),
    };
    match run(&plan) {
        Ok(report) => {
            if plan.json {
                println!("{}", report.json());
            } else {
                println!("{}", report.table());
            }
            ExitCode::from(u8::from(!report.is_success()))
        }
        Err(error) => {
            eprintln!("sipload: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> Result<Report, Box<dyn Error>> {
    descriptors::allow_many();
    let operations = match plan.work {
        // Each connection is opened once.
        _ if plan.work.holds() => plan.count.min(plan.connections as u64),
        _ => plan.count,
    };
    let course = Arc::new(Course::new(plan.threads, operations));
    let stopped = Arc::clone(&course);
    interrupt::watch(move || stopped.stop())?;
    let run = getrandom::u32()?;
    Ok(conductor::conduct(plan, run, &course)?)
}
