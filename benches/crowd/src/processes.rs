//! The processes that are started: the server and the load generators. Each is killed on drop.

use crate::process::{self, Sample, built_example};
use crate::server_request::ServerRequest;
use serde_json::Value;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The server.
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The address for idle sessions.
    pub idle_address: String,
    /// The address for busy clients.
    pub busy_address: String,
}

/// New sessions per second. Keep-alives of sessions that were opened within the same four seconds
/// are sent at the same moment, and the loopback interface drops what exceeds a thousand packets.
const OPEN_RATE: &str = "300";

/// A load generator that holds idle sessions.
pub struct IdleSessions(Child);

impl Server {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started or does not listen.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("the server has no stdout");
        let mut server = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().ok_or_else(missing)?),
            child,
            idle_address: String::new(),
            busy_address: String::new(),
        };
        let started = server.read_answer()?;
        let listener = |number: usize| started["listeners"][number].as_str().map(str::to_owned);
        (server.idle_address, server.busy_address) = listener(0)
            .zip(listener(1))
            .ok_or("the server listens nowhere")?;
        Ok(server)
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When it has exited.
    pub fn ask(&mut self, what: ServerRequest) -> Result<Value, Box<dyn Error>> {
        let stdin = self.stdin.as_mut().ok_or("the server was told to end")?;
        writeln!(stdin, "{}", what.word())?;
        self.read_answer()
    }

    /// Samples its CPU time and memory.
    ///
    /// # Errors
    /// When it has exited.
    pub fn sample(&self) -> io::Result<Sample> {
        process::sample(self.child.id())
    }

    /// Runs sipload in this mode against it, and returns the report.
    ///
    /// # Errors
    /// When sipload cannot be run or reports a failure.
    pub fn load(&self, mode: &str, options: &[String]) -> Result<Value, Box<dyn Error>> {
        let output = Command::new(built_example("sipload")?)
            .args([mode, &self.busy_address, "--insecure", "--json"])
            .args(["--pid", &self.child.id().to_string()])
            .args(options)
            .stderr(Stdio::piped())
            .output()?;
        if !output.status.success() {
            let (report, errors) = (output.stdout, output.stderr);
            let output = [report, errors].map(|text| String::from_utf8_lossy(&text).into_owned());
            return Err(format!("sipload {mode} failed: {}", output.concat()).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Starts opening this number of further idle sessions.
    ///
    /// # Errors
    /// When sipload cannot be run.
    pub fn open_idle(&self, sessions: usize) -> Result<IdleSessions, Box<dyn Error>> {
        let child = Command::new(built_example("sipload")?)
            .args(["idle", &self.idle_address, "--insecure", "--json"])
            .args(["--connections", &sessions.to_string()])
            .args(["--duration", "3600", "--rate", OPEN_RATE])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(IdleSessions(child))
    }

    /// Stops it, and returns whether its ledger is balanced and nothing has panicked.
    ///
    /// # Errors
    /// When it has exited before.
    pub fn stop(mut self) -> Result<bool, Box<dyn Error>> {
        self.stdin = None;
        let last = self.read_answer()?;
        self.child.wait()?;
        Ok(last["balanced"] == true && last["panic"].is_null())
    }

    fn read_answer(&mut self) -> Result<Value, Box<dyn Error>> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err("the server has ended".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl IdleSessions {
    /// Whether it still runs. It ends when connections cannot be opened.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for IdleSessions {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
