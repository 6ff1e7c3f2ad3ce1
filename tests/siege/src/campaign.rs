//! The course of a siege: the lives of the softswitch, one after the other on the same port.

use crate::abuse::{Assault, Counts};
use crate::accounts::Accounts;
use crate::good::{Fate, Good, PHONES};
use crate::interrupt;
use crate::place::{DOMAIN, Place};
use crate::progress::Progress;
use crate::server::{End, Home, Look, PASSWORD, Server};
use crate::standstill::Sleeper;
use crate::trust::{Trust, Versions};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// One life lasts about so long, and there are two at least.
const LIFE: Duration = Duration::from_secs(300);

/// What looks, settling and a drain take of a life.
const PAUSES: Duration = Duration::from_secs(14);

/// The longest warm-up.
const WARMUP: Duration = Duration::from_secs(60);

/// What the server has to get rid of those who have left.
const SETTLING: Duration = Duration::from_secs(20);

/// An assault that a drain comes into has duration so long.
const ONSET: Duration = Duration::from_secs(2);

/// How long the good may take to come back. More is a failure, so the wait is longer.
pub const RETURN: Duration = Duration::from_secs(10);

const GLANCE: Duration = Duration::from_millis(20);

/// Odd lives have the default limits. In even ones more silent connections are let in at once, and
/// run into their deadline.
const LIMITS: [&[&str]; 2] = [
    &[],
    &["--max-handshakes", "4096", "--handshake-deadline", "3"],
];

/// What a siege came to.
pub struct Outcome {
    /// Each life of the softswitch.
    pub lives: Vec<Life>,
    /// What became of the good.
    pub good: Arc<Fate>,
    /// What the besiegers have done.
    pub abuses: Arc<Counts>,
    /// The longest that the machine kept somebody asleep beyond his time.
    pub standstill: Duration,
    /// All of it.
    pub took: Duration,
}

/// One life of the softswitch.
pub struct Life {
    /// After the warm-up, the besiegers gone and the good there.
    pub before: Look,
    /// After the siege, the same.
    pub after: Look,
    /// How long the siege between the two duration.
    pub siege: Duration,
    /// How it ended.
    pub end: End,
    /// From the next life's start until all the good were registered again; `None` for the last.
    pub back: Option<Duration>,
}

/// Goes through all of it.
///
/// # Errors
/// When the siege itself fails: the softswitch does not start, a descriptor is missing.
pub fn wage(program: &Path, duration: Duration) -> Result<Outcome, Box<dyn Error>> {
    let sleeper = Sleeper::start();
    let begun = Instant::now();
    let interrupted = Arc::<AtomicBool>::default();
    let stopped = Arc::clone(&interrupted);
    interrupt::watch(move || stopped.store(true, Ordering::SeqCst))?;
    let home = Home::new()?;
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start(program, &home, anywhere, LIMITS[0])?;
    let trust = Trust::new(Some(&home.authority()), Versions::Both)?;
    let place = Place {
        target: server.address,
        config: trust.identity(false)?.config,
    };
    let accounts = Accounts::new(&[format!("good{{}}:{PASSWORD}")], DOMAIN, None)?;
    let good = Good::start(&place, &accounts, getrandom::u32()?)?;
    let campaign = Campaign {
        program,
        home: &home,
        place,
        good: &good,
        abuses: Counts::new(),
        progress: Progress::begin("siege"),
        interrupted,
    };
    let lives = campaign.lives(server, duration);
    campaign.progress.end();
    let abuses = Arc::clone(&campaign.abuses);
    drop(campaign);
    Ok(Outcome {
        lives: lives?,
        good: good.end(),
        abuses,
        standstill: sleeper.wake(),
        took: begun.elapsed(),
    })
}

struct Campaign<'a> {
    program: &'a Path,
    home: &'a Home,
    place: Place,
    good: &'a Good,
    abuses: Arc<Counts>,
    progress: Progress,
    interrupted: Arc<AtomicBool>,
}

impl Campaign<'_> {
    fn lives(&self, first: Server, duration: Duration) -> Result<Vec<Life>, Box<dyn Error>> {
        let count = (duration.as_secs() / LIFE.as_secs()).max(2) as u32;
        let length = (duration / count).saturating_sub(PAUSES);
        let mut lives: Vec<Life> = Vec::new();
        let mut server = first;
        self.everybody_is_there("the good arrive")?;
        for number in 1..=count {
            let doing = |what| format!("life {number} of {count}: {what}");
            let warmup = (length / 2).min(WARMUP);
            self.assault(&doing("warming up"), warmup)?;
            let before = self.quiet(&doing("settling"), &server)?;
            let siege = length - warmup;
            self.assault(&doing("besieged"), siege)?;
            let after = self.quiet(&doing("settling"), &server)?;
            let next = (number < count).then(|| LIMITS[number as usize % LIMITS.len()]);
            let (end, back, reborn) = self.drain(&doing("draining"), server, next)?;
            lives.push(Life {
                before,
                after,
                siege,
                end,
                back,
            });
            match reborn {
                Some(reborn) => server = reborn,
                None => break,
            }
        }
        Ok(lives)
    }

    /// All abuses at once for a time.
    fn assault(&self, doing: &str, time: Duration) -> Result<(), Box<dyn Error>> {
        let assault = Assault::begin(&self.place, &self.abuses)?;
        let waited = self.wait(doing, time, || false);
        assault.end()?;
        waited
    }

    /// Waits until nobody but the good is connected, or for as long as that may take, and looks.
    fn quiet(&self, doing: &str, server: &Server) -> Result<Look, Box<dyn Error>> {
        let mut fewest = usize::MAX;
        let mut since = Instant::now();
        self.wait(doing, SETTLING, || {
            let now = server.look().map_or(usize::MAX, |look| look.descriptors);
            if now < fewest {
                (fewest, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_secs(2) && self.good.fate().connected() == PHONES
        })?;
        self.everybody_is_there(doing)?;
        Ok(server.look()?)
    }

    /// SIGTERM in the middle of an assault, which goes on until the good are registered with the next
    /// life, if there is one.
    fn drain(
        &self,
        doing: &str,
        server: Server,
        next: Option<&[&str]>,
    ) -> Result<(End, Option<Duration>, Option<Server>), Box<dyn Error>> {
        let assault = Assault::begin(&self.place, &self.abuses)?;
        self.wait(doing, ONSET, || false)?;
        let fate = self.good.fate();
        fate.set_draining(true);
        let begun = Instant::now();
        server.drain()?;
        let address = server.address;
        let end = server.end(begun)?;
        let mut reborn = None;
        let mut back = None;
        if let Some(options) = next {
            // So that who is there afterwards is there by the next life.
            self.wait(doing, RETURN, || fate.connected() == 0)?;
            let started = Instant::now();
            reborn = Some(Server::start(self.program, self.home, address, options)?);
            self.everybody_is_there(doing)?;
            back = Some(started.elapsed());
            fate.set_draining(false);
        }
        assault.end()?;
        Ok((end, back, reborn))
    }

    fn everybody_is_there(&self, doing: &str) -> Result<(), Box<dyn Error>> {
        let fate = self.good.fate();
        self.wait(doing, RETURN * 3, || fate.connected() == PHONES)?;
        match fate.connected() {
            // One may be away for a moment of its own will.
            there if there + PHONES / 10 >= PHONES => Ok(()),
            there => {
                Err(format!("{doing}: only {there} of {PHONES} good clients are there").into())
            }
        }
    }

    /// Waits until it is enough, and no longer than this.
    fn wait(
        &self,
        doing: &str,
        time: Duration,
        mut enough: impl FnMut() -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let until = Instant::now() + time;
        while Instant::now() < until && !enough() {
            let fate = self.good.fate();
            let [_, answered, _] = fate.requests();
            let failures = fate.told().failures.values().sum();
            self.progress.show(doing, (answered, failures));
            thread::sleep(GLANCE);
            if self.interrupted.load(Ordering::SeqCst) {
                return Err("interrupted".into());
            }
        }
        Ok(())
    }
}
