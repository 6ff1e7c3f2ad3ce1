//! Starts servers in the foreground on a free port of loopback, and stops them.

use crate::load::DOMAIN;
use crate::process::children;
use crate::work::Server;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to start, and to stop.
const START_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long its children may take to end after it.
const CHILD_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a server is checked while it starts or stops.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The number of users with a password: as many as any work with digest has parties.
const USERS: usize = 100;

/// Starts servers: knows the folders of programs and configurations.
pub struct Launcher {
    /// The folder of the examples that cargo built.
    pub examples: PathBuf,
    /// The folder of the binaries of this workspace.
    pub floors: PathBuf,
    /// The folder of the peers' configuration templates.
    pub peers: PathBuf,
    /// The folder for certificate, key, accounts, configurations and logs.
    pub folder: PathBuf,
}

/// A server that listens. It is stopped on drop.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    /// A second address it listens on, or the same one. With many connections to one address, the
    /// client's kernel searches long for a free local port.
    pub second: SocketAddr,
    process: Child,
}

impl Launcher {
    /// Makes the certificate and the accounts.
    ///
    /// # Errors
    /// When a file cannot be written or a key cannot be made.
    pub fn prepare(&self) -> Result<(), Box<dyn std::error::Error>> {
        // P-256 with SHA-256, rcgen's default.
        let names = ["127.0.0.1".to_owned(), DOMAIN.to_owned()];
        let certified = rcgen::generate_simple_self_signed(names)?;
        let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
        fs::write(self.file("cert.pem"), &certificate)?;
        fs::write(self.file("key.pem"), &key)?;
        fs::write(self.file("both.pem"), certificate + &key)?;
        let users: String = (0..USERS).map(|n| format!("load{n}:secret\n")).collect();
        fs::write(self.file("users"), users)?;
        Ok(())
    }

    /// Starts a server, with accounts if `digest`, and waits until it listens.
    ///
    /// # Errors
    /// The system's error, or that it does not listen in time.
    pub fn start(&self, server: Server, digest: bool) -> io::Result<Running> {
        let stdout = self.file("stdout");
        let log = self.file("log");
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = self.command(server, digest, free)?;
        let mut process = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&log)?)
            .spawn()?;
        let address = match server {
            Server::Kamailio | Server::Nginx | Server::Haproxy => wait(&mut process, || {
                TcpStream::connect(free).ok().map(|_| [free; 2])
            }),
            _ => wait(&mut process, || announced(&stdout)),
        };
        let running = |[address, second]: [SocketAddr; 2]| Running {
            address,
            second,
            process,
        };
        address.map(running).map_err(|error| {
            let message = fs::read_to_string(&log).unwrap_or_default();
            let last = message.lines().last().unwrap_or_default();
            io::Error::other(format!("{} did not start: {error} {last}", server.name()))
        })
    }

    fn command(&self, server: Server, digest: bool, at: SocketAddr) -> io::Result<Command> {
        let port = at.port();
        Ok(match server {
            Server::Sipward | Server::OneThread | Server::TwoThreads | Server::TwoAlike => {
                let mut command = self.softswitch(digest);
                match server {
                    Server::OneThread => command
                        .env("ASYNC_STD_THREAD_COUNT", "1")
                        .args(["--threads", "runtime"]),
                    Server::TwoThreads => command.args(["--threads", "1+1"]),
                    Server::TwoAlike => command
                        .env("ASYNC_STD_THREAD_COUNT", "2")
                        .args(["--threads", "runtime"]),
                    _ => &mut command,
                };
                command
            }
            Server::Unwatched => self.watched("0"),
            Server::Watched => self.watched("100"),
            Server::FloorAsyncStd => self.floor("floor-async-std"),
            Server::FloorTokio => self.floor("floor-tokio"),
            Server::Kamailio => {
                let defines = if digest { "#!define AUTHENTICATE" } else { "" };
                self.fill("kamailio-tls.cfg", port, "")?;
                let file = self.fill("kamailio.cfg", port, defines)?;
                let mut command = self.peer("kamailio");
                command.args(["-DD", "-E", "-m", "1024", "-M", "16", "-f"]);
                command.arg(file).arg("-Y").arg(&self.folder);
                command.arg("-w").arg(&self.folder);
                command
            }
            Server::Nginx => {
                let mut command = self.peer("nginx");
                command.args(["-e", "stderr", "-c"]);
                command.arg(self.fill("nginx.conf", port, "")?);
                command.arg("-p").arg(&self.folder);
                command
            }
            Server::Haproxy => {
                let mut command = self.peer("haproxy");
                command.args(["-db", "-f"]);
                command.arg(self.fill("haproxy.cfg", port, "")?);
                command
            }
        })
    }

    /// The softswitch. Its limits per source are off, since all load comes from one address, which
    /// is not so in use.
    fn softswitch(&self, digest: bool) -> Command {
        let mut command = Command::new(self.examples.join("softswitch"));
        command.args(["--listen", "127.0.0.1:0,127.0.0.1:0", "--domain", DOMAIN]);
        command.args(["--exempt", "127.0.0.0/8", "--max-handshakes", "30000"]);
        command.args(["--max-connections", "1000000"]);
        command.args(["--log-level", "warn", "--data"]);
        command.arg(self.file("data")).arg("--cert");
        command.arg(self.file("cert.pem")).arg("--key");
        command.arg(self.file("key.pem"));
        if digest {
            command.args(["--digest", "md5", "--users-file"]);
            command.arg(self.file("users"));
        } else {
            command.arg("--no-auth");
        }
        command
    }

    fn floor(&self, name: &str) -> Command {
        let mut command = Command::new(self.floors.join(name));
        command.args([self.file("cert.pem"), self.file("key.pem")]);
        command
    }

    /// The server that is polled with this pause in milliseconds.
    fn watched(&self, between: &str) -> Command {
        let mut command = self.floor("watched");
        command.arg(between);
        command
    }

    /// A server of Debian's. All of these use OpenSSL.
    fn peer(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("OPENSSL_CONF", self.peers.join("openssl.cnf"));
        command
    }

    /// Writes the peer's configuration from its template.
    fn fill(&self, name: &str, port: u16, defines: &str) -> io::Result<PathBuf> {
        let text = fs::read_to_string(self.peers.join(name))?
            .replace("@PORT@", &port.to_string())
            .replace("@FOLDER@", &self.folder.to_string_lossy())
            .replace("@DEFINES@", defines);
        let file = self.file(name);
        fs::write(&file, text)?;
        Ok(file)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Running {
    /// The id of its process, the parent of any others it has.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// True until it ends.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    /// Sends SIGTERM, and SIGKILL if it does not end. Its children are killed if they outlive it,
    /// as a hanging worker of Kamailio may. Errors are ignored: a process that has ended causes
    /// them.
    fn drop(&mut self) {
        let mut left = descendants(self.pid());
        signal(self.pid(), Signal::TERM);
        let until = Instant::now() + START_STOP_TIMEOUT;
        while self.is_running() && Instant::now() < until {
            thread::sleep(POLL_INTERVAL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let until = Instant::now() + CHILD_TIMEOUT;
        while !left.is_empty() && Instant::now() < until {
            thread::sleep(POLL_INTERVAL);
            left.retain(|pid| Path::new(&format!("/proc/{pid}")).exists());
        }
        left.into_iter().for_each(|pid| signal(pid, Signal::KILL));
    }
}

fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    found.extend(found.clone().into_iter().flat_map(descendants));
    found
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Waits until `find` returns something or the process has ended.
fn wait<T>(process: &mut Child, find: impl Fn() -> Option<T>) -> io::Result<T> {
    let until = Instant::now() + START_STOP_TIMEOUT;
    while Instant::now() < until {
        if let Some(found) = find() {
            return Ok(found);
        }
        if let Some(status) = process.try_wait()? {
            return Err(io::Error::other(format!("it ended with {status}")));
        }
        thread::sleep(POLL_INTERVAL);
    }
    let _ = process.kill();
    Err(io::ErrorKind::TimedOut.into())
}

/// The addresses that the softswitch or a floor prints in a line once it listens.
fn announced(stdout: &Path) -> Option<[SocketAddr; 2]> {
    let text = fs::read_to_string(stdout).ok()?;
    let arguments = text.split_ascii_whitespace();
    let mut addresses = arguments.filter_map(|word| word.trim_end_matches(',').parse().ok());
    let first = addresses.next()?;
    Some([first, addresses.next().unwrap_or(first)])
}
