//! Why can phones not reach that SIP server? Connects as one would and says what it finds:
//! `cargo run --example doctor -- sips:example.com`.
//!
//! It asks nothing of the server but TLS, an OPTIONS request and a keep-alive, so any vendor's will
//! do.

pub mod checkup;
pub mod options;

use async_std::task;
use clap::Parser;
use options::Options;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let terms = match options.terms() {
        Ok(terms) => terms,
        Err(error) => {
            eprintln!("doctor: {error}");
            return ExitCode::from(2);
        }
    };
    let findings = task::block_on(checkup::examine(options.target.clone(), &terms));
    if options.json {
        println!("{:#}", findings.json());
    } else {
        print!("{}", findings.screen());
    }
    match findings.is_usable() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
