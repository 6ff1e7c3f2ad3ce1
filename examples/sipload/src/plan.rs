//! What a run will do, from a command line that has been checked.

use crate::accounts::{Accounts, NotAnAccount};
use crate::connection::Endpoint;
use crate::options::{Load, Mode, Options, Register};
use crate::target::{self, TargetError};
use crate::trust::{Trust, TrustError};
use rustls::ServerName;
use std::fmt;
use std::time::Duration;

/// The longest time that may be given for anything, in seconds.
const MAX_SECONDS: f64 = 3600.0;

/// The default of --duration, in seconds.
const DEFAULT_SECONDS: f64 = 10.0;

/// What a run will do.
pub struct Plan {
    /// The operation, with what it needs.
    pub work: Work,
    /// The server.
    pub endpoint: Endpoint,
    /// The SIP domain.
    pub domain: String,
    /// How to verify the server's certificate.
    pub trust: Trust,
    /// The number of connections.
    pub connections: usize,
    /// For how long operations are started, or connections held.
    pub duration: Duration,
    /// The highest number of operations to count.
    pub count: u64,
    /// Operations per second.
    pub rate: Option<f64>,
    /// For how long operations are started before, without being counted.
    pub warmup: Duration,
    /// How long one operation may take.
    pub timeout: Duration,
    /// The server's process.
    pub pid: Option<u32>,
    /// The number of threads, at most one for each client.
    pub threads: usize,
    /// Whether the report is JSON.
    pub json: bool,
}

/// The operation, with what it needs.
#[derive(Clone)]
pub enum Work {
    /// TLS handshakes.
    Handshake {
        /// Whether sessions are resumed.
        resuming: bool,
    },
    /// Connections that are held, registered with these accounts if there are any.
    Idle(Option<Accounts>),
    /// TCP connections that are held without TLS.
    HalfOpen,
    /// OPTIONS requests.
    Options,
    /// CRLF keep-alives.
    Ping,
    /// REGISTER refreshes.
    Register(Accounts),
    /// Whole calls.
    Call(Accounts),
}

/// Why a command line is refused.
#[derive(Debug)]
pub enum PlanError {
    /// The server's address.
    Target(TargetError),
    /// Neither --ca nor --insecure is given.
    NoTrust,
    /// The file of --ca cannot be used.
    Trust(TrustError),
    /// This is not a server name for TLS.
    ServerName(String),
    /// This is not a SIP domain.
    Domain(String),
    /// The number of this option is out of its range.
    OutOfRange(&'static str),
    /// An account is malformed.
    Account(NotAnAccount),
    /// Two parties of calls would share an account.
    TooFewAccounts,
}

impl Plan {
    /// Checks the command line.
    ///
    /// # Errors
    /// [`PlanError`]. Nothing has been sent then.
    pub fn new(options: &Options) -> Result<Self, PlanError> {
        let load = options.load();
        let target = target::resolve(&load.address, load.target_is_mine);
        let target = target.map_err(PlanError::Target)?;
        if load.ca.is_none() && !load.insecure {
            return Err(PlanError::NoTrust);
        }
        let trust = Trust::new(load.ca.as_deref(), load.tls.unwrap_or_default());
        let trust = trust.map_err(PlanError::Trust)?;
        let name = load.sni.as_deref().unwrap_or(target::host(&load.address));
        let domain = load.domain.as_deref().unwrap_or(name);
        if domain.is_empty() || domain.contains(|c: char| c.is_whitespace() || "<>@;\"".contains(c))
        {
            return Err(PlanError::Domain(domain.to_owned()));
        }
        // A URI has an IPv6 address in brackets (RFC 3261 25.1).
        let domain = match domain.parse() {
            Ok(std::net::Ipv6Addr { .. }) => format!("[{domain}]"),
            Err(_) => domain.to_owned(),
        };
        let unnamed = |_| PlanError::ServerName(name.to_owned());
        let usual = load.count.map_or(DEFAULT_SECONDS, |_| MAX_SECONDS);
        let plan = Self {
            work: work(options, &domain)?,
            endpoint: Endpoint {
                address: target,
                name: ServerName::try_from(name).map_err(unnamed)?,
            },
            domain,
            trust,
            connections: load.connections,
            duration: seconds(load.duration.unwrap_or(usual), "--duration")?,
            count: load.count.unwrap_or(u64::MAX),
            rate: load.rate,
            warmup: seconds(load.warmup, "--warmup")?,
            timeout: seconds(load.timeout, "--timeout")?,
            pid: load.pid,
            threads: load.threads,
            json: load.json,
        };
        plan.check()
    }

    /// The number of clients. A call needs two connections, everything else one.
    pub fn clients(&self) -> usize {
        match self.work {
            Work::Call(_) => self.connections / 2,
            _ => self.connections,
        }
    }

    fn check(self) -> Result<Self, PlanError> {
        if self.clients() == 0 || self.connections > 1_000_000 {
            return Err(PlanError::OutOfRange("--connections"));
        }
        if self.threads == 0 || self.threads > self.clients() {
            return Err(PlanError::OutOfRange("--threads"));
        }
        if self.count == 0 {
            return Err(PlanError::OutOfRange("--count"));
        }
        if self
            .rate
            .is_some_and(|rate| !(0.001..=10_000_000.0).contains(&rate))
        {
            return Err(PlanError::OutOfRange("--rate"));
        }
        if self.timeout.is_zero() || self.duration.is_zero() {
            return Err(PlanError::OutOfRange("--timeout or --duration"));
        }
        match &self.work {
            Work::Call(accounts) if !accounts.suffice_for(self.clients() * 2) => {
                Err(PlanError::TooFewAccounts)
            }
            _ => Ok(self),
        }
    }
}

impl Work {
    /// The mode's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Handshake { resuming: false } => "handshake",
            Self::Handshake { resuming: true } => "resume",
            Self::Idle(_) => "idle",
            Self::HalfOpen => "half-open",
            Self::Options => "options",
            Self::Ping => "ping",
            Self::Register(_) => "register",
            Self::Call(_) => "call",
        }
    }

    /// Whether connections are opened once and then held.
    pub fn holds(&self) -> bool {
        matches!(self, Self::Idle(_) | Self::HalfOpen)
    }
}

impl Options {
    fn load(&self) -> &Load {
        match &self.mode {
            Mode::Handshake(load)
            | Mode::Resume(load)
            | Mode::HalfOpen(load)
            | Mode::Options(load)
            | Mode::Ping(load) => load,
            Mode::Idle(idle) => &idle.with.load,
            Mode::Register(register) | Mode::Call(register) => &register.load,
        }
    }
}

fn work(options: &Options, domain: &str) -> Result<Work, PlanError> {
    let accounts = |register: &Register| {
        Accounts::new(&register.users, domain, register.digest).map_err(PlanError::Account)
    };
    Ok(match &options.mode {
        Mode::Handshake(_) => Work::Handshake { resuming: false },
        Mode::Resume(_) => Work::Handshake { resuming: true },
        Mode::Idle(idle) if idle.register => Work::Idle(Some(accounts(&idle.with)?)),
        Mode::Idle(_) => Work::Idle(None),
        Mode::HalfOpen(_) => Work::HalfOpen,
        Mode::Options(_) => Work::Options,
        Mode::Ping(_) => Work::Ping,
        Mode::Register(register) => Work::Register(accounts(register)?),
        Mode::Call(register) => Work::Call(accounts(register)?),
    })
}

fn seconds(given: f64, option: &'static str) -> Result<Duration, PlanError> {
    if !(0.0..=MAX_SECONDS).contains(&given) {
        return Err(PlanError::OutOfRange(option));
    }
    Ok(Duration::from_secs_f64(given))
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(error) => error.fmt(f),
            Self::NoTrust => f.write_str(
                "whom to trust is not said: give --ca FILE to verify the server's certificate, \
                 or --insecure to take any",
            ),
            Self::Trust(error) => error.fmt(f),
            Self::ServerName(name) => {
                write!(
                    f,
                    "`{name}` is no server name for TLS: give another by --sni"
                )
            }
            Self::Domain(name) => write!(f, "`{name}` is no SIP domain: give another by --domain"),
            Self::OutOfRange(option) => {
                write!(f, "{option} is out of its range: see --help")
            }
            Self::Account(error) => error.fmt(f),
            Self::TooFewAccounts => f.write_str(
                "parties of calls need an account each: give --user 'NAME{}:PASSWORD', where {} \
                 stands for the party's number, or as many --user as there are connections",
            ),
        }
    }
}

impl std::error::Error for PlanError {}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn plan(line: &str) -> Result<Plan, PlanError> {
        let words = std::iter::once("sipload").chain(line.split(' '));
        Plan::new(&Options::try_parse_from(words).unwrap())
    }

    fn refusal(line: &str) -> String {
        plan(line).err().expect("the line is refused").to_string()
    }

    #[test]
    fn trust_must_be_said_even_on_loopback() {
        let refusal = refusal("ping 127.0.0.1:5061");
        assert!(refusal.contains("--ca") && refusal.contains("--insecure"));
    }

    #[test]
    fn a_target_beyond_loopback_must_be_vouched_for() {
        assert!(refusal("ping 192.0.2.1:5061 --insecure").contains("--target-is-mine"));
        assert!(plan("ping 192.0.2.1:5061 --insecure --target-is-mine").is_ok());
    }

    #[test]
    fn every_run_is_bounded_in_time() {
        let bound = |line: &str| plan(line).unwrap().duration.as_secs();
        assert_eq!(bound("ping 127.0.0.1:1 --insecure"), 10);
        assert_eq!(bound("ping 127.0.0.1:1 --insecure -n 5"), 3600);
        assert_eq!(bound("ping 127.0.0.1:1 --insecure -n 5 -d 7"), 7);
        assert!(refusal("ping 127.0.0.1:1 --insecure -d 3601").contains("--duration"));
    }

    #[test]
    fn a_call_needs_two_connections_and_two_accounts() {
        let line = "call 127.0.0.1:1 --insecure --connections";
        assert!(refusal(&format!("{line} 1")).contains("--connections"));
        assert_eq!(plan(&format!("{line} 5")).unwrap().clients(), 2);
        assert!(refusal(&format!("{line} 2 --user a:b")).contains("account"));
        assert!(plan(&format!("{line} 2 --user a:b --user c:d")).is_ok());
    }

    #[test]
    fn numbers_that_mean_nothing_are_refused() {
        for option in [
            "--rate 0",
            "--rate=-1",
            "--rate NaN",
            "-n 0",
            "--threads 0",
            "-d nan",
        ] {
            let refusal = refusal(&format!("ping 127.0.0.1:1 --insecure {option}"));
            assert!(refusal.contains("out of its range"), "{option}");
        }
    }

    #[test]
    fn names_come_from_the_address_unless_given() {
        let plan = plan("ping [::1]:5061 --insecure").unwrap();
        assert_eq!(plan.domain, "[::1]");
        assert!(matches!(plan.endpoint.name, ServerName::IpAddress(_)));
    }
}
