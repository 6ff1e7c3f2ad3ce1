//! Listing sessions, a page at a time.

use super::{Handle, Stopped};
use crate::connection::{Connection, ConnectionId, ConnectionStats};
use crate::event::Ready;
use crate::supervisor::{Entry, OpenSession, Supervisor, SupervisorState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use xtra::{Context, Handler};

/// The size of a page when the caller gives none.
const DEFAULT_PAGE: usize = 100;

/// How many sessions a listing looks at without a pause.
const SLICE: usize = 500;

/// How long a listing then releases the lock on the supervisor's state.
const SLICE_PAUSE: Duration = Duration::from_millis(1);

/// Asks for a page of sessions, in the order of their ids; the answer is a [`SessionPage`]. The
/// supervisor's task does the work; [`Handle::sessions`] does it in the caller's.
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
    /// Which sessions.
    pub filter: SessionFilter,
    /// Only sessions with a greater id: the `next` of the page before.
    pub after: Option<ConnectionId>,
    /// How many sessions a page holds at most; 0 counts as 100.
    pub limit: usize,
}

/// Which sessions to list: those that meet all conditions set. The default sets none and lists all.
///
/// ```
/// use sipward::control::SessionFilter;
///
/// let filter = SessionFilter::default()
///     .with_identity("example.com")
///     .with_established(true);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SessionFilter {
    /// Only connections from this IP address, whatever the port.
    pub source: Option<IpAddr>,
    /// Only connections whose client certificate speaks for this SIP domain (RFC 5922).
    pub identity: Option<String>,
    /// Only established sessions (`true`) or only handshakes (`false`).
    pub established: Option<bool>,
}

/// One page of sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions of this page, in the order of their ids.
    pub sessions: Vec<SessionSummary>,
    /// What to give as `after` for the next page; `None` on the last page.
    pub next: Option<ConnectionId>,
    /// How many sessions match the filter, on all pages together.
    pub total: usize,
}

/// One open connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionSummary {
    /// Its constant facts.
    pub connection: Arc<Connection>,
    /// What its handshake agreed on; `None` during the handshake.
    pub ready: Option<Arc<Ready>>,
    /// The time since it was accepted.
    pub age: Duration,
    /// The bytes and messages so far.
    pub stats: ConnectionStats,
    /// How many bytes it counts for in the memory budget
    /// ([`AdmissionLimits::memory`](crate::AdmissionLimits::memory)).
    pub memory: usize,
}

impl Handle {
    /// Returns a page of sessions: those with an id greater than `after`, at most `limit` of them (0
    /// counts as 100).
    ///
    /// The caller's task does the work, not the supervisor's: it looks at 500 sessions at a time, each
    /// time at one moment, and pauses for a millisecond before it goes on. So a page of 20,000 takes some
    /// 50 ms and delays no session's messages; with a filter twice that, as all are counted first.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        after: Option<ConnectionId>,
        limit: usize,
    ) -> Result<SessionPage, Stopped> {
        let mut listing = Listing::new(Sessions {
            filter,
            after,
            limit,
        });
        while !self.read(|state| listing.advance(state, SLICE))? {
            async_std::task::sleep(SLICE_PAUSE).await;
        }
        Ok(listing.page())
    }
}

impl Handler<Sessions> for Supervisor {
    type Return = SessionPage;

    async fn handle(&mut self, request: Sessions, _: &mut Context<Self>) -> SessionPage {
        let mut listing = Listing::new(request);
        let state = self.state();
        while !listing.advance(&state, usize::MAX) {}
        listing.page()
    }
}

/// A page that is being collected.
struct Listing {
    filter: SessionFilter,
    /// How many sessions the page holds at most.
    size: usize,
    /// The last session looked at.
    after: Option<ConnectionId>,
    /// Where the page begins, until all matching sessions have been counted.
    begin: Option<Option<ConnectionId>>,
    total: usize,
    sessions: Vec<SessionSummary>,
}

impl Listing {
    fn new(request: Sessions) -> Self {
        Self {
            filter: request.filter,
            size: match request.limit {
                0 => DEFAULT_PAGE,
                // One more tells whether there is another page.
                limit => limit.min(usize::MAX - 1),
            },
            after: None,
            begin: Some(request.after),
            total: 0,
            sessions: Vec::new(),
        }
    }

    /// Looks at up to `slice` more sessions. True when the page is complete.
    fn advance(&mut self, state: &SupervisorState, slice: usize) -> bool {
        let Some(begin) = self.begin else {
            return self.collect(state, slice);
        };
        if self.filter.is_all() {
            self.total = state.ledger.len();
        } else if !self.count(state, slice) {
            return false;
        }
        self.begin = None;
        self.after = begin;
        self.filter.is_all() && self.collect(state, slice)
    }

    fn count(&mut self, state: &SupervisorState, slice: usize) -> bool {
        let mut rest = state.ledger.entries_after(self.after);
        for entry in rest.by_ref().take(slice) {
            self.after = Some(entry.connection.id);
            self.total += usize::from(self.filter.matches(entry));
        }
        rest.next().is_none()
    }

    fn collect(&mut self, state: &SupervisorState, slice: usize) -> bool {
        let now = state.clock.now();
        let mut rest = state.ledger.entries_after(self.after);
        for entry in rest.by_ref().take(slice) {
            self.after = Some(entry.connection.id);
            if self.filter.matches(entry) {
                self.sessions.push(summary(entry, now));
            }
            if self.sessions.len() > self.size {
                return true;
            }
        }
        rest.next().is_none()
    }

    fn page(mut self) -> SessionPage {
        let more = self.sessions.len() > self.size;
        self.sessions.truncate(self.size);
        let last = self.sessions.last().map(|session| session.connection.id);
        SessionPage {
            next: last.filter(|_| more),
            sessions: self.sessions,
            total: self.total,
        }
    }
}

impl SessionFilter {
    /// Sets [`source`](Self::source); `None` lists all sources.
    pub fn with_source(mut self, source: impl Into<Option<IpAddr>>) -> Self {
        self.source = source.into();
        self
    }

    /// Sets [`identity`](Self::identity), compared without case.
    pub fn with_identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// Sets [`established`](Self::established); `None` lists both.
    pub fn with_established(mut self, established: impl Into<Option<bool>>) -> Self {
        self.established = established.into();
        self
    }

    const fn is_all(&self) -> bool {
        matches!(
            self,
            Self {
                source: None,
                identity: None,
                established: None,
            }
        )
    }

    pub(super) fn matches(&self, entry: &Entry<OpenSession>) -> bool {
        let ready = entry.ready();
        let source = self
            .source
            .is_none_or(|source| entry.connection.peer.ip() == source);
        let stage = self
            .established
            .is_none_or(|established| established == ready.is_some());
        let identity = self.identity.as_ref().is_none_or(|identity| {
            ready
                .and_then(|ready| ready.tls.client_certificate.as_ref())
                .is_some_and(|certificate| certificate.speaks_for(identity))
        });
        source && stage && identity
    }
}

pub(super) fn summary(entry: &Entry<OpenSession>, now: Instant) -> SessionSummary {
    let counters = &entry.held.handle.counters;
    SessionSummary {
        connection: Arc::clone(&entry.connection),
        ready: entry.ready().cloned(),
        age: now.saturating_duration_since(entry.held.accepted),
        stats: counters.stats(),
        memory: counters.memory.load(Ordering::Relaxed),
    }
}
