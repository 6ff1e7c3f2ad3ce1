//! Compares sipward's softswitch with two floors (the smallest possible servers), Kamailio, nginx
//! and HAProxy. All do the same work on loopback, one after another, in several rounds.
//! `just compare` builds and installs what this program needs, and starts it.
//!
//! ```text
//! just compare            # three rounds; writes tables and charts to docs/
//! just compare --quick    # one short round; prints the tables only
//! ```

mod charts;
mod environment;
mod growth;
mod load;
mod page;
mod results;
mod rounds;
mod servers;
mod tables;
mod targets;
mod work;

use clap::Parser;
use growth::GrowthRun;
use load::Generator;
use results::Results;
use rounds::Rounds;
use servers::Launcher;
use sipload::process;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use work::{Server, WORKS};

/// Compares sipward's softswitch with other servers on the same work.
///
/// Prints the tables, and after a whole run writes them and the charts to docs/.
#[derive(Parser)]
#[command(name = "compare")]
struct Options {
    /// The number of rounds. In each, every server does every kind of work.
    #[arg(default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// One round with runs of one second, and few sessions; nothing is written to docs/.
    #[arg(long)]
    quick: bool,
    /// Measures only this part, and takes the other from the last run.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Renders the results in this file, which an earlier run wrote, instead of measuring.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The folder in which the softswitch and sipload were built.
    #[arg(long, value_name = "FOLDER", default_value = "target/release/examples")]
    examples: PathBuf,
}

/// A part of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// All servers.
    Servers,
    /// sipward with many sessions.
    Growth,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let results = match &options.from {
        Some(file) => read(file)?,
        None => measure(options)?,
    };
    let text = page::text(&results);
    println!("{text}");
    if options.quick {
        return Ok(());
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let images = docs.join("images");
    fs::create_dir_all(&images)?;
    charts::bars(&results, &images.join("compare.svg"))?;
    charts::growth(&results, &images.join("growth.svg"))?;
    page::write(&docs.join("performance.md"), &text)?;
    Ok(())
}

fn read(file: &Path) -> Result<Results, Box<dyn Error>> {
    let message = |error: &dyn Error| format!("{} cannot be used: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| message(&error))?;
    Ok(serde_json::from_str(&text).map_err(|error| message(&error))?)
}

fn measure(options: &Options) -> Result<Results, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // The floors are built into the same folder as this program.
    let floors = std::env::current_exe()?;
    let floors = floors.parent().unwrap_or(Path::new(".")).to_owned();
    let launcher = Launcher {
        examples: options.examples.clone(),
        floors,
        peers: Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"),
        folder: folder.path().to_owned(),
    };
    launcher.prepare()?;
    let generator = Generator(options.examples.join("sipload"));
    let (rounds, seconds, max_sessions) = match options.quick {
        true => (1, 1.0, 1_000),
        false => (options.rounds, 3.0, usize::MAX),
    };
    let file = options.examples.join("compare.json");
    let mut results = match options.only {
        Some(_) => read(&file)?,
        None => Results::default(),
    };
    results.environment = environment::environment();
    if options.only != Some(Part::Growth) {
        results.cells.clear();
        let rounds = Rounds {
            launcher: &launcher,
            generator: &generator,
            rounds,
            seconds,
            absent: absent(),
            works: WORKS.to_vec(),
        };
        rounds.run(&mut results);
    }
    if options.only != Some(Part::Servers) {
        results.growth.clear();
        results.polling.clear();
        let growth_run = GrowthRun {
            launcher: &launcher,
            generator: &generator,
            rounds,
            seconds,
            max_sessions,
        };
        growth_run.run(&mut results);
        growth_run.measure_polling(&mut results);
    }
    fs::write(&file, serde_json::to_vec_pretty(&results)?)?;
    eprintln!("all figures: {}", file.display());
    Ok(results)
}

/// The servers that are not installed.
fn absent() -> Vec<Server> {
    let mut absent = vec![Server::Kamailio, Server::Nginx, Server::Haproxy];
    absent.retain(|server| {
        let program = server.name().to_lowercase();
        let missing = Command::new(program).arg("-v").output().is_err();
        if missing {
            eprintln!("without {}: it is not installed", server.name());
        }
        missing
    });
    absent
}
