//! siege: abuses a softswitch of its own from all sides, and checks that the good do not notice.
//!
//! ```text
//! cargo build --release --example softswitch
//! cargo run --release --example siege -- --duration 60s
//! ```
//!
//! It starts the [`server`] as a process, lets fifty [`good`] clients register and ask all the time,
//! and goes through its lives ([`campaign`]): a warm-up of every [`abuse`], a quiet look, the siege, a
//! quiet look, and a drain by SIGTERM under a new assault, after which the next life begins on the
//! same port. What the softswitch says of it is its [`testimony`]; the [`verdict`] is a table.

mod abuse;
mod campaign;
mod good;
mod options;
mod phone;
mod place;
mod server;
mod standstill;
mod testimony;
mod verdict;

use clap::Parser;
use options::Options;
use sipload::dialogue::registration;
use sipload::{accounts, descriptors, failure, interrupt, names, process, progress, sip, trust};
use std::error::Error;
use std::path::PathBuf;
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
        None => beside()?,
    };
    let outcome = campaign::wage(&program, options.duration)?;
    let verdict = verdict::of(&outcome);
    println!("{verdict}");
    Ok(verdict.holds())
}

/// The softswitch that was built beside this program.
fn beside() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::current_exe()?
        .with_file_name("examples")
        .join("softswitch");
    if !path.exists() {
        let path = path.display();
        return Err(format!(
            "{path} is not there: run `cargo build --release --example softswitch`, or give --softswitch"
        )
        .into());
    }
    Ok(path)
}
