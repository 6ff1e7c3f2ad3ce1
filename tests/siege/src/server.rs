//! The softswitch process, started as an operator would start it.

use crate::control_clients::CONTROL_CLIENTS;
use crate::evidence::{Events, Evidence, StderrOutput};
use crate::process::{self, Sample};
use crate::target::DOMAIN;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long it may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to exit after SIGTERM. A drain lasts 8 s at most.
const EXIT_TIMEOUT: Duration = Duration::from_secs(15);

/// How often the process is checked while it starts or exits.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The folder of the softswitch's certificates and accounts. It is removed on drop.
pub struct DataFolder(PathBuf);

/// A running softswitch. It is killed on drop.
pub struct Server {
    child: Child,
    evidence: Evidence,
    /// The address it listens on.
    pub address: SocketAddr,
}

/// The resources of the process at one time.
#[derive(Clone, Copy)]
pub struct Snapshot {
    /// CPU time and memory.
    pub sample: Sample,
    /// Open descriptors.
    pub descriptors: usize,
}

/// How it exited, and what it reported.
pub struct Exit {
    /// Its exit status; `None` when it had to be killed.
    pub status: Option<ExitStatus>,
    /// The time from SIGTERM to the exit.
    pub took: Duration,
    /// Its events.
    pub events: Events,
    /// What it wrote to stderr.
    pub stderr: StderrOutput,
}

impl DataFolder {
    /// Makes the folder, with the accounts of the control clients.
    ///
    /// # Errors
    /// The system's error.
    pub fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("siege-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        let folder = Self(path);
        let accounts: String = (0..CONTROL_CLIENTS)
            .map(|number| format!("control{number}:{PASSWORD}\n"))
            .collect();
        fs::write(folder.accounts(), accounts)?;
        Ok(folder)
    }

    /// The file of the authority's certificate, which the first softswitch makes.
    pub fn authority(&self) -> PathBuf {
        self.0.join("data/ca.crt")
    }

    fn accounts(&self) -> PathBuf {
        self.0.join("accounts")
    }
}

/// The password of all accounts. No attack tries to find it.
pub const PASSWORD: &str = "portcullis";

impl Drop for DataFolder {
    fn drop(&mut self) {
        // If it cannot be removed, it stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Server {
    /// Starts it on this address, and waits until it listens.
    ///
    /// # Errors
    /// The system's error, or an error that it does not listen in time.
    pub fn start(
        program: &Path,
        folder: &DataFolder,
        listen: SocketAddr,
        options: &[&str],
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["--listen", &listen.to_string(), "--domain", DOMAIN])
            .args(["--events", "-", "--digest", "md5"])
            .arg("--users-file")
            .arg(folder.accounts())
            .arg("--data")
            .arg(folder.0.join("data"))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let evidence = Evidence::collect(&mut child)?;
        let mut server = Self {
            child,
            evidence,
            address: listen,
        };
        let until = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(address) = server.evidence.listening() {
                server.address = address;
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                let last = server.evidence.stderr().last;
                return Err(io::Error::other(format!(
                    "the softswitch ended with {status}: {last}"
                )));
            }
            if Instant::now() > until {
                return Err(io::Error::other("the softswitch does not listen"));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Takes a snapshot of its resources.
    ///
    /// # Errors
    /// When the process has exited.
    pub fn snapshot(&self) -> io::Result<Snapshot> {
        let id = self.child.id();
        Ok(Snapshot {
            sample: process::sample(id)?,
            descriptors: fs::read_dir(format!("/proc/{id}/fd"))?.count(),
        })
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// When the process has exited.
    pub fn drain(&self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        Ok(())
    }

    /// Waits until it has exited after the drain that began at `begun`, and kills it if it does
    /// not.
    ///
    /// # Errors
    /// The system's error.
    pub fn wait_for_exit(mut self, begun: Instant) -> io::Result<Exit> {
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break Some(status);
            }
            if begun.elapsed() > EXIT_TIMEOUT {
                self.child.kill()?;
                self.child.wait()?;
                break None;
            }
            std::thread::sleep(POLL_INTERVAL);
        };
        let took = begun.elapsed();
        let (events, stderr) = self.evidence.finish();
        Ok(Exit {
            status,
            took,
            events,
            stderr,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
