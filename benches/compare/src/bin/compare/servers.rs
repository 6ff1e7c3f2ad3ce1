//! Starts servers in the foreground on a free port of loopback, and ends them.

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

/// How long a server has to come up, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long its children have to end after it.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(20);

/// Users with a password, as many as any work with digest has parties.
const USERS: usize = 100;

/// What every server is started from.
pub struct Stable {
    /// Where cargo puts examples of the root and binaries of this workspace.
    pub examples: PathBuf,
    pub floors: PathBuf,
    /// The peers' configurations, to be filled in.
    pub peers: PathBuf,
    /// Certificate, key, logs.
    pub folder: PathBuf,
}

/// A server that listens.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it listens as well, or the same: many connections to one port leave the client's kernel
    /// searching long for another of its own.
    pub second: SocketAddr,
    process: Child,
}

impl Stable {
    /// Makes the certificate and the accounts.
    ///
    /// # Errors
    /// When there is no room for them, or no key to be had.
    pub fn furnish(&self) -> Result<(), Box<dyn std::error::Error>> {
        // P-256 with SHA-256, rcgen's default.
        let names = ["127.0.0.1".to_owned(), DOMAIN.to_owned()];
        let made = rcgen::generate_simple_self_signed(names)?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
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
    /// The system's, or that it does not come up.
    pub fn start(&self, server: Server, digest: bool) -> io::Result<Running> {
        let screen = self.file("screen");
        let log = self.file("log");
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = self.command(server, digest, free)?;
        let mut process = command
            .stdin(Stdio::null())
            .stdout(File::create(&screen)?)
            .stderr(File::create(&log)?)
            .spawn()?;
        let address = match server {
            Server::Kamailio | Server::Nginx | Server::Haproxy => wait(&mut process, || {
                TcpStream::connect(free).ok().map(|_| [free; 2])
            }),
            _ => wait(&mut process, || announced(&screen)),
        };
        let running = |[address, second]: [SocketAddr; 2]| Running {
            address,
            second,
            process,
        };
        address.map(running).map_err(|error| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last = said.lines().last().unwrap_or_default();
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

    /// All load comes from one address, which is nobody's case: the limits per source do not apply.
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

    /// Looked at every so many milliseconds.
    fn watched(&self, between: &str) -> Command {
        let mut command = self.floor("watched");
        command.arg(between);
        command
    }

    /// One of Debian's, which all use OpenSSL.
    fn peer(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("OPENSSL_CONF", self.peers.join("openssl.cnf"));
        command
    }

    /// The peer's configuration with what it has to know.
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
    /// Its process, the parent of all others it may have.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// True while it has not ended by itself.
    pub fn is_there(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    /// It is asked to end, and made to if it does not, with all it began: one of Kamailio's workers
    /// may hang and outlive its parent. Nobody listens to what goes wrong then.
    fn drop(&mut self) {
        let mut left = descendants(self.pid());
        signal(self.pid(), Signal::TERM);
        let until = Instant::now() + PATIENCE;
        while self.is_there() && Instant::now() < until {
            thread::sleep(GLANCE);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let until = Instant::now() + FAREWELL;
        while !left.is_empty() && Instant::now() < until {
            thread::sleep(GLANCE);
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

/// Waits until `look` finds something or the process has ended.
fn wait<T>(process: &mut Child, look: impl Fn() -> Option<T>) -> io::Result<T> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(found) = look() {
            return Ok(found);
        }
        if let Some(status) = process.try_wait()? {
            return Err(io::Error::other(format!("it ended with {status}")));
        }
        thread::sleep(GLANCE);
    }
    let _ = process.kill();
    Err(io::ErrorKind::TimedOut.into())
}

/// The addresses a server of ours prints once it listens, in a line.
fn announced(screen: &Path) -> Option<[SocketAddr; 2]> {
    let text = fs::read_to_string(screen).ok()?;
    let words = text.split_ascii_whitespace();
    let mut addresses = words.filter_map(|word| word.trim_end_matches(',').parse().ok());
    let first = addresses.next()?;
    Some([first, addresses.next().unwrap_or(first)])
}
