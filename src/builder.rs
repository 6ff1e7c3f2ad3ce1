//! How a supervisor is put together and started.

use crate::admission::{Admission, AdmissionLimits, BanRule};
use crate::application::{Application, Silent};
use crate::clock::{AGE, Clock};
use crate::control::Outcome;
use crate::deadline::Deadlines;
use crate::entrance::Entrance;
use crate::event::LimitsSet;
use crate::handle::Handle;
use crate::lane::Lane;
use crate::ledger::Ledger;
use crate::listener::{AnyListener, ListenOptions, Tcp};
use crate::observe::{Audience, EventFilter, Gate, LogObserver, Observer, observer};
use crate::proxy_protocol::ProxyProtocol;
use crate::session::House;
use crate::sip::Limits;
use crate::start_error::StartError;
use crate::supervisor::{Books, Desk, Keeper, Supervisor, keep};
use crate::threads::{Threads, Workers};
use crate::tls::{Generation, TlsPolicy};
use async_std::channel::bounded;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use xtra::Mailbox;

#[cfg(any(test, feature = "testing"))]
use crate::testing::{Dialler, ManualClock, MemoryListener};

/// What a supervisor is to be. Every option has a default.
#[must_use = "nothing happens before `start`"]
pub struct Builder<A> {
    policy: TlsPolicy,
    application: Make<A>,
    places: Vec<Place>,
    observers: Vec<Box<dyn Observer>>,
    log: Option<LogObserver>,
    deadlines: Deadlines,
    message_limits: Limits,
    flow_budget: usize,
    event_backlog: usize,
    limits: AdmissionLimits,
    ban_rule: Option<BanRule>,
    listen_options: ListenOptions,
    proxy_protocol: Option<ProxyProtocol>,
    clock: Clock,
    threads: Threads,
}

/// Makes the application, given the addresses listened on.
struct Make<A>(Box<dyn FnOnce(&[SocketAddr]) -> A + Send>);

/// Where to listen.
enum Place {
    Named(String),
    Bound(TcpListener),
    #[cfg(any(test, feature = "testing"))]
    Memory(MemoryListener),
}

impl Builder<Silent> {
    pub(crate) fn new(policy: TlsPolicy) -> Self {
        Self {
            policy,
            application: Make(Box::new(|_| Silent)),
            places: Vec::new(),
            observers: Vec::new(),
            log: Some(LogObserver::new()),
            deadlines: Deadlines::default(),
            message_limits: Limits::default(),
            flow_budget: 256 * 1024,
            event_backlog: 10_000,
            limits: AdmissionLimits::default(),
            ban_rule: None,
            listen_options: ListenOptions::default(),
            proxy_protocol: None,
            clock: Clock::default(),
            threads: Threads::default(),
        }
    }
}

impl<A: Application> Builder<A> {
    /// What serves the sessions. Default: [`Silent`], which takes every message and answers none.
    pub fn application<B: Application>(self, application: B) -> Builder<B> {
        self.application_at(|_| application)
    }

    /// The same, made once the addresses listened on are known: for what has to name them.
    pub fn application_at<B: Application>(
        self,
        application: impl FnOnce(&[SocketAddr]) -> B + Send + 'static,
    ) -> Builder<B> {
        Builder {
            application: Make(Box::new(application)),
            policy: self.policy,
            places: self.places,
            observers: self.observers,
            log: self.log,
            deadlines: self.deadlines,
            message_limits: self.message_limits,
            flow_budget: self.flow_budget,
            event_backlog: self.event_backlog,
            limits: self.limits,
            ban_rule: self.ban_rule,
            listen_options: self.listen_options,
            proxy_protocol: self.proxy_protocol,
            clock: self.clock,
            threads: self.threads,
        }
    }

    /// Listens on this address, `"0.0.0.0:5061"` say; a name is resolved and every address of it
    /// used. May be said several times. Port 0 takes a free one: see [`Handle::listeners`].
    pub fn listen(mut self, address: impl ToString) -> Self {
        self.places.push(Place::Named(address.to_string()));
        self
    }

    /// Takes over a listener that is bound already, by a service manager for instance.
    pub fn adopt(mut self, listener: TcpListener) -> Self {
        self.places.push(Place::Bound(listener));
        self
    }

    /// Shows every event to this observer, on a thread of its own. May be said several times.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Logs events in this way. Default: [`LogObserver::new`], through the `log` crate.
    pub fn log(mut self, log: LogObserver) -> Self {
        self.log = Some(log);
        self
    }

    /// Writes no log.
    pub fn without_log(mut self) -> Self {
        self.log = None;
        self
    }

    /// How long connections may take over each thing. Defaults: see [`Deadlines`].
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines.within_an_age();
        self
    }

    /// How large a message may be. Defaults: see [`Limits`].
    pub fn message_limits(mut self, limits: Limits) -> Self {
        self.message_limits = limits;
        self
    }

    /// How many bytes may be queued on one flow. Default 256 KiB. At the limit
    /// [`Flow::send`](crate::Flow::send) gives the message back as `Full`. Costs nothing while
    /// nothing is queued.
    pub fn flow_budget(mut self, bytes: usize) -> Self {
        self.flow_budget = bytes;
        self
    }

    /// How many events an observer may be behind. Default 10,000, about 2 MiB. At the limit no
    /// connection is accepted until half of them have been seen; the kernel's backlog holds.
    pub fn event_backlog(mut self, events: usize) -> Self {
        self.event_backlog = events;
        self
    }

    /// Reads the PROXY protocol from these load balancers, so that limits, events and logs know the
    /// true peer. Default: nobody speaks it.
    pub fn proxy_protocol(mut self, rule: ProxyProtocol) -> Self {
        self.proxy_protocol = Some(rule);
        self
    }

    /// How many acceptors, each with its own socket, share each address that is listened on
    /// (`SO_REUSEPORT`: the kernel spreads connections over them). Default 1, which is enough below
    /// some ten thousand new connections a second.
    pub fn acceptors(mut self, acceptors: usize) -> Self {
        self.listen_options.acceptors = acceptors.max(1);
        self
    }

    /// How many connections the kernel may hold for each socket before they are accepted. Default
    /// 2048; the kernel may allow fewer (`net.core.somaxconn`).
    pub fn backlog(mut self, connections: u16) -> Self {
        self.listen_options.backlog = connections.into();
        self
    }

    /// Who may come in, and how many. Defaults: see [`AdmissionLimits`].
    pub fn limits(mut self, limits: AdmissionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Bans sources that misbehave too often. Default: nobody is banned but by
    /// [`Handle::ban`](crate::Handle::ban).
    pub fn ban_rule(mut self, rule: BanRule) -> Self {
        self.ban_rule = Some(BanRule {
            within: rule.within.min(AGE),
            lasts: rule.lasts.min(AGE),
            ..rule
        });
        self
    }

    /// Which threads connections run on. Default: see [`Threads`].
    pub fn threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }

    /// How many connections may be open, handshakes included: the first of the
    /// [`limits`](Self::limits), by itself.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// Listens in memory: connections come from the [`Dialler`] alone.
    #[cfg(any(test, feature = "testing"))]
    pub fn listen_in_memory(mut self) -> (Self, Dialler) {
        let (dialler, listener) = Dialler::new();
        self.places.push(Place::Memory(listener));
        (self, dialler)
    }

    /// Takes its time from this clock.
    #[cfg(any(test, feature = "testing"))]
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = Clock::Manual(clock);
        self
    }

    /// Checks the TLS policy, binds every address, and starts.
    ///
    /// # Errors
    /// [`StartError`]; then nothing has been started.
    pub async fn start(mut self) -> Result<Handle, StartError> {
        let generation = Generation::load(&self.policy).map_err(StartError::Tls)?;
        let entries = bind(std::mem::take(&mut self.places), self.listen_options).await?;
        if entries.is_empty() {
            return Err(StartError::NoListener);
        }
        let bound: Vec<SocketAddr> = entries.iter().map(AnyListener::address).collect();
        let mut bound = bound;
        bound.dedup();
        let application = (self.application.0)(&bound);
        let (lane, words) = Lane::new();
        let gate = Arc::new(Gate::default());
        let mut audience = Audience::new(Arc::clone(&gate));
        if let Some(log) = self.log.take() {
            self.observers.insert(0, Box::new(log));
        }
        let mut observers = Vec::new();
        for (number, watching) in self.observers.into_iter().enumerate() {
            let events = audience.admit(EventFilter::all(), self.event_backlog);
            let seen = observer(number, watching, events, lane.clone());
            observers.push(seen.map_err(StartError::Observer)?);
        }
        let report = Arc::new(OnceLock::new());
        let (done, ended) = bounded(1);
        let outcome = Outcome {
            report: Arc::clone(&report),
            done: ended,
        };
        let limits = LimitsSet {
            admission: self.limits.clone(),
            ban_rule: self.ban_rule.clone(),
            deadlines: self.deadlines,
            messages: self.message_limits,
            flow_budget: self.flow_budget,
            event_backlog: self.event_backlog,
        };
        let workers = Workers::start(self.threads).map_err(StartError::Threads)?;
        let admission = Admission::new(self.limits, self.ban_rule);
        let house = Arc::new(House {
            application,
            generation,
            deadlines: self.deadlines,
            limits: self.message_limits,
            lane,
            clock: self.clock.clone(),
        });
        let doors = Arc::new(Arc::new(Entrance {
            admission: Arc::clone(&admission),
            ids: AtomicU64::new(1),
            gate,
            flow_budget: self.flow_budget,
            proxy_protocol: self.proxy_protocol,
            workers,
            house,
        }));
        let mut books = Books {
            ledger: Ledger::new(),
            listeners: Vec::new(),
            doors,
            listen_options: self.listen_options,
            acceptors: 0,
            audience,
            admission,
            started: self.clock.now(),
            clock: self.clock,
            limits,
            outcome: outcome.clone(),
            shutdown: None,
            broken: None,
            endings: BTreeMap::new(),
        };
        books.state_limits();
        books.open(entries);
        let desk = Desk::new(books);
        words.employ(Arc::downgrade(&desk.clerk()));
        let window = desk.window();
        let supervisor = Supervisor { desk };
        let (address, mailbox) = Mailbox::unbounded();
        let keeper = Keeper {
            lane: words,
            observers,
            report,
            done,
        };
        async_std::task::spawn(keep(keeper, supervisor, mailbox));
        Ok(Handle {
            address,
            listeners: bound,
            outcome,
            window,
        })
    }
}

async fn bind(places: Vec<Place>, options: ListenOptions) -> Result<Vec<AnyListener>, StartError> {
    let mut entries = Vec::new();
    for place in places {
        match place {
            Place::Named(given) => {
                for address in resolve(given).await? {
                    let sockets = Tcp::bind(address, options)
                        .map_err(|source| StartError::Bind { address, source })?;
                    entries.extend(sockets.into_iter().map(AnyListener::Tcp));
                }
            }
            Place::Bound(listener) => {
                let address = listener
                    .local_addr()
                    .unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
                let listener =
                    Tcp::adopt(listener).map_err(|source| StartError::Bind { address, source })?;
                entries.push(AnyListener::Tcp(listener));
            }
            #[cfg(any(test, feature = "testing"))]
            Place::Memory(listener) => entries.push(AnyListener::Memory(listener)),
        }
    }
    Ok(entries)
}

/// Resolving a name may block, so it has a thread.
async fn resolve(given: String) -> Result<Vec<SocketAddr>, StartError> {
    let name = given.clone();
    let found = async_std::task::spawn_blocking(move || name.to_socket_addrs()).await;
    match found {
        Ok(addresses) => Ok(addresses.collect()),
        Err(source) => Err(StartError::Address { given, source }),
    }
}

impl<A> fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("policy", &self.policy)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}
