//! sipload: a load generator for SIP-over-TLS servers.
//!
//! It loads one server with one kind of operation and reports how many were done, how long they
//! took and, given the server's process id, how much CPU time and memory the server used for them.
//!
//! ```text
//! cargo run --release --example sipload -- options 127.0.0.1:5061 --insecure --pid 4711
//! cargo run --release --example sipload -- call 127.0.0.1:5061 --ca ca.crt --user 'load{}:secret'
//! ```
//!
//! The [`runner`] takes a run through its [`phases`]: open and prepare all connections, warm up,
//! measure, close. The threads in [`workers`] follow it. Each [`worker`] has a [`client_pool`],
//! starts the operations that are due by the [`rate`] on the clients that are free, and collects
//! [`stats`]. A [`client`] does one operation at a time over its [`connection`]s; what it sends is
//! decided by a [`scenario`].

pub mod accounts;
pub mod client;
pub mod client_pool;
pub mod connection;
pub mod descriptors;
pub mod digest;
pub mod failure;
pub mod identifiers;
pub mod interrupt;
pub mod options;
pub mod phases;
pub mod plan;
pub mod process;
pub mod progress;
pub mod rate;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod session_store;
pub mod sip;
pub mod stats;
pub mod target;
pub mod timer;
pub mod trust;
pub mod worker;
pub mod workers;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use options::Options;
use phases::Phases;
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
    let phases = Arc::new(Phases::new(plan.threads, operations));
    let stopped = Arc::clone(&phases);
    interrupt::watch(move || stopped.stop())?;
    let run_id = getrandom::u32()?;
    Ok(runner::run(plan, run_id, &phases)?)
}
