//! The threads that connections run on: some for handshakes, others for sessions, so that neither kind
//! waits for the other.

use async_executor::Executor;
use async_std::channel::{Receiver, Sender, bounded};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, available_parallelism};

/// Which threads a supervisor's connections run on.
///
/// A handshake takes much longer than a message. With threads of their own, the handshakes of many
/// peers that reconnect after a failure do not delay the messages of established sessions. An executor
/// with one thread also avoids needless wake-ups and contention between its sessions;
/// docs/performance.md has the figures.
///
/// On dedicated threads a session is not a task of async-std: in a handler, `async_std::task::current`
/// and task-locals are those of the thread.
///
/// ```
/// use sipward::{Supervisor, Threads, TlsPolicy};
///
/// # fn example() -> Result<(), sipward::PolicyError> {
/// let policy = TlsPolicy::from_pem_files("server.crt", "server.key")?;
/// let builder = Supervisor::builder(policy).threads(Threads::Dedicated {
///     handshakes: 4,
///     sessions: 2,
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threads {
    /// Threads of the supervisor's own, which end with it. Zero counts as one. When a shutdown cuts the
    /// remaining sessions, each kind gets one more thread, so that a handler that blocks its thread
    /// does not keep other sessions from ending.
    ///
    /// The default is this, with half of the machine's cores for each kind, and at least one thread.
    Dedicated {
        /// How many threads accept connections, perform handshakes, and call
        /// [`open`](crate::Application::open). A session stays on them until its first message; a
        /// session without any is also [`closed`](crate::SipSession::closed) and dropped there.
        handshakes: usize,
        /// How many threads run the handlers of sessions. A handler that blocks its thread delays every
        /// session that would run on it.
        sessions: usize,
    },
    /// The threads of async-std's own executor, for handshakes and sessions: one for each core of the
    /// machine, or as many as `ASYNC_STD_THREAD_COUNT` says.
    Runtime,
}

impl Default for Threads {
    fn default() -> Self {
        let half = available_parallelism().map_or(1, |cores| cores.get() / 2);
        let each = half.max(1);
        Self::Dedicated {
            handshakes: each,
            sessions: each,
        }
    }
}

/// Runs the acceptors, handshakes and sessions of a supervisor.
pub(crate) enum Workers {
    Own {
        handshakes: ThreadPool,
        sessions: ThreadPool,
        /// The threads end when this is dropped.
        _running: Sender<Infallible>,
    },
    Runtime,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system refuses a thread. Threads started before it end.
    pub(crate) fn start(threads: Threads) -> io::Result<Self> {
        let Threads::Dedicated {
            handshakes,
            sessions,
        } = threads
        else {
            return Ok(Self::Runtime);
        };
        let (running, ended) = bounded(1);
        Ok(Self::Own {
            handshakes: ThreadPool::start("sip-shake", handshakes, &ended)?,
            sessions: ThreadPool::start("sip-serve", sessions, &ended)?,
            _running: running,
        })
    }

    /// Adds a thread of each kind, because sessions must be able to end while handlers block all
    /// threads there are.
    pub(crate) fn add_threads(&self) {
        if let Self::Own {
            handshakes,
            sessions,
            ..
        } = self
        {
            for pool in [handshakes, sessions] {
                // If the system refuses a thread, the shutdown's deadline still ends the wait.
                let _ = pool.clone().work("0");
            }
        }
    }

    /// Runs a task on the threads for handshakes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Own { handshakes, .. } => handshakes.executor.spawn(task).detach(),
            Self::Runtime => drop(async_std::task::spawn(task)),
        }
    }

    /// Runs a session on the threads for handshakes until it is due to migrate, then on those for sessions.
    pub(crate) fn spawn_session<F, M>(&self, session: F, is_due: M)
    where
        F: Future<Output = ()> + Send + Unpin + 'static,
        M: Fn() -> bool + Send + Unpin + 'static,
    {
        match self {
            Self::Own {
                handshakes,
                sessions,
                ..
            } => {
                let migrating = Migrating {
                    session: Some(session),
                    is_due,
                    to: Arc::clone(&sessions.executor),
                };
                handshakes.executor.spawn(migrating).detach();
            }
            Self::Runtime => drop(async_std::task::spawn(session)),
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own { .. } => "Workers::Own",
            Self::Runtime => "Workers::Runtime",
        })
    }
}

/// An executor and the threads that run it.
#[derive(Clone)]
pub(crate) struct ThreadPool {
    executor: Arc<Executor<'static>>,
    name: &'static str,
    /// Closed when the threads are to end.
    ended: Receiver<Infallible>,
}

impl ThreadPool {
    fn start(name: &'static str, threads: usize, ended: &Receiver<Infallible>) -> io::Result<Self> {
        let pool = Self {
            executor: Arc::new(Executor::new()),
            name,
            ended: ended.clone(),
        };
        for number in 1..=threads.max(1) {
            pool.clone().work(&number.to_string())?;
        }
        Ok(pool)
    }

    /// Starts a thread.
    fn work(self, number: &str) -> io::Result<()> {
        let name = format!("{}-{number}", self.name);
        thread::Builder::new().name(name).spawn(move || {
            let until_ended = || {
                async_std::task::block_on(self.executor.run(async {
                    // Nothing is ever sent: the channel closes.
                    let _ = self.ended.recv().await;
                }));
            };
            // Sessions and acceptors catch their panics. If a task panics all the same, the executor's
            // state on this thread is lost, so a new thread takes over.
            while let Err(panic) = catch_unwind(AssertUnwindSafe(until_ended)) {
                // Dropping a panic's payload may panic again, so it is leaked.
                std::mem::forget(panic);
                let number = thread::current();
                let number = number.name().and_then(|name| name.rsplit('-').next());
                if self.clone().work(number.unwrap_or("0")).is_ok() {
                    return;
                }
            }
        })?;
        Ok(())
    }
}

/// A session that moves to another executor with its first message.
struct Migrating<F, M> {
    session: Option<F>,
    /// Whether the session is to move now.
    is_due: M,
    to: Arc<Executor<'static>>,
}

impl<F, M> Future for Migrating<F, M>
where
    F: Future<Output = ()> + Send + Unpin + 'static,
    M: Fn() -> bool + Unpin,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(session) = &mut self.session else {
            return Poll::Ready(());
        };
        if Pin::new(session).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !(self.is_due)() {
            return Poll::Pending;
        }
        // The other executor polls the session at once, which registers all its wakers there.
        if let Some(session) = self.session.take() {
            self.to.spawn(session).detach();
        }
        Poll::Ready(())
    }
}
