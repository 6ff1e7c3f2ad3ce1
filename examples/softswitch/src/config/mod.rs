//! The options of the softswitch, on its command line and in environment variables.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{CommandFactory, Parser, ValueEnum};
use sipward::Threads;

mod admission;
mod advertise;
mod host;
mod settings;
mod threads;
mod usage;

pub use self::admission::Admission;
pub use self::advertise::Advertise;
pub use self::host::host_name;
pub use self::settings::{AccountSource, EventSink, Identity, Settings};
pub use self::usage::UsageError;

/// A SIP-over-TLS registrar and proxy that says what became of every connection.
///
/// Started without options it listens on 127.0.0.1:5061, makes itself a
/// certificate authority and a certificate, and prints two accounts to try.
/// Each option can be given by the environment variable shown with it too; the
/// command line wins.
#[derive(Parser)]
#[command(name = "softswitch", version)]
pub struct Options {
    /// Address to listen on; repeat it (or separate addresses by commas) for
    /// several, port 0 takes a free port. A socket handed over by systemd
    /// (sd_listen_fds) takes their place
    #[arg(
        long,
        value_name = "ADDR",
        env = "SOFTSWITCH_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:5061"
    )]
    listen: Vec<SocketAddr>,

    /// Host, and port if it differs from the one listened on, that phones reach
    /// this switch at, where that is another than they connect to: behind a
    /// router that translates addresses, say. Written into Via, Record-Route and
    /// Contact. Repeat it (or separate by commas) for several listeners, each as
    /// in --listen [default: for each phone the address it connected to]
    #[arg(
        long,
        value_name = "[LISTENER=]HOST[:PORT]",
        env = "SOFTSWITCH_ADVERTISE",
        value_delimiter = ','
    )]
    advertise: Vec<Advertise>,

    /// Certificate chain in PEM, together with --key [default: a certificate of
    /// an own development authority, kept in the data directory]
    #[arg(long, value_name = "FILE", env = "SOFTSWITCH_CERT")]
    cert: Option<PathBuf>,

    /// Private key of --cert in PEM [default: as for --cert]
    #[arg(long, value_name = "FILE", env = "SOFTSWITCH_KEY")]
    key: Option<PathBuf>,

    /// Domain this switch is responsible for; repeat it (or separate domains by
    /// commas) for several, the first is the realm of passwords [default: the
    /// host of the first address listened on, for a wildcard the host name]
    #[arg(
        long = "domain",
        value_name = "NAME",
        env = "SOFTSWITCH_DOMAIN",
        value_delimiter = ','
    )]
    domains: Vec<String>,

    /// Account, repeatable; the environment variable holds one. Other users of
    /// this machine can see it: prefer --users-file [default: without any
    /// account, alice and bob with passwords that are printed]
    #[arg(
        long = "user",
        value_name = "NAME:PASSWORD",
        env = "SOFTSWITCH_USER",
        hide_env_values = true
    )]
    users: Vec<Password>,

    /// File of accounts, a line each: NAME:PASSWORD or NAME:HA1 (32 hex digits
    /// are MD5, 64 are SHA-256) [default: none]
    #[arg(long, value_name = "FILE", env = "SOFTSWITCH_USERS_FILE")]
    users_file: Option<PathBuf>,

    /// Lets any user of the domain register and call without a password
    /// [default: off]
    #[arg(long, env = "SOFTSWITCH_NO_AUTH", value_parser = BoolishValueParser::new())]
    no_auth: bool,

    /// Permits --no-auth on addresses that other machines reach [default: off]
    #[arg(long, env = "SOFTSWITCH_ALLOW_OPEN", value_parser = BoolishValueParser::new())]
    allow_open: bool,

    /// Digest to challenge phones with. A phone that does not answer when
    /// SHA-256 is among several is offered MD5 alone the next time, baresip 1.0
    /// at once
    #[arg(
        long,
        value_name = "KIND",
        env = "SOFTSWITCH_DIGEST",
        default_value = "both"
    )]
    digest: DigestAlgorithms,

    /// Directory of the development authority and certificate
    #[arg(
        long,
        value_name = "DIR",
        env = "SOFTSWITCH_DATA",
        default_value = "./softswitch-data"
    )]
    data: PathBuf,

    /// Form of log lines
    #[arg(
        long,
        value_name = "FORM",
        env = "SOFTSWITCH_LOG",
        default_value = "pretty"
    )]
    log: LogForm,

    /// Least severe log lines to print
    #[arg(
        long,
        value_name = "LEVEL",
        env = "SOFTSWITCH_LOG_LEVEL",
        default_value = "info"
    )]
    log_level: LogLevel,

    /// File to append events to, one JSON object a line, or - for standard
    /// output [default: none]
    #[arg(long, value_name = "FILE|-", env = "SOFTSWITCH_EVENTS")]
    events: Option<PathBuf>,

    /// Time a client has for its TLS handshake, fractions allowed
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOFTSWITCH_HANDSHAKE_DEADLINE",
        default_value = "10",
        value_parser = seconds
    )]
    handshake_deadline: Duration,

    /// Time a client has after its handshake to prove who it is; does not
    /// apply with --no-auth
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOFTSWITCH_AUTHENTICATION_DEADLINE",
        default_value = "60",
        value_parser = seconds
    )]
    authentication_deadline: Duration,

    #[command(flatten)]
    admission: Admission,

    /// Contacts one account may have registered at once
    #[arg(
        long,
        value_name = "N",
        env = "SOFTSWITCH_MAX_CONTACTS",
        default_value = "10"
    )]
    max_contacts: NonZeroUsize,

    /// Threads for handshakes, and threads for the sessions that come of them;
    /// or runtime, for those of async-std's own executor, whose number
    /// ASYNC_STD_THREAD_COUNT says [default: half of the cores, and 1]
    #[arg(
        long,
        value_name = "H+S|runtime",
        env = "SOFTSWITCH_THREADS",
        value_parser = threads::parse
    )]
    threads: Option<Threads>,

    /// Checks options, accounts and certificate, and exits without listening
    /// [default: off]
    #[arg(long, env = "SOFTSWITCH_CHECK", value_parser = BoolishValueParser::new())]
    check: bool,
}

/// Digest to challenge phones with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DigestAlgorithms {
    /// MD5 alone, which all phones answer; TLS hides it from others
    Md5,
    /// SHA-256 alone
    #[value(name = "sha-256")]
    Sha256,
    /// SHA-256 and, for phones that do not know it, MD5
    Both,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people at a terminal
    Pretty,
    /// One JSON object a line
    Json,
}

/// Least severe log lines to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// `NAME:PASSWORD` as given, not yet checked; Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Options {
    /// The settings from arguments and environment. A usage error is printed to standard error and
    /// ends the process with exit code 2.
    pub fn settings_or_exit(inherited: &[SocketAddr]) -> Settings {
        let mut options = Self::parse();
        if !inherited.is_empty() {
            options.listen = inherited.to_vec();
        }
        let settings = options.validate(host_name());
        settings.unwrap_or_else(|mistake| mistake.into_clap(&mut Self::command()).exit())
    }
}

impl Password {
    /// The text, for [`Accounts::add`](crate::auth::accounts::Accounts::add).
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(3600);
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && time <= longest => Ok(time),
        _ => Err("must be more than 0 and at most 3600 seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests;
