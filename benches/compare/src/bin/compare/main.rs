//! Compares sipward's softswitch with two floors, Kamailio, nginx and HAProxy: all do the same work
//! on loopback, one after another, several rounds. `just compare` starts it with what it needs.
//!
//! ```text
//! just compare            # three rounds, tables and pictures into docs/
//! just compare --quick    # one short round, on the screen alone
//! ```

mod circumstances;
mod growth;
mod load;
mod page;
mod picture;
mod results;
mod rounds;
mod servers;
mod tables;
mod targets;
mod work;

use clap::Parser;
use growth::Growing;
use load::Generator;
use results::Results;
use rounds::Rounds;
use servers::Stable;
use sipload::process;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use work::{Server, WORKS};

/// Compares sipward's softswitch with other servers on the same work.
///
/// Prints the tables, and writes them and the pictures into docs/ after a whole run.
#[derive(Parser)]
#[command(name = "compare")]
struct Options {
    /// Rounds, in each of which every server does everything.
    #[arg(default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// One round of one second each, and few sessions; nothing is written to docs/.
    #[arg(long)]
    quick: bool,
    /// Measures this part alone, and takes the other from the last run.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Renders these results instead of measuring: a file that an earlier run wrote.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where the softswitch and sipload were built.
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
    picture::bars(&results, &images.join("compare.svg"))?;
    picture::growth(&results, &images.join("growth.svg"))?;
    page::write(&docs.join("performance.md"), &text)?;
    Ok(())
}

fn read(file: &Path) -> Result<Results, Box<dyn Error>> {
    let said = |error: &dyn Error| format!("{} cannot be used: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| said(&error))?;
    Ok(serde_json::from_str(&text).map_err(|error| said(&error))?)
}

fn measure(options: &Options) -> Result<Results, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // Binaries of one workspace are built into one folder.
    let floors = std::env::current_exe()?;
    let floors = floors.parent().unwrap_or(Path::new(".")).to_owned();
    let stable = Stable {
        examples: options.examples.clone(),
        floors,
        peers: Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"),
        folder: folder.path().to_owned(),
    };
    stable.furnish()?;
    let generator = Generator(options.examples.join("sipload"));
    let (rounds, seconds, most) = match options.quick {
        true => (1, 1.0, 1_000),
        false => (options.rounds, 3.0, usize::MAX),
    };
    let file = options.examples.join("compare.json");
    let mut results = match options.only {
        Some(_) => read(&file)?,
        None => Results::default(),
    };
    results.circumstances = circumstances::circumstances();
    if options.only != Some(Part::Growth) {
        results.cells.clear();
        let rounds = Rounds {
            stable: &stable,
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
        results.looks.clear();
        let growing = Growing {
            stable: &stable,
            generator: &generator,
            rounds,
            seconds,
            most,
        };
        growing.run(&mut results);
        growing.look(&mut results);
    }
    fs::write(&file, serde_json::to_vec_pretty(&results)?)?;
    eprintln!("all figures: {}", file.display());
    Ok(results)
}

/// Those that are not installed.
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
