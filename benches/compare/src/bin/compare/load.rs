//! Runs the load generator and reads its report.

use crate::servers::Running;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fmt, io};

/// The SIP domain of every server and every account.
pub const DOMAIN: &str = "sip.test";

/// Where the generator is.
pub struct Generator(pub PathBuf);

/// What the generator said of one run.
pub struct Report(Value);

/// A run that came to nothing.
#[derive(Debug)]
pub enum LoadError {
    /// The generator cannot be started.
    Start { program: PathBuf, source: io::Error },
    /// It said why there is no report.
    NoReport(String),
}

impl Generator {
    /// Runs to the end.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn run(&self, server: &Running, words: &str) -> Result<Report, LoadError> {
        let child = self.start(server, words)?;
        let failed = |source| self.failed(source);
        let output = child.wait_with_output().map_err(failed)?;
        // With failures among the operations there is a report all the same.
        match serde_json::from_slice(&output.stdout) {
            Ok(report) => Ok(Report(report)),
            Err(_) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(LoadError::NoReport(said.trim().to_owned()))
            }
        }
    }

    /// Runs beside others, until it is done or killed.
    ///
    /// # Errors
    /// [`LoadError::Start`].
    pub fn start(&self, server: &Running, words: &str) -> Result<Child, LoadError> {
        self.start_at(server, server.address, words)
    }

    /// The same at this address of the server's.
    ///
    /// # Errors
    /// [`LoadError::Start`].
    pub fn start_at(
        &self,
        server: &Running,
        address: SocketAddr,
        words: &str,
    ) -> Result<Child, LoadError> {
        let (mode, options) = words.split_once(' ').unwrap_or((words, ""));
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
    /// A number by its name, if there is one.
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

    /// The first reason of failures.
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
            Self::NoReport(said) => write!(f, "the load generator gave up: {said}"),
        }
    }
}

impl std::error::Error for LoadError {}
