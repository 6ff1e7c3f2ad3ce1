//! Runs the load generator and reads its report.

use crate::servers::Running;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fmt, io};

/// The SIP domain of every server and every account.
pub const DOMAIN: &str = "sip.test";

/// The load generator's program.
pub struct Generator(pub PathBuf);

/// The load generator's report of one run.
pub struct Report(Value);

/// Why a run has no report.
#[derive(Debug)]
pub enum LoadError {
    /// The generator cannot be started.
    Start { program: PathBuf, source: io::Error },
    /// The generator ended without a report; its error output.
    NoReport(String),
}

impl Generator {
    /// Runs the generator to its end.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn run(&self, server: &Running, arguments: &str) -> Result<Report, LoadError> {
        let child = self.start(server, arguments)?;
        let failed = |source| self.failed(source);
        let output = child.wait_with_output().map_err(failed)?;
        // There is a report even if operations failed.
        match serde_json::from_slice(&output.stdout) {
            Ok(report) => Ok(Report(report)),
            Err(_) => {
                let message = String::from_utf8_lossy(&output.stderr);
                Err(LoadError::NoReport(message.trim().to_owned()))
            }
        }
    }

    /// Starts the generator; the caller waits for it or kills it.
    ///
    /// # Errors
    /// [`LoadError::Start`].
    pub fn start(&self, server: &Running, arguments: &str) -> Result<Child, LoadError> {
        self.start_at(server, server.address, arguments)
    }

    /// Starts the generator against this address of the server.
    ///
    /// # Errors
    /// [`LoadError::Start`].
    pub fn start_at(
        &self,
        server: &Running,
        address: SocketAddr,
        arguments: &str,
    ) -> Result<Child, LoadError> {
        let (mode, options) = arguments.split_once(' ').unwrap_or((arguments, ""));
        Command::new(&self.0)
            .args([mode, &address.to_string()])
            .args(options.split_ascii_whitespace())
            .args(["--insecure", "--tls", "1.3", "--domain", DOMAIN, "--json"])
            .args(["--pid", &server.pid().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> LoadError {
        let program = Path::to_owned(&self.0);
        LoadError::Start { program, source }
    }
}

impl Report {
    /// The number with this name, if there is one.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0[name].as_f64()
    }

    /// The 99th percentile of latency in µs.
    pub fn p99(&self) -> Option<f64> {
        self.0["latency_us"]["p99"].as_f64()
    }

    /// How many operations failed.
    pub fn errors(&self) -> u64 {
        self.0["errors"].as_u64().unwrap_or_default()
    }

    /// The first reason for failures.
    pub fn failure(&self) -> Option<&str> {
        self.0["failures"][0]["what"].as_str()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, source } => write!(
                f,
                "{} cannot be run ({source}): start the comparison by `just compare`",
                program.display()
            ),
            Self::NoReport(message) => write!(f, "the load generator gave up: {message}"),
        }
    }
}

impl std::error::Error for LoadError {}
