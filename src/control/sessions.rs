//! One session or many: listing, looking, sending, closing.

use crate::cause::CloseCause;
use crate::connection::{Connection, ConnectionId};
use crate::event::Ready;
use bytes::Bytes;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A page whose size nobody chose.
const PAGE: usize = 100;

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

impl Sessions {
    pub(crate) fn wanted(&self) -> usize {
        match self.limit {
            0 => PAGE,
            // One more tells whether there is another page.
            limit => limit.min(usize::MAX - 1),
        }
    }
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

impl SessionPage {
    /// Of so many sessions as are wanted, and one more if there is another page.
    pub(crate) fn of(mut sessions: Vec<SessionSummary>, wanted: usize, total: usize) -> Self {
        let more = sessions.len() > wanted;
        sessions.truncate(wanted);
        let last = sessions.last().map(|session| session.connection.id);
        Self {
            next: last.filter(|_| more),
            sessions,
            total,
        }
    }
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
    /// Bytes it counts for in the memory budget
    /// ([`AdmissionLimits::memory`](crate::AdmissionLimits::memory)).
    pub memory: usize,
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
#[derive(Clone)]
pub struct Send {
    /// On which one.
    pub id: ConnectionId,
    /// The message.
    pub message: Bytes,
}

/// The message's length only: it may carry credentials.
impl fmt::Debug for Send {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send")
            .field("id", &self.id)
            .field("message", &format_args!("{} bytes", self.message.len()))
            .finish()
    }
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

/// Says that the peer of an established connection has proved who it is: the authentication
/// deadline ([`Deadlines::authentication`](crate::Deadlines::authentication)) does not apply to it
/// any more. Answered with whether there is such a connection. A session's own code says it by
/// [`Flow::mark_authenticated`](crate::Flow::mark_authenticated).
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
/// let marked = sipward.mark_authenticated(ConnectionId::new(7)).await?;
/// assert!(!marked, "nobody has connected");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MarkAuthenticated {
    /// Which one.
    pub id: ConnectionId,
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

impl From<CloseReason> for CloseCause {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Operator => Self::Operator,
            CloseReason::Replaced => Self::Replaced,
            CloseReason::CertificateRevoked => Self::CertificateRevoked,
        }
    }
}
