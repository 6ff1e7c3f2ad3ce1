//! One history: a supervisor, a few clients, some actions in an order that chance chose, and the end.

use super::application::Switchboard;
use super::chance::Chance;
use super::client::Client;
use super::judge::Judge;
use super::tally::Tally;
use super::world::{Marks, World};
use async_std::task::{JoinHandle, sleep, spawn, yield_now};
use rustls::ClientConfig;
use rustls::client::Resumption;
use sipward::control::{CloseReason, Target};
use sipward::testing::Dialler;
use sipward::{
    AdmissionLimits, Event, EventFilter, Handle, Observer, Supervisor, Threads, TlsPolicy,
    TlsVersions,
};
use sipward_tests::peer::Authority;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where all clients come from.
pub const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// How long what must come is waited for. Only a broken history waits this long.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Turns without any news after which everybody is taken to sleep.
const QUIET: u32 = 12;

/// How long a turn is where threads of their own run.
const TURN: Duration = Duration::from_micros(50);

/// What all histories share.
pub struct Ground {
    policy: TlsPolicy,
    pub client: Arc<ClientConfig>,
    pub tally: Arc<Tally>,
    /// Threads of the runtime. With more than one nobody can tell when everybody sleeps.
    pub threads: usize,
}

/// A history that broke the law.
#[derive(Debug)]
pub struct Broken {
    pub breach: String,
    /// Actions and events, in the order they came in.
    pub transcript: Vec<String>,
}

pub struct History {
    pub chance: Chance,
    pub world: Arc<World>,
    pub ground: Arc<Ground>,
    pub handle: Option<Handle>,
    pub dialler: Dialler,
    pub clients: Vec<Client>,
    /// What is left of hellos sent in part, by port.
    pub hellos: HashMap<u16, Vec<u8>>,
    judge: Arc<Mutex<Judge>>,
    /// Ends with the last event.
    hearing: JoinHandle<()>,
}

/// An observer that panics at some event.
struct Saboteur {
    world: Arc<World>,
    left: usize,
}

impl Ground {
    /// On the runtime's one thread everybody takes turns, so that a seed replays.
    fn connections_run_on(&self) -> Threads {
        match self.threads {
            1 => Threads::Runtime,
            threads => Threads::Dedicated {
                handshakes: threads / 2,
                sessions: threads / 2,
            },
        }
    }

    pub fn new(threads: usize) -> Arc<Self> {
        let authority = Authority::new();
        let mut client = ClientConfig::clone(&authority.client());
        // What one history left behind must not change the next.
        client.resumption = Resumption::disabled();
        Arc::new(Self {
            policy: authority.policy().with_versions(TlsVersions::Tls13),
            client: Arc::new(client),
            tally: Arc::default(),
            threads,
        })
    }
}

/// Plays the history of this seed to its end.
pub async fn play(seed: u64, ground: Arc<Ground>) -> Result<(), Broken> {
    let mut history = History::begin(seed, ground).await;
    for _ in 0..4 + history.chance.below(12) {
        history.do_something().await;
        match history.chance.below(4) {
            0 => {}
            1 => drop(history.turns(3).await),
            _ => history.settle().await,
        }
        if history.judge().breach.is_some() {
            break;
        }
    }
    history.end().await
}

impl History {
    async fn begin(seed: u64, ground: Arc<Ground>) -> Self {
        let mut chance = Chance::new(seed);
        let world = World::new(Arc::clone(&ground.tally), ground.threads == 1);
        let (builder, dialler) = Supervisor::builder(ground.policy.clone())
            .without_log()
            .clock(world.clock.clone())
            .application(Switchboard(Arc::clone(&world)))
            .listen_in_memory();
        let mut builder = builder
            .flow_budget(1000)
            .threads(ground.connections_run_on());
        if chance.one_in(3) {
            builder =
                builder.limits(AdmissionLimits::default().with_connections(1 + chance.below(3)));
        }
        if chance.one_in(8) {
            Marks::set(&world.marks.observer_panics);
            builder = builder.observer(Saboteur {
                world: Arc::clone(&world),
                left: 1 + chance.below(6),
            });
        }
        let handle = builder.start().await.unwrap();
        let judge = Arc::new(Mutex::new(Judge::new(Arc::clone(&world))));
        // Nothing that fits the law fills this, so nothing is ever shed.
        let mut events = handle.subscribe(EventFilter::all(), 10_000).await.unwrap();
        let hearing = spawn({
            let judge = Arc::clone(&judge);
            async move {
                while let Some(event) = events.next().await {
                    lock(&judge).hear(&event);
                }
            }
        });
        Self {
            chance,
            world,
            ground,
            handle: Some(handle),
            dialler,
            clients: Vec::new(),
            hellos: HashMap::new(),
            judge,
            hearing,
        }
    }

    pub fn judge(&self) -> MutexGuard<'_, Judge> {
        lock(&self.judge)
    }

    pub fn did(&self, action: String) {
        self.judge().transcript.push(format!("  > {action}"));
    }

    /// Lets everybody else have this many turns, while the clients read and write.
    pub async fn turns(&mut self, turns: usize) -> bool {
        let heard = self.judge().transcript.len();
        let mut moved = false;
        for _ in 0..turns {
            match self.ground.threads {
                1 => yield_now().await,
                // Others do not take turns, they take time.
                _ => sleep(TURN).await,
            }
            for client in &mut self.clients {
                moved |= client.advance();
            }
        }
        moved || self.judge().transcript.len() != heard
    }

    /// Until everybody sleeps.
    pub async fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < QUIET {
            quiet = if self.turns(1).await { 0 } else { quiet + 1 };
        }
    }

    /// Until this is so. False when it did not become so in time.
    pub async fn eventually(&mut self, mut so: impl FnMut(&mut Self) -> bool) -> bool {
        let began = Instant::now();
        while !so(self) {
            if began.elapsed() > TEST_TIMEOUT {
                return false;
            }
            self.turns(1).await;
            std::thread::yield_now();
        }
        true
    }

    /// Whether the supervisor serves: nobody has begun to end it.
    pub fn serves(&self) -> bool {
        let marks = &self.world.marks;
        !Marks::is_set(&marks.shutting_down) && !Marks::is_set(&marks.supervisor_panicked)
    }

    /// Tells every connection to close at once.
    pub async fn close_all(&mut self, grace: Duration) {
        let ports: Vec<u16> = self.clients.iter().map(|client| client.port).collect();
        self.world.state().told_to_close.extend(ports);
        if let Some(handle) = &self.handle {
            let target = Target::Source(SOURCE);
            let _ = handle.close(target, CloseReason::Operator, grace).await;
        }
    }

    async fn end(mut self) -> Result<(), Broken> {
        let report = self.wind_up().await;
        let ended = self
            .eventually(|history| history.judge().stopped.is_some())
            .await;
        if ended {
            let observers = |history: &mut Self| {
                let marks = &history.world.marks;
                !Marks::is_set(&marks.observer_panics) || Marks::is_set(&marks.observer_dropped)
            };
            if !self.eventually(observers).await {
                self.judge()
                    .breach("an observer's thread is left behind".to_owned());
            }
            // The stream of events ends with the supervisor, so nothing can come after this.
            (&mut self.hearing).await;
        }
        let mut judge = self.judge();
        judge.sum_up(report.as_ref());
        match judge.breach.take() {
            None => Ok(()),
            Some(breach) => Err(Broken {
                breach,
                transcript: std::mem::take(&mut judge.transcript),
            }),
        }
    }

    /// Ends the supervisor in one of the ways there are, if nothing has yet.
    async fn wind_up(&mut self) -> Option<sipward::control::Report> {
        if self.serves() && self.chance.one_in(2) {
            self.empty_by_hand().await;
        }
        if self.serves() && self.chance.one_in(8) {
            self.close_all(Duration::ZERO).await;
            self.settle().await;
            self.did("drop the last handle".to_owned());
            self.world.tally.injected("handle dropped");
            Marks::set(&self.world.marks.shutting_down);
            self.handle = None;
            self.let_all_leave().await;
            return None;
        }
        let handle = self.handle.clone()?;
        self.did("shut down at last".to_owned());
        Marks::set(&self.world.marks.shutting_down);
        let asked = spawn(async move { handle.shutdown(Duration::ZERO).await });
        let stopped = |history: &mut Self| history.judge().stopped.is_some();
        if !self.eventually(stopped).await {
            self.judge()
                .breach("a shutdown without any grace does not end".to_owned());
            return None;
        }
        Some(asked.await)
    }

    /// A supervisor whose last handle is gone gives everybody eight seconds.
    async fn let_all_leave(&mut self) {
        if !self.world.in_step {
            // Time must not pass here.
            for client in &self.clients {
                drop(client.socket.take());
            }
            return;
        }
        for _ in 0..9 {
            self.settle().await;
            self.world.clock.advance(Duration::from_secs(1));
        }
    }

    /// Closes all and sees the last permit come back while the supervisor still lives.
    async fn empty_by_hand(&mut self) {
        self.did("empty by hand".to_owned());
        let began = Instant::now();
        let Some(handle) = self.handle.clone() else {
            return;
        };
        while let Ok(figures) = handle.snapshot().await {
            // Who was still at the door the last time is told now.
            self.close_all(Duration::ZERO).await;
            let counts = figures.inbound;
            if !counts.balanced() {
                self.judge().breach(format!("out of balance: {counts:?}"));
            }
            if counts.open + counts.handshaking == 0 && figures.permits == 0 {
                return;
            }
            if began.elapsed() > TEST_TIMEOUT {
                let permits = figures.permits;
                let what = format!("closed by hand, {permits} permits are out at {counts:?}");
                return self.judge().breach(what);
            }
            self.settle().await;
        }
    }
}

impl Observer for Saboteur {
    fn observe(&mut self, _: &Event) {
        self.left -= 1;
        if self.left == 0 {
            self.world.tally.injected("panic in observer");
            Marks::set(&self.world.marks.observer_panicked);
            panic!("{}panic in observer", super::application::INJECTED);
        }
    }
}

impl Drop for Saboteur {
    fn drop(&mut self) {
        Marks::set(&self.world.marks.observer_dropped);
    }
}

fn lock(judge: &Mutex<Judge>) -> MutexGuard<'_, Judge> {
    judge.lock().unwrap_or_else(PoisonError::into_inner)
}
