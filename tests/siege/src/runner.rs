//! Runs a siege: several softswitch processes, one after another on the same port.

use crate::accounts::Accounts;
use crate::attacks::{AttackCounts, RunningAttacks};
use crate::control_clients::{CONTROL_CLIENTS, ClientStats, ControlClients};
use crate::interrupt;
use crate::progress::Progress;
use crate::server::{DataFolder, Exit, PASSWORD, Server, Snapshot};
use crate::stall_detector::StallDetector;
use crate::target::{DOMAIN, Target};
use crate::trust::{Trust, Versions};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// About how long each softswitch process runs. There are at least two.
const PROCESS_DURATION: Duration = Duration::from_secs(300);

/// The part of that time which snapshots, settling and the drain take.
const OVERHEAD: Duration = Duration::from_secs(14);

/// The longest warm-up.
const MAX_WARMUP: Duration = Duration::from_secs(60);

/// How long the server may take to close the connections of attacks that have ended.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long attacks run before the drain begins.
const ATTACKS_BEFORE_DRAIN: Duration = Duration::from_secs(2);

/// How long all control clients may take to register with a new process. The runner waits longer,
/// so that the report can say that they were late.
pub const REGISTER_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a waiting runner checks whether it may go on.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Options of the odd processes, which have the default limits, and of the even ones, which admit
/// more silent connections at once, so that these run into their deadline.
const SERVER_OPTIONS: [&[&str]; 2] = [
    &[],
    &["--max-handshakes", "4096", "--handshake-deadline", "3"],
];

/// The result of a siege.
pub struct SiegeResult {
    /// One entry for each softswitch process.
    pub processes: Vec<ProcessResult>,
    /// What the control clients measured.
    pub clients: Arc<ClientStats>,
    /// How many attempts the attacks made.
    pub attack_counts: Arc<AttackCounts>,
    /// The longest stall of the machine.
    pub stall: Duration,
    /// The duration of the whole siege.
    pub took: Duration,
}

/// What was measured of one softswitch process.
pub struct ProcessResult {
    /// After the warm-up, without attacks and with all control clients.
    pub before: Snapshot,
    /// The same after the attacks.
    pub after: Snapshot,
    /// How long the attacks between the two snapshots lasted.
    pub attacked: Duration,
    /// How it exited.
    pub exit: Exit,
    /// From the start of the next process until all control clients were registered with it; `None`
    /// for the last process.
    pub registered_again: Option<Duration>,
}

/// Runs the whole siege.
///
/// # Errors
/// When the siege cannot be carried out, for example because the softswitch does not start.
pub fn run(program: &Path, duration: Duration) -> Result<SiegeResult, Box<dyn Error>> {
    let stall_detector = StallDetector::start();
    let begun = Instant::now();
    let interrupted = interrupt::flag()?;
    let folder = DataFolder::new()?;
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start(program, &folder, anywhere, SERVER_OPTIONS[0])?;
    let trust = Trust::new(Some(&folder.authority()), Versions::Both)?;
    let target = Target {
        address: server.address,
        config: trust.client_tls(false)?.config,
    };
    let accounts = Accounts::new(&[format!("control{{}}:{PASSWORD}")], DOMAIN, None)?;
    let clients = ControlClients::start(&target, &accounts, getrandom::u32()?)?;
    let runner = Runner {
        program,
        folder: &folder,
        target,
        clients: &clients,
        attack_counts: AttackCounts::new(),
        progress: Progress::start("siege"),
        interrupted,
    };
    let processes = runner.processes(server, duration);
    runner.progress.clear();
    let attack_counts = Arc::clone(&runner.attack_counts);
    drop(runner);
    Ok(SiegeResult {
        processes: processes?,
        clients: clients.stop(),
        attack_counts,
        stall: stall_detector.stop(),
        took: begun.elapsed(),
    })
}

/// How many softswitch processes there are, and how long each is attacked.
struct Schedule {
    count: u32,
    warmup: Duration,
    attacked: Duration,
}

impl Schedule {
    /// Divides the duration of a siege.
    fn new(duration: Duration) -> Self {
        let count = (duration.as_secs() / PROCESS_DURATION.as_secs()).max(2) as u32;
        let length = (duration / count).saturating_sub(OVERHEAD);
        let warmup = (length / 2).min(MAX_WARMUP);
        Self {
            count,
            warmup,
            attacked: length - warmup,
        }
    }
}

struct Runner<'a> {
    program: &'a Path,
    folder: &'a DataFolder,
    target: Target,
    clients: &'a ControlClients,
    attack_counts: Arc<AttackCounts>,
    progress: Progress,
    interrupted: Arc<AtomicBool>,
}

impl Runner<'_> {
    fn processes(
        &self,
        first: Server,
        duration: Duration,
    ) -> Result<Vec<ProcessResult>, Box<dyn Error>> {
        let Schedule {
            count,
            warmup,
            attacked,
        } = Schedule::new(duration);
        let mut processes: Vec<ProcessResult> = Vec::new();
        let mut server = first;
        self.wait_for_all_clients("control clients connect")?;
        for number in 1..=count {
            let doing = |what| format!("process {number} of {count}: {what}");
            self.attack(&doing("warming up"), warmup)?;
            let before = self.settled_snapshot(&doing("settling"), &server)?;
            self.attack(&doing("under attack"), attacked)?;
            let after = self.settled_snapshot(&doing("settling"), &server)?;
            let next =
                (number < count).then(|| SERVER_OPTIONS[number as usize % SERVER_OPTIONS.len()]);
            let (exit, registered_again, started_next) =
                self.drain(&doing("draining"), server, next)?;
            processes.push(ProcessResult {
                before,
                after,
                attacked,
                exit,
                registered_again,
            });
            match started_next {
                Some(started_next) => server = started_next,
                None => break,
            }
        }
        Ok(processes)
    }

    /// Runs all attacks for this time.
    fn attack(&self, doing: &str, time: Duration) -> Result<(), Box<dyn Error>> {
        let attacks = RunningAttacks::start(&self.target, &self.attack_counts)?;
        let waited = self.wait(doing, time, || false);
        attacks.stop()?;
        waited
    }

    /// Waits until only the control clients are connected, which is when the number of descriptors
    /// has not fallen for two seconds, and takes a snapshot.
    fn settled_snapshot(&self, doing: &str, server: &Server) -> Result<Snapshot, Box<dyn Error>> {
        let mut fewest = usize::MAX;
        let mut since = Instant::now();
        self.wait(doing, SETTLE_TIMEOUT, || {
            let now = server
                .snapshot()
                .map_or(usize::MAX, |snapshot| snapshot.descriptors);
            if now < fewest {
                (fewest, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_secs(2)
                && self.clients.stats().connected() == CONTROL_CLIENTS
        })?;
        self.wait_for_all_clients(doing)?;
        Ok(server.snapshot()?)
    }

    /// Sends SIGTERM during attacks. They go on until all control clients are registered with the
    /// next process, if there is one.
    fn drain(
        &self,
        doing: &str,
        server: Server,
        next: Option<&[&str]>,
    ) -> Result<(Exit, Option<Duration>, Option<Server>), Box<dyn Error>> {
        let attacks = RunningAttacks::start(&self.target, &self.attack_counts)?;
        self.wait(doing, ATTACKS_BEFORE_DRAIN, || false)?;
        let client_stats = self.clients.stats();
        client_stats.set_draining(true);
        let begun = Instant::now();
        server.drain()?;
        let address = server.address;
        let exit = server.wait_for_exit(begun)?;
        let mut started_next = None;
        let mut registered_again = None;
        if let Some(options) = next {
            // Without this wait a client could still count as connected to the old process.
            self.wait(doing, REGISTER_TIMEOUT, || client_stats.connected() == 0)?;
            let started = Instant::now();
            started_next = Some(Server::start(self.program, self.folder, address, options)?);
            self.wait_for_all_clients(doing)?;
            registered_again = Some(started.elapsed());
            client_stats.set_draining(false);
        }
        attacks.stop()?;
        Ok((exit, registered_again, started_next))
    }

    fn wait_for_all_clients(&self, doing: &str) -> Result<(), Box<dyn Error>> {
        let client_stats = self.clients.stats();
        self.wait(doing, REGISTER_TIMEOUT * 3, || {
            client_stats.connected() == CONTROL_CLIENTS
        })?;
        match client_stats.connected() {
            // A few may be reconnecting at the moment, as each does from time to time.
            connected if connected + CONTROL_CLIENTS / 10 >= CONTROL_CLIENTS => Ok(()),
            connected => Err(format!(
                "{doing}: only {connected} of {CONTROL_CLIENTS} control clients are connected"
            )
            .into()),
        }
    }

    /// Waits until `enough`, but no longer than this.
    fn wait(
        &self,
        doing: &str,
        time: Duration,
        mut enough: impl FnMut() -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let until = Instant::now() + time;
        while Instant::now() < until && !enough() {
            let client_stats = self.clients.stats();
            let [_, answered, _] = client_stats.requests();
            let failures = client_stats.measurements().failures.values().sum();
            self.progress.show(doing, (answered, failures));
            thread::sleep(POLL_INTERVAL);
            if self.interrupted.load(Ordering::SeqCst) {
                return Err("interrupted".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_the_shortest_siege_has_two_processes_with_both_kinds_of_options() {
        let schedule = Schedule::new(Duration::from_secs(60));
        assert_eq!(schedule.count, 2);
        assert_eq!(schedule.warmup, Duration::from_secs(8));
        assert_eq!(schedule.attacked, Duration::from_secs(8));
    }

    #[test]
    fn a_long_siege_has_a_process_every_five_minutes_and_warms_up_for_a_minute() {
        let schedule = Schedule::new(Duration::from_secs(3600));
        assert_eq!(schedule.count, 12);
        assert_eq!(schedule.warmup, MAX_WARMUP);
        assert_eq!(schedule.attacked, Duration::from_secs(300 - 14 - 60));
    }
}
