//! crowd: what thousands of idle sessions cost, and whether the busy ones notice.
//!
//! ```text
//! cargo build --release --example sipload
//! cargo run --release --example crowd -- --steps 100,1000,5000,20000
//! ```
//!
//! It starts itself again as a [`server`] on sipward that answers every request, opens more and more
//! idle sessions to it with `sipload idle`, and at each [`step`](growth) measures the server: memory,
//! CPU while nothing happens, CPU of OPTIONS and handshakes, one listing of all sessions, and the
//! latency of OPTIONS while sessions are listed all the time beside that of a quiet time.

mod asked;
mod growth;
mod load;
mod options;
mod server;
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
    let steps = growth::measure(options)?;
    println!("{}", table::of(&steps));
    Ok(())
}
