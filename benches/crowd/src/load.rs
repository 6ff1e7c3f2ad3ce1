//! The processes around: the server and the load generators, each killed on drop.

use crate::asked::Asked;
use crate::process::{Sample, sample};
use serde_json::Value;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The server as a process of its own.
pub struct Server {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: BufReader<ChildStdout>,
    /// Where the crowd connects.
    pub crowd: String,
    /// Where others connect.
    pub busy: String,
}

/// New sessions a second. The kernel's loopback holds a thousand packets and drops the rest: sessions
/// that are opened within four seconds are asked by keep-alives at the same moment.
const RATE: &str = "300";

/// A crowd of idle sessions.
pub struct Crowd(Child);

impl Server {
    /// Starts it.
    ///
    /// # Errors
    /// What the system says.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("the server has no screen");
        let mut server = Self {
            keyboard: child.stdin.take(),
            screen: BufReader::new(child.stdout.take().ok_or_else(missing)?),
            child,
            crowd: String::new(),
            busy: String::new(),
        };
        let started = server.hear()?;
        let listener = |number: usize| started["listeners"][number].as_str().map(str::to_owned);
        (server.crowd, server.busy) = listener(0)
            .zip(listener(1))
            .ok_or("the server listens nowhere")?;
        Ok(server)
    }

    /// Asks it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn ask(&mut self, what: Asked) -> Result<Value, Box<dyn Error>> {
        let keyboard = self.keyboard.as_mut().ok_or("the server was told to end")?;
        writeln!(keyboard, "{}", what.word())?;
        self.hear()
    }

    /// Looks at the process.
    ///
    /// # Errors
    /// When it is gone.
    pub fn look(&self) -> io::Result<Sample> {
        sample(self.child.id())
    }

    /// Measures it with a mode of sipload: its report.
    ///
    /// # Errors
    /// When sipload cannot be run or has met an error.
    pub fn load(&self, mode: &str, options: &[String]) -> Result<Value, Box<dyn Error>> {
        let output = Command::new(sipload()?)
            .args([mode, &self.busy, "--insecure", "--json"])
            .args(["--pid", &self.child.id().to_string()])
            .args(options)
            .stderr(Stdio::piped())
            .output()?;
        if !output.status.success() {
            let (report, errors) = (output.stdout, output.stderr);
            let said = [report, errors].map(|text| String::from_utf8_lossy(&text).into_owned());
            return Err(format!("sipload {mode} failed: {}", said.concat()).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Opens so many idle sessions more.
    ///
    /// # Errors
    /// When sipload cannot be run.
    pub fn crowd(&self, sessions: usize) -> Result<Crowd, Box<dyn Error>> {
        let child = Command::new(sipload()?)
            .args(["idle", &self.crowd, "--insecure", "--json"])
            .args(["--connections", &sessions.to_string()])
            .args(["--duration", "3600", "--rate", RATE])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Crowd(child))
    }

    /// Ends it: whether its ledger is balanced and nothing panicked.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn end(mut self) -> Result<bool, Box<dyn Error>> {
        self.keyboard = None;
        let last = self.hear()?;
        self.child.wait()?;
        Ok(last["balanced"] == true && last["panic"].is_null())
    }

    fn hear(&mut self) -> Result<Value, Box<dyn Error>> {
        let mut line = String::new();
        if self.screen.read_line(&mut line)? == 0 {
            return Err("the server has ended".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Crowd {
    /// Whether it is still there: with too few descriptors it gives up.
    pub fn is_there(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The load generator that was built beside this program.
fn sipload() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::current_exe()?
        .with_file_name("examples")
        .join("sipload");
    match path.exists() {
        true => Ok(path),
        false => Err("build sipload first: cargo build --release --example sipload".into()),
    }
}
