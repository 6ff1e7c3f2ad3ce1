//! The command line.

use clap::{Parser, Subcommand};

/// Measures a server on sipward with more and more idle sessions.
#[derive(Debug, Parser)]
#[command(name = "crowd", max_term_width = 100)]
pub struct Options {
    /// The rising number of idle sessions at each step. Each needs a descriptor of the server, so
    /// the numbers are limited by the hard limit (ulimit -Hn).
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        default_value = "100,1000,5000,20000"
    )]
    pub steps: Vec<usize>,
    /// For how many seconds each figure is measured.
    #[arg(long, default_value_t = 4, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// How often each figure is measured; the median is reported.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=99))]
    pub rounds: u64,
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// The role of this process, if it is not the one that measures.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// The server, controlled by lines on standard input.
    #[command(hide = true)]
    Serve,
}
