//! Finds out why phones cannot reach a SIP server. It connects as a phone would and prints what it
//! finds: `cargo run --example doctor -- sips:example.com`.
//!
//! It needs nothing of the server but TLS, OPTIONS and a keep-alive, so it works with any vendor's.
//! [`examination`] does the work, [`options`] reads the command line.

pub mod examination;
pub mod options;

use async_std::task;
use clap::Parser;
use options::Options;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let settings = match options.settings() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("doctor: {error}");
            return ExitCode::from(2);
        }
    };
    let findings = task::block_on(examination::examine(options.target.clone(), &settings));
    if options.json {
        println!("{:#}", findings.json());
    } else {
        print!("{}", findings.text());
    }
    match findings.is_usable() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
