//! How many instructions each piece of the hot path takes, counted by valgrind's callgrind and
//! compared with what is written down in `benches/counts.json`: `just counts`.
//!
//! A count does not depend on what else the machine does. It does depend on the compiler and on what
//! the processor can do, so a comparison with counts of another of these is shown and decides nothing.

mod callgrind;
mod written;

use callgrind::Callgrind;
use clap::Parser;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use indicatif::{ProgressBar, ProgressStyle};
use sipward_benches::{self as pieces, Piece};
use std::process::ExitCode;
use written::{Setting, Written};

/// Counts the instructions of each piece of the hot path.
#[derive(Parser)]
struct Options {
    /// Write the counts down instead of comparing them.
    #[arg(long)]
    update: bool,
    /// Only pieces with this in their name.
    #[arg(default_value = "")]
    piece: String,
    /// How many instructions more than written down are too many, in per cent.
    #[arg(long, default_value_t = 5.0, value_name = "PER_CENT")]
    tolerance: f64,
    /// Runs one piece this often: what valgrind is given.
    #[arg(long, hide = true)]
    run: Option<u64>,
    /// What cargo says.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(times) = options.run {
        run(&options.piece, times);
        return ExitCode::SUCCESS;
    }
    match compare(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("counts: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(name: &str, times: u64) {
    for piece in pieces::all().filter(|piece| piece.name == name) {
        let mut body = (piece.prepare)();
        for _ in 0..times {
            body();
        }
    }
}

/// Whether nothing takes too many.
fn compare(options: &Options) -> Result<bool, String> {
    let callgrind = Callgrind::find()?;
    let here = Setting::here()?;
    let mut written = Written::read()?;
    let same = written.setting == here;
    let chosen: Vec<&Piece> = pieces::all()
        .filter(|piece| piece.name.contains(&options.piece))
        .collect();
    let progress = ProgressBar::new(chosen.len() as u64);
    let style = ProgressStyle::with_template("{pos} of {len}  {wide_msg}");
    progress.set_style(style.map_err(|error| error.to_string())?);

    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["piece", "instructions", "written down", "difference"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut within = true;
    for piece in chosen {
        progress.set_message(piece.name);
        let count = callgrind.count(piece.name)?;
        progress.inc(1);
        let before = written.counts.get(piece.name).copied();
        let change = before.map(|before| (count as f64 / before as f64 - 1.0) * 100.0);
        let too_many = change.is_some_and(|change| change > options.tolerance);
        within &= !too_many;
        table.add_row([
            piece.name.to_owned(),
            count.to_string(),
            before.map_or("-".to_owned(), |before| before.to_string()),
            change.map_or("new".to_owned(), |change| {
                format!("{change:+.1} %{}", if too_many { " !" } else { "" })
            }),
        ]);
        if options.update {
            written.counts.insert(piece.name.to_owned(), count);
        }
    }
    progress.finish_and_clear();
    println!("{table}");

    if options.update {
        written.setting = here;
        written.write()?;
        println!("\nwritten down in {}", written::PATH);
        return Ok(true);
    }
    if !same {
        println!(
            "\nwritten down with {}; this is {here}: compared, but nothing is decided by it",
            written.setting
        );
        return Ok(true);
    }
    if !within {
        println!(
            "\n! more than {} % over what is written down. If it has to be, write it down with \
             `just counts --update` and say why in the commit.",
            options.tolerance
        );
    }
    Ok(within)
}
