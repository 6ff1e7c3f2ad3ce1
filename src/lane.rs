//! The lifecycle lane: one unbounded FIFO queue into the supervisor's books, written without waiting.
//!
//! It is not the actor mailbox, which is not FIFO and may lose messages; and because writing never
//! waits, a drop guard can do it. Words are taken out by who holds the books, so their order is that
//! in which they were said.

use crate::admission::Refusal;
use crate::cause::{CloseCause, HandshakeCause, Phase};
use crate::connection::{Connection, ConnectionId};
use crate::event::Ready;
use crate::evidence::{Alert, Evidence};
use crate::flow::Line;
use crate::session::Session;
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// What acceptors and sessions tell the supervisor. Order is kept.
#[derive(Debug)]
pub(crate) enum Lifecycle {
    Accepted {
        line: Arc<Line>,
        session: xtra::Address<Session>,
        at: Instant,
    },
    Refused {
        connection: Arc<Connection>,
        refusal: Refusal,
    },
    /// The session waits for the answer in its line before it serves anything.
    Ready {
        ready: Arc<Ready>,
        at: Instant,
    },
    /// The last word about a connection; what it held has been dropped.
    Ended {
        id: ConnectionId,
        at: Instant,
        how: Ended,
    },
    AcceptFailed {
        listener: SocketAddr,
        error: String,
        pause: Duration,
    },
    AcceptResumed {
        listener: SocketAddr,
        lasted: Duration,
    },
    /// One connection less waits to be asked about.
    Settled,
    /// The last word of an acceptor.
    ListenerClosed {
        acceptor: u64,
        error: Option<String>,
    },
    ObserverFailed {
        observer: usize,
        message: String,
    },
}

/// How a session's task ended. Whether that is a failed handshake or a close is the ledger's to say.
#[derive(Debug)]
pub(crate) enum Ended {
    Handshake(Box<HandshakeFailure>),
    /// Called off before the supervisor's answer to `Ready`, or closed after it.
    Session {
        cause: CloseCause,
        alert: Option<Alert>,
    },
    /// It panicked, with this message.
    Panicked(String),
    /// Its task was dropped before it was done.
    Abandoned,
}

/// What is known of a handshake that failed.
#[derive(Debug)]
pub(crate) struct HandshakeFailure {
    pub(crate) cause: HandshakeCause,
    pub(crate) phase: Phase,
    pub(crate) evidence: Evidence,
}

/// The writing end.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    words: Arc<Words>,
}

/// The reading end; the lane is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Reader {
    words: Arc<Words>,
}

/// Who enters words in the books when they are free.
pub(crate) trait Clerk: Send + Sync {
    /// Enters what waits; false when it cannot, or may not have entered all.
    fn enter_waiting(&self, words: &Words) -> bool;
}

/// What was said and is not entered yet.
pub(crate) struct Words {
    waiting: Mutex<Waiting>,
    clerk: OnceLock<Weak<dyn Clerk>>,
}

#[derive(Default)]
struct Waiting {
    words: VecDeque<Lifecycle>,
    closed: bool,
    /// The reader is to look, even if nothing waits: whoever entered words may have found trouble.
    called: bool,
    reader: Option<Waker>,
}

/// Nobody reads the lane any more.
#[derive(Debug)]
pub(crate) struct SupervisorGone;

impl Lane {
    pub(crate) fn new() -> (Self, Reader) {
        let words = Arc::new(Words {
            waiting: Mutex::new(Waiting::default()),
            clerk: OnceLock::new(),
        });
        let reader = Reader {
            words: Arc::clone(&words),
        };
        (Self { words }, reader)
    }

    /// Never waits. Who speaks while the books are free enters the word, and those before it, there
    /// and then, which spares waking the supervisor's task; otherwise that is woken.
    pub(crate) fn say(&self, word: Lifecycle) -> Result<(), SupervisorGone> {
        let words = &self.words;
        {
            let mut waiting = words.waiting();
            if waiting.closed {
                return Err(SupervisorGone);
            }
            waiting.words.push_back(word);
        }
        let clerk = words.clerk.get().and_then(Weak::upgrade);
        let entered = clerk.is_some_and(|clerk| clerk.enter_waiting(words));
        if !entered {
            let reader = {
                let mut waiting = words.waiting();
                waiting.called = true;
                waiting.reader.take()
            };
            if let Some(reader) = reader {
                reader.wake();
            }
        }
        Ok(())
    }
}

impl Words {
    pub(crate) fn take(&self) -> Option<Lifecycle> {
        self.waiting().words.pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // No critical section can leave it half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// From now on words may be entered by whoever says them.
    pub(crate) fn employ(&self, clerk: Weak<dyn Clerk>) {
        // There is one supervisor to a lane.
        let _ = self.words.clerk.set(clerk);
    }

    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.waiting().words.is_empty()
    }

    /// Waits until something was said that nobody has entered well.
    pub(crate) fn poll_waiting(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.words.waiting();
        if std::mem::take(&mut waiting.called) || !waiting.words.is_empty() {
            return Poll::Ready(());
        }
        match &mut waiting.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            reader => *reader = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let words = {
            let mut waiting = self.words.waiting();
            waiting.closed = true;
            waiting.reader = None;
            std::mem::take(&mut waiting.words)
        };
        drop(words);
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiting().words.len();
        f.debug_struct("Words")
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
