//! The command line.

use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Attacks a softswitch of its own on loopback while fifty control clients register and send
/// requests, and checks that all of them are served as usual.
///
/// Exits with 0 only when every check of the table it prints holds.
#[derive(Debug, Parser)]
#[command(name = "siege", max_term_width = 100)]
pub struct Options {
    /// How long, like 90s, 20m or 1h; at least 60s, at most 24h.
    #[arg(long, short, default_value = "60s", value_name = "TIME", value_parser = duration)]
    pub duration: Duration,
    /// The softswitch to attack. Default: the one built beside siege.
    #[arg(long, value_name = "FILE")]
    pub softswitch: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let time: jiff::SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    let time = Duration::try_from(time).map_err(|error| format!("{error}"))?;
    match time.as_secs() {
        60..=86_400 => Ok(time),
        _ => Err("a siege takes from 60s to 24h".to_owned()),
    }
}
