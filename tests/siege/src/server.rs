//! The besieged: a softswitch process as an operator runs it, and what it tells of itself.

use crate::good::PHONES;
use crate::place::DOMAIN;
use crate::process::{self, Sample};
use crate::testimony::{Printed, Seen, Testimony};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take.
const START: Duration = Duration::from_secs(10);

/// A drain lasts 8 s at most, and then everything is cut.
const END: Duration = Duration::from_secs(15);

const GLANCE: Duration = Duration::from_millis(20);

/// A folder for certificates and accounts, removed in the end.
pub struct Home(PathBuf);

/// A running softswitch, killed on drop.
pub struct Server {
    child: Child,
    testimony: Testimony,
    /// Where it listens.
    pub address: SocketAddr,
}

/// One look at the process.
#[derive(Clone, Copy)]
pub struct Look {
    /// CPU time and memory.
    pub sample: Sample,
    /// Open descriptors.
    pub descriptors: usize,
}

/// How it ended.
pub struct End {
    /// `None` when it had to be killed.
    pub status: Option<ExitStatus>,
    /// From SIGTERM to the end.
    pub took: Duration,
    /// What it told in events.
    pub seen: Seen,
    /// What it printed on standard error.
    pub printed: Printed,
}

impl Home {
    /// A new one, with the accounts of the good clients in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("siege-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        let home = Self(path);
        let accounts: String = (0..PHONES)
            .map(|number| format!("good{number}:{PASSWORD}\n"))
            .collect();
        fs::write(home.accounts(), accounts)?;
        Ok(home)
    }

    /// The authority to trust, once a softswitch has made it.
    pub fn authority(&self) -> PathBuf {
        self.0.join("data/ca.crt")
    }

    fn accounts(&self) -> PathBuf {
        self.0.join("accounts")
    }
}

/// Everybody's: what is besieged are connections, not secrets.
pub const PASSWORD: &str = "portcullis";

impl Drop for Home {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Server {
    /// Starts it on this address and waits until it listens.
    ///
    /// # Errors
    /// What the system says, or that it does not listen in time.
    pub fn start(
        program: &Path,
        home: &Home,
        listen: SocketAddr,
        options: &[&str],
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["--listen", &listen.to_string(), "--domain", DOMAIN])
            .args(["--events", "-", "--digest", "md5"])
            .arg("--users-file")
            .arg(home.accounts())
            .arg("--data")
            .arg(home.0.join("data"))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let testimony = Testimony::take(&mut child)?;
        let mut server = Self {
            child,
            testimony,
            address: listen,
        };
        let until = Instant::now() + START;
        loop {
            if let Some(address) = server.testimony.listening() {
                server.address = address;
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                let last = server.testimony.printed().last;
                return Err(io::Error::other(format!(
                    "the softswitch ended with {status}: {last}"
                )));
            }
            if Instant::now() > until {
                return Err(io::Error::other("the softswitch does not listen"));
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Looks at the process.
    ///
    /// # Errors
    /// When it is gone.
    pub fn look(&self) -> io::Result<Look> {
        let id = self.child.id();
        Ok(Look {
            sample: process::sample(id)?,
            descriptors: fs::read_dir(format!("/proc/{id}/fd"))?.count(),
        })
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// When it is gone.
    pub fn drain(&self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        Ok(())
    }

    /// Waits for the end of a drain begun at this moment.
    ///
    /// # Errors
    /// What the system says.
    pub fn end(mut self, begun: Instant) -> io::Result<End> {
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break Some(status);
            }
            if begun.elapsed() > END {
                self.child.kill()?;
                self.child.wait()?;
                break None;
            }
            std::thread::sleep(GLANCE);
        };
        let took = begun.elapsed();
        let (seen, printed) = self.testimony.end();
        Ok(End {
            status,
            took,
            seen,
            printed,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
