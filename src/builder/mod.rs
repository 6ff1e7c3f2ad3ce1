//! The settings of a supervisor, and its start.

mod listen_address;
mod listeners;

pub use listen_address::ListenAddress;

use crate::admission::{Admission, AdmissionLimits, BanRule};
use crate::clock::{Clock, MAX_DURATION};
use crate::control::Handle;
use crate::deadline::Deadlines;
use crate::event::LimitsSet;
use crate::executor::{Threads, Workers};
use crate::observe::{
    EventFilter, Gate, LogObserver, Observer, ObserverHandle, Subscribers, Subscription,
    start_observer,
};
use crate::session::{
    Application, Discard, Lifecycle, LifecycleSender, LifecycleSink, SessionContext,
};
use crate::sip::Limits;
use crate::supervisor::{
    AcceptorContext, Ledger, Monitor, PendingReport, SharedState, StartError, Supervisor,
    SupervisorState, run,
};
use crate::tls::{Generation, TlsPolicy};
use crate::transport::{AnyListener, ListenOptions, ProxyProtocol};
use async_std::channel::bounded;
use listeners::{Requested, bind};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};
use xtra::Mailbox;

#[cfg(any(test, feature = "testing"))]
use crate::clock::ManualClock;
#[cfg(any(test, feature = "testing"))]
use crate::transport::memory::Dialler;

impl Supervisor {
    /// Begins to build a supervisor with this TLS policy.
    ///
    /// ```no_run
    /// # use sipward::{Supervisor, TlsPolicy};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let handle = Supervisor::builder(TlsPolicy::from_pem_files("server.crt", "server.key")?)
    ///     .listen("127.0.0.1:5061")
    ///     .start()
    ///     .await?;
    /// # drop(handle);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(policy: TlsPolicy) -> Builder<Discard> {
        Builder::new(policy)
    }
}

/// The settings of a supervisor that has not started yet. Every setting but the addresses to listen on
/// has a default. A method called twice replaces what it set before, unless it says that each call adds.
#[must_use = "nothing happens before `start`"]
pub struct Builder<A> {
    policy: TlsPolicy,
    application: Make<A>,
    listeners: Vec<Requested>,
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

impl Builder<Discard> {
    pub(crate) fn new(policy: TlsPolicy) -> Self {
        Self {
            policy,
            application: Make(Box::new(|_| Discard)),
            listeners: Vec::new(),
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
    /// What serves the sessions. Default: [`Discard`], which takes every message and answers none.
    pub fn application<B: Application>(self, application: B) -> Builder<B> {
        self.application_at(|_| application)
    }

    /// Sets what serves the sessions, as [`application`](Self::application) does, by a function that is
    /// called in [`start`](Self::start) with the addresses bound, for an application that has to name
    /// them.
    pub fn application_at<B: Application>(
        self,
        application: impl FnOnce(&[SocketAddr]) -> B + Send + 'static,
    ) -> Builder<B> {
        Builder {
            application: Make(Box::new(application)),
            policy: self.policy,
            listeners: self.listeners,
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

    /// Listens on this address, `"0.0.0.0:5061"` for example; of a host name, on every address it
    /// resolves to. Each call adds an address. Port 0 takes a free port: see [`Handle::listeners`].
    pub fn listen(mut self, address: impl Into<ListenAddress>) -> Self {
        let address = address.into().into_text();
        self.listeners.push(Requested::Named(address));
        self
    }

    /// Listens on a socket that is bound already, for example by a service manager. Each call adds a
    /// socket; [`acceptors`](Self::acceptors) does not apply to it.
    pub fn listen_on(mut self, listener: TcpListener) -> Self {
        self.listeners.push(Requested::Bound(listener));
        self
    }

    /// Calls this observer with every event, on a thread of its own. Each call adds an observer.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Logs events in this way. Default: [`LogObserver::new`], through the `log` crate.
    pub fn log(mut self, log: LogObserver) -> Self {
        self.log = Some(log);
        self
    }

    /// Writes no log lines.
    pub fn without_log(mut self) -> Self {
        self.log = None;
        self
    }

    /// How long connections may stay in each state. Defaults: see [`Deadlines`].
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines.capped();
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

    /// How many events may wait for an observer. Default 10,000, about 2 MiB; 0 counts as 1. At the limit
    /// no connection is accepted until the observer has taken half of them; meanwhile new connections
    /// wait in the kernel's [`backlog`](Self::backlog).
    pub fn event_backlog(mut self, events: usize) -> Self {
        self.event_backlog = events;
        self
    }

    /// Reads the PROXY protocol from these load balancers, so that limits, events and log lines have the
    /// address of the true peer. Default: no peer may send a PROXY header.
    pub fn proxy_protocol(mut self, rule: ProxyProtocol) -> Self {
        self.proxy_protocol = Some(rule);
        self
    }

    /// How many acceptors, each with its own socket, share each address that is listened on
    /// (`SO_REUSEPORT`: the kernel spreads connections over them). Default 1, which is enough below
    /// some ten thousand new connections a second; 0 counts as 1.
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

    /// How many connections are admitted, in all and from one source. Defaults: see [`AdmissionLimits`].
    pub fn limits(mut self, limits: AdmissionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Bans sources that misbehave too often. Default: no rule; only [`Handle::ban`](crate::Handle::ban)
    /// bans a source.
    pub fn ban_rule(mut self, rule: BanRule) -> Self {
        self.ban_rule = Some(BanRule {
            within: rule.within.min(MAX_DURATION),
            duration: rule.duration.min(MAX_DURATION),
            ..rule
        });
        self
    }

    /// Which threads connections run on. Default: see [`Threads`].
    pub fn threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }

    /// Listens in memory: connections come from the [`Dialler`] alone.
    #[cfg(any(test, feature = "testing"))]
    pub fn listen_in_memory(mut self) -> (Self, Dialler) {
        let (dialler, listener) = Dialler::new();
        self.listeners.push(Requested::Memory(listener));
        (self, dialler)
    }

    /// Takes the time from this clock instead of the system's.
    #[cfg(any(test, feature = "testing"))]
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = Clock::Manual(clock);
        self
    }

    /// Checks the TLS policy, binds every address, and starts.
    ///
    /// # Errors
    /// [`StartError`]: every listener bound so far is closed again and no connection was accepted.
    pub async fn start(mut self) -> Result<Handle, StartError> {
        let generation = Generation::load(&self.policy).map_err(StartError::Tls)?;
        let entries = bind(std::mem::take(&mut self.listeners), self.listen_options).await?;
        if entries.is_empty() {
            return Err(StartError::NoListener);
        }
        let mut bound: Vec<SocketAddr> = entries.iter().map(AnyListener::address).collect();
        bound.dedup();
        let application = (self.application.0)(&bound);
        let workers = Workers::start(self.threads).map_err(StartError::Threads)?;
        if let Some(log) = self.log.take() {
            self.observers.insert(0, Box::new(log));
        }
        let gate = Arc::new(Gate::default());
        let mut subscribers = Subscribers::new(Arc::clone(&gate));
        let observers: Vec<_> = std::mem::take(&mut self.observers)
            .into_iter()
            .map(|observer| {
                let events = subscribers.subscribe(EventFilter::all(), self.event_backlog);
                (observer, events)
            })
            .collect();
        let (done, ended) = bounded(1);
        let report = PendingReport {
            report: Arc::new(OnceLock::new()),
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
        let admission = Admission::new(self.limits, self.ban_rule);
        let shared = Arc::new_cyclic(|shared: &Weak<SharedState>| {
            let sink: Weak<dyn LifecycleSink> = shared.clone();
            let session = Arc::new(SessionContext {
                application,
                generation,
                deadlines: self.deadlines,
                limits: self.message_limits,
                lifecycle: LifecycleSender::new(sink),
                clock: self.clock.clone(),
            });
            let acceptors = Arc::new(Arc::new(AcceptorContext {
                admission: Arc::clone(&admission),
                ids: AtomicU64::new(1),
                gate,
                flow_budget: self.flow_budget,
                proxy_protocol: self.proxy_protocol,
                workers,
                session,
            }));
            SharedState::new(SupervisorState {
                ledger: Ledger::new(),
                listeners: Vec::new(),
                acceptor_factory: Some(acceptors),
                listen_options: self.listen_options,
                acceptors: 0,
                subscribers,
                admission,
                started: self.clock.now(),
                clock: self.clock,
                limits,
                report: report.clone(),
                shutdown: None,
                panic: None,
                ended: false,
                endings: BTreeMap::new(),
            })
        });
        let sink = Arc::downgrade(&shared) as Weak<dyn LifecycleSink>;
        let observers = start_observers(observers, &LifecycleSender::new(sink))?;
        {
            let mut state = shared.lock();
            state.publish_limits();
            state.open(entries);
        }
        let (address, mailbox) = Mailbox::unbounded();
        let monitor = Monitor {
            observers,
            report: Arc::clone(&report.report),
            done,
        };
        let state = Arc::downgrade(&shared);
        async_std::task::spawn(run(monitor, Supervisor { shared }, mailbox));
        Ok(Handle::new(address, bound, report, state))
    }
}

fn start_observers(
    observers: Vec<(Box<dyn Observer>, Subscription)>,
    lifecycle: &LifecycleSender,
) -> Result<Vec<ObserverHandle>, StartError> {
    let mut started = Vec::new();
    for (number, (observer, events)) in observers.into_iter().enumerate() {
        let lifecycle = lifecycle.clone();
        let on_panic = move |message| {
            // After the supervisor's end this report is lost, and no subscriber is left to miss it.
            let _ = lifecycle.send(Lifecycle::ObserverFailed {
                observer: number,
                message,
            });
        };
        let handle = start_observer(number, observer, events, on_panic);
        started.push(handle.map_err(StartError::Observer)?);
    }
    Ok(started)
}

impl<A> fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("policy", &self.policy)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}
