//! The command line.

use clap::{Parser, Subcommand};

/// Measures a server on sipward with more and more idle sessions.
#[derive(Debug, Parser)]
#[command(name = "crowd", max_term_width = 100)]
pub struct Options {
    /// How many idle sessions there are at each step, rising. Each costs the server a descriptor, so
    /// the last is cut to what the hard limit (ulimit -Hn) leaves.
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        default_value = "100,1000,5000,20000"
    )]
    pub steps: Vec<usize>,
    /// How many seconds one figure is measured.
    #[arg(long, default_value_t = 4, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// How often each figure is measured; the median is told.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub rounds: u64,
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// What this process is, if not the one that measures.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// The server, steered by lines on standard input.
    #[command(hide = true)]
    Serve,
}
