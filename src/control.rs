//! Every message application code may send to the supervisor, and what it answers.
//!
//! Each can be sent through [`Handle`](crate::Handle), or to its
//! [`address`](crate::Handle::address) by those who work with xtra.

use crate::admission::AdmissionLimits;
use crate::cause::CloseCause;
use crate::connection::{Connection, ConnectionId};
use crate::deadline::Deadlines;
use crate::event::Ready;
use crate::ledger::Counts;
use crate::observe::EventFilter;
use crate::sip::Limits;
use async_std::channel::Receiver;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Asks for the counters and limits of this moment; answered with [`Figures`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let figures = sipward.snapshot().await?;
/// assert!(figures.inbound.balanced());
/// assert_eq!(figures.listeners, sipward.listeners());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Snapshot;

/// The counters and limits of one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Figures {
    /// Since the supervisor started.
    pub uptime: Duration,
    /// Accepted connections.
    pub inbound: Counts,
    /// Dialled connections.
    pub outbound: Counts,
    /// Permits held by sessions: equals `handshaking + open`, but for words on their way.
    pub permits: usize,
    /// Events that the slowest observer has not seen yet.
    pub undelivered_events: usize,
    /// The addresses listened on.
    pub listeners: Vec<SocketAddr>,
    /// Handshakes that count against the limit.
    pub handshake_permits: usize,
    /// Who may come in, and how many.
    pub limits: AdmissionLimits,
    /// The outbound budget of each flow, in bytes.
    pub flow_budget: usize,
    /// The deadlines of every connection.
    pub deadlines: Deadlines,
    /// The limits on every message.
    pub message_limits: Limits,
    /// Whether the supervisor is shutting down.
    pub draining: bool,
}

/// Asks for sessions, a page at a time, in the order of their ids; answered with [`SessionPage`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::control::SessionFilter;
///
/// let mut after = None;
/// loop {
///     let page = sipward.sessions(SessionFilter::default(), after, 500).await?;
///     for session in &page.sessions {
///         println!("{} {:?}", session.connection.peer, session.age);
///     }
///     after = page.next;
///     if after.is_none() {
///         break;
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// Which ones.
    pub filter: SessionFilter,
    /// Only those after this id: the `next` of the page before.
    pub after: Option<ConnectionId>,
    /// How many at most; 0 is taken as 100.
    pub limit: usize,
}

/// Which sessions to list. All by default.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only from this address.
    pub source: Option<IpAddr>,
    /// Only those whose client certificate speaks for this SIP domain (RFC 5922).
    pub identity: Option<String>,
    /// Only established ones (`true`) or only handshakes (`false`).
    pub established: Option<bool>,
}

/// One page of sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<SessionSummary>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<ConnectionId>,
    /// How many match in all.
    pub total: usize,
}

/// One open connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionSummary {
    /// Its constant facts.
    pub connection: Arc<Connection>,
    /// What its handshake agreed on; `None` while that goes on.
    pub ready: Option<Arc<Ready>>,
    /// Since it was accepted.
    pub age: Duration,
    /// Bytes on the wire from the peer.
    pub bytes_in: u64,
    /// Bytes on the wire to the peer.
    pub bytes_out: u64,
    /// SIP messages from the peer.
    pub messages_in: u64,
    /// SIP messages to the peer.
    pub messages_out: u64,
}

/// Asks for everything about one connection; answered with an [`Inspection`], or `None` when it is
/// not open.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::ConnectionId;
///
/// match sipward.inspect(ConnectionId::new(7)).await? {
///     Some(seen) => println!("{} bytes wait for {}", seen.queued, seen.summary.connection.peer),
///     None => println!("that connection has ended"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Inspect {
    /// Which one.
    pub id: ConnectionId,
}

/// Everything about one connection. TLS facts are in `summary.ready`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// What a listing says of it.
    pub summary: SessionSummary,
    /// Bytes queued for the peer.
    pub queued: usize,
    /// The budget of that queue, in bytes.
    pub flow_budget: usize,
    /// Whether something holds it open, a binding for instance.
    pub held_open: bool,
    /// Its next deadline: how long until then, and what it would close with.
    pub next_deadline: Option<(Duration, CloseCause)>,
    /// The cause it is closing for, if it is.
    pub closing: Option<CloseCause>,
}

/// Queues one whole SIP message on a connection; answered with [`Sent`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::{ConnectionId, control::Sent};
///
/// let message = "OPTIONS sip:alice@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
/// let sent = sipward.send(ConnectionId::new(7), message).await?;
/// assert_eq!(sent, Sent::Gone, "nobody has connected");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Send {
    /// On which one.
    pub id: ConnectionId,
    /// The message.
    pub message: Bytes,
}

/// What became of a message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It waits in the flow's queue and leaves in its turn.
    Queued,
    /// The flow's byte budget is used up; nothing was queued.
    Full,
    /// There is no such established session.
    Gone,
}

/// Closes connections; answered with how many were told to.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::control::{CloseReason, Target};
/// use std::time::Duration;
///
/// let source = Target::Source("192.0.2.7".parse()?);
/// let told = sipward
///     .close(source, CloseReason::Operator, Duration::from_secs(1))
///     .await?;
/// assert_eq!(told, 0, "nobody is connected from there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Close {
    /// Which ones.
    pub target: Target,
    /// What their `Closed` event will say.
    pub reason: CloseReason,
    /// How long what is queued may still take to leave, and a running handler to finish.
    pub grace: Duration,
}

/// Which connections to close.
#[derive(Clone, Debug)]
pub enum Target {
    /// This one.
    Connection(ConnectionId),
    /// All from this address.
    Source(IpAddr),
    /// All whose client certificate speaks for this SIP domain (RFC 5922).
    Identity(String),
}

/// Why the application wants a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// Somebody wants it so.
    Operator,
    /// A newer connection has taken its place.
    Replaced,
    /// The peer's certificate was revoked.
    CertificateRevoked,
}

/// Changes who may come in; answered with the limits of before. Who is in already stays.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let mut limits = sipward.snapshot().await?.limits;
/// limits.connections_per_source = 50;
/// let before = sipward.set_limits(limits).await?;
/// assert_eq!(before.connections_per_source, 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SetLimits {
    /// The new limits, all of them.
    pub limits: AdmissionLimits,
}

/// Bans the source of an address; answered with that source. Its open connections stay; see
/// [`Close`].
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let nuisance = "192.0.2.7".parse()?;
/// sipward.ban(nuisance, Some(std::time::Duration::from_secs(3600))).await?;
/// assert_eq!(sipward.bans().await?.len(), 1);
/// assert!(sipward.lift_ban(nuisance).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AddBan {
    /// An address of the source.
    pub peer: IpAddr,
    /// For how long; `None` until it is lifted.
    pub lasts: Option<Duration>,
}

/// Lifts the ban of an address's source; answered with whether there was one.
#[derive(Clone, Copy, Debug)]
pub struct LiftBan {
    /// An address of the source.
    pub peer: IpAddr,
}

/// Asks for the bans in force; answered with a list ordered by address.
#[derive(Clone, Copy, Debug)]
pub struct Bans;

/// Listens on one more address; answered with the address bound, or why it could not be.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let bound = sipward.listen("127.0.0.1:0".parse()?).await??;
/// assert!(sipward.snapshot().await?.listeners.contains(&bound));
/// assert!(sipward.stop_listening(bound).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// Where; port 0 takes a free one.
    pub address: SocketAddr,
}

/// Closes a listener; connections that came by it stay. Answered with whether there was one; its
/// end is the event `listener_closed`.
#[derive(Clone, Copy, Debug)]
pub struct StopListening {
    /// The address it is bound to.
    pub listener: SocketAddr,
}

/// Stops accepting: connections wait in the kernel's backlog, and beyond it are turned away by the
/// kernel. Answered with how many acceptors were told.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// Which listener; `None` for all.
    pub listener: Option<SocketAddr>,
}

/// Accepts again after a [`Pause`]. Answered with how many acceptors were told.
#[derive(Clone, Copy, Debug)]
pub struct Resume {
    /// Which listener; `None` for all.
    pub listener: Option<SocketAddr>,
}

/// Subscribes to events; answered with a [`Subscription`](crate::Subscription).
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::{EventFilter, EventKind};
///
/// let only = EventFilter::all().kinds([EventKind::HandshakeFailed, EventKind::Draining]);
/// let mut events = sipward.subscribe(only, 1000).await?;
/// let report = sipward.shutdown(std::time::Duration::ZERO).await;
/// assert_eq!(events.next().await.map(|event| event.kind()), Some(EventKind::Draining));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Which events.
    pub filter: EventFilter,
    /// How many may wait before no connection is accepted any more.
    pub capacity: usize,
}

/// Ends the supervisor: no connection is accepted any more, handshakes are cancelled, sessions are
/// told to close, and those that are still open at the deadline are cut. Answered at once with
/// [`ShutdownBegun`]; a second one can only shorten the deadline.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// use sipward::control::Shutdown;
/// use std::time::Duration;
///
/// // As an xtra user would; `sipward.shutdown(deadline)` asks and waits.
/// let begun = sipward.address().send(Shutdown { deadline: Duration::from_secs(8) }).await?;
/// let report = begun.finished().await;
/// assert!(report.inbound.balanced());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// How long sessions have.
    pub deadline: Duration,
}

/// Ends the supervisor gently: no connection is accepted any more, handshakes are cancelled, the
/// application is told ([`Application::draining`](crate::Application::draining)), sessions that are
/// not [`busy`](crate::Flow::busy) are closed one after the other over the first half of the time,
/// busy ones as soon as they are not, and the rest is cut at the deadline. Answered at once with
/// [`ShutdownBegun`]; the events `draining` and `drain_progress` tell how far it is.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let report = sipward.drain(std::time::Duration::from_secs(8)).await;
/// for (cause, sessions) in &report.endings {
///     println!("{sessions} ended by {cause}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How long sessions have. Default of the softswitch 8 s: container runtimes kill at 10.
    pub deadline: Duration,
}

/// A shutdown that has begun.
#[derive(Clone, Debug)]
pub struct ShutdownBegun {
    pub(crate) outcome: Outcome,
}

/// How a supervisor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Accepted connections; nothing is left open unless a handler blocked its thread to the end.
    pub inbound: Counts,
    /// Dialled connections.
    pub outbound: Counts,
    /// How many connections ended by which cause since the shutdown began, in the order of the
    /// causes' names.
    pub endings: Vec<(&'static str, u64)>,
    /// The panic that ended the supervisor, if one did.
    pub panic: Option<String>,
}

/// Where the report will be.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Arc<std::sync::OnceLock<Report>>,
    /// Closed when the report is there.
    pub(crate) done: Receiver<()>,
}

impl ShutdownBegun {
    /// Waits for the end.
    pub async fn finished(self) -> Report {
        self.outcome.wait().await
    }
}

impl Outcome {
    pub(crate) async fn wait(&self) -> Report {
        // Nothing is ever sent; the channel closes.
        let _ = self.done.recv().await;
        let report = self.report.get().cloned();
        report.unwrap_or_else(|| Report {
            inbound: Counts::default(),
            outbound: Counts::default(),
            endings: Vec::new(),
            panic: Some("the supervisor's task was dropped".to_owned()),
        })
    }
}

impl From<CloseReason> for CloseCause {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Operator => Self::Operator,
            CloseReason::Replaced => Self::Replaced,
            CloseReason::CertificateRevoked => Self::CertificateRevoked,
        }
    }
}
