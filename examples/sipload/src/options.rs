//! The command line.

use crate::digest::Algorithm;
use crate::trust::Versions;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Loads a SIP-over-TLS server and measures it.
///
/// Exits with 0 only when at least one operation was done and none failed, with 1 otherwise, and
/// with 2 when the command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "sipload", max_term_width = 100)]
pub struct Options {
    /// The operation that is repeated.
    #[command(subcommand)]
    pub mode: Mode,
}

/// The operation that is repeated.
#[derive(Debug, Subcommand)]
pub enum Mode {
    /// Full TLS handshakes, each connection closed afterwards.
    Handshake(Load),
    /// Resumed TLS handshakes, each connection closed afterwards.
    Resume(Load),
    /// Opens connections once and holds them: what does one cost in memory?
    Idle(Idle),
    /// Opens TCP connections once, never begins TLS, and holds them: what does one cost in memory?
    HalfOpen(Load),
    /// OPTIONS to the server itself, answered 200.
    Options(Load),
    /// CRLFCRLF, answered CRLF.
    Ping(Load),
    /// REGISTER refreshes of one binding per connection.
    Register(Register),
    /// Calls between two registered parties on a connection each: INVITE 180 200 ACK BYE 200.
    Call(Register),
}

/// Options of `idle`.
#[derive(Args, Debug)]
pub struct Idle {
    /// Registers on every connection.
    #[arg(long)]
    pub register: bool,
    #[command(flatten)]
    pub with: Register,
}

/// Options of the modes that register.
#[derive(Args, Debug)]
pub struct Register {
    /// An account. `{}` in NAME stands for the number of the party, from 0 on. May be given several
    /// times; parties take turns. Default: sipload{}, without a password.
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    pub users: Vec<String>,
    /// The digest algorithm to answer with. Default: the server's first choice.
    #[arg(long, value_enum)]
    pub digest: Option<Algorithm>,
    #[command(flatten)]
    pub load: Load,
}

/// Options of every mode.
#[derive(Args, Debug)]
pub struct Load {
    /// The server, HOST:PORT.
    pub address: String,
    /// How many connections are used at once; `call` uses two per call.
    #[arg(long, short, default_value_t = 50, value_name = "C")]
    pub connections: usize,
    /// How many seconds are measured, or held by `idle` and `half-open`; at most 3600. Default: 10,
    /// with --count 3600.
    #[arg(long, short, value_name = "S")]
    pub duration: Option<f64>,
    /// How many operations are measured at most.
    #[arg(long, short = 'n', value_name = "N")]
    pub count: Option<u64>,
    /// Operations per second. Latency then counts from when each was due. Default: each connection
    /// begins the next operation when the last is done.
    #[arg(long, short, value_name = "R")]
    pub rate: Option<f64>,
    /// How many seconds of load come before the measuring.
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    pub warmup: f64,
    /// How many seconds one operation may take.
    #[arg(long, default_value_t = 10.0, value_name = "S")]
    pub timeout: f64,
    /// The server's process, for the CPU time and memory of it and its descendants.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Verifies the server's certificate against the authorities in this PEM file. This or
    /// --insecure must be given, also on loopback.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// Takes any certificate.
    #[arg(long)]
    pub insecure: bool,
    /// The server's name in TLS. Default: the host of the address.
    #[arg(long, value_name = "NAME")]
    pub sni: Option<String>,
    /// The domain in SIP. Default: --sni, or the host of the address.
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// The only version of TLS to offer. Default: both.
    #[arg(long, value_enum, value_name = "VERSION")]
    pub tls: Option<Versions>,
    /// Threads of the generator.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Prints one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Confirms that you may load a target on another machine.
    #[arg(long)]
    pub target_is_mine: bool,
}
