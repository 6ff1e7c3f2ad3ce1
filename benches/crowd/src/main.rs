//! crowd: what thousands of idle sessions cost, and whether they slow down the busy ones.
//!
//! ```text
//! cargo build --release --example sipload
//! cargo run --release -p crowd -- --steps 100,1000,5000,20000
//! ```
//!
//! It starts itself again as a [`server`] on sipward that answers every request, and opens more and
//! more idle sessions to it with `sipload idle`. At each number of sessions ([`steps`]) it measures
//! the server: memory, CPU while nothing happens, CPU of OPTIONS and of handshakes, the time to
//! list all sessions, and the latency of OPTIONS with and without sessions being listed all the
//! time.

mod options;
mod processes;
mod server;
mod server_request;
mod steps;
mod table;

use clap::Parser;
use options::{Options, Role};
use sipload::{descriptors, interrupt, process};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    descriptors::allow_many();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crowd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if matches!(options.role, Some(Role::Serve)) {
        return async_std::task::block_on(server::serve());
    }
    let steps = steps::measure(options)?;
    println!("{}", table::render(&steps));
    Ok(())
}
