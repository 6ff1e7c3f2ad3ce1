//! Actor: one per listener. Accepts, asks admission, spawns sessions; never waits for anybody else.

mod trouble;

use crate::admission::{Admission, Permit};
use crate::application::Application;
use crate::connection::{Connection, ConnectionId, Direction};
use crate::ending::{Ending, panic_message};
use crate::flow::Line;
use crate::lane::Lifecycle;
use crate::listener::{AnyListener, Listener};
use crate::observe::Gate;
use crate::session::{self, House, Terms};
use futures_util::FutureExt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};
use trouble::{Kind, Trouble};
use xtra::{Actor, Address, Context, Handler, Mailbox};

/// Connections accepted before others get the thread.
const ACCEPTS_A_TURN: u32 = 16;

/// The part of an acceptor that control messages reach.
#[derive(Debug, Default)]
pub(crate) struct Acceptor {
    stopping: bool,
    paused: bool,
}

/// Tells an acceptor to close its listener. It confirms by `ListenerClosed` in the lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseListener;

/// Tells an acceptor to leave connections in the kernel's backlog (`true`), or to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetPaused(pub(crate) bool);

impl Actor for Acceptor {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<CloseListener> for Acceptor {
    type Return = ();

    async fn handle(&mut self, _: CloseListener, _: &mut Context<Self>) {
        self.stopping = true;
    }
}

impl Handler<SetPaused> for Acceptor {
    type Return = ();

    async fn handle(&mut self, paused: SetPaused, _: &mut Context<Self>) {
        self.paused = paused.0;
    }
}

/// What an acceptor works with.
pub(crate) struct Entrance<L, A> {
    pub(crate) listener: L,
    pub(crate) admission: Arc<Admission>,
    pub(crate) ids: Arc<AtomicU64>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) flow_budget: usize,
    pub(crate) house: Arc<House<A>>,
}

/// Accepts until told to stop or broken; confirms its end in the lane, whatever ended it.
async fn run<L: Listener, A: Application>(
    number: u64,
    entrance: Entrance<L, A>,
    mailbox: Mailbox<Acceptor>,
) {
    let lane = entrance.house.lane.clone();
    let accepting = AssertUnwindSafe(accept_all(entrance, mailbox));
    let error = match accepting.catch_unwind().await {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(panic) => Some(panic_message(&*panic)),
    };
    // The supervisor's wrapper outlives its acceptors.
    let _ = lane.say(Lifecycle::ListenerClosed {
        acceptor: number,
        error,
    });
}

/// The error is what broke the listener for good.
async fn accept_all<L: Listener, A: Application>(
    entrance: Entrance<L, A>,
    mailbox: Mailbox<Acceptor>,
) -> io::Result<()> {
    let mut acceptor = Acceptor::default();
    // Kept until it resolves: dropping it while it waits could lose a message.
    let mut next = mailbox.next();
    let mut rest = entrance.house.clock.timer();
    let mut resting = false;
    let mut trouble = Trouble::new();
    let mut accepted = 0;

    while !acceptor.stopping {
        let turn = {
            let mut accept = pin!(entrance.listener.accept());
            poll_fn(|cx| {
                if let Poll::Ready(message) = next.poll_unpin(cx) {
                    return Poll::Ready(Turn::Told(message));
                }
                if acceptor.paused || entrance.gate.poll_open(cx).is_pending() {
                    return Poll::Pending;
                }
                if resting {
                    return rest.poll(cx).map(|()| Turn::Rested);
                }
                accept.as_mut().poll(cx).map(Turn::Arrived)
            })
            .await
        };
        let now = entrance.house.clock.now();
        match turn {
            Turn::Told(message) => {
                if message.dispatch_to(&mut acceptor).await.is_break() {
                    return Ok(());
                }
                next = mailbox.next();
            }
            Turn::Rested => match trouble.may_try() {
                Ok(()) => resting = false,
                Err(again) => rest.set(Some(now + again)),
            },
            Turn::Arrived(Ok((stream, peer, local))) => {
                if let Some(lasted) = trouble.over(now) {
                    entrance.say(|listener| Lifecycle::AcceptResumed { listener, lasted });
                }
                entrance.admit(stream, peer, local);
                accepted += 1;
                if accepted % ACCEPTS_A_TURN == 0 {
                    async_std::task::yield_now().await;
                }
            }
            Turn::Arrived(Err(error)) => match Kind::of(&error) {
                Kind::OneConnection => {}
                Kind::Fatal => return Err(error),
                kind => {
                    let (pause, first) = trouble.strikes(kind, now);
                    if first {
                        let error = error.to_string();
                        entrance.say(|listener| Lifecycle::AcceptFailed {
                            listener,
                            error,
                            pause,
                        });
                    }
                    rest.set(Some(now + pause));
                    resting = true;
                }
            },
        }
    }
    Ok(())
}

enum Turn<M, S> {
    Told(M),
    Rested,
    Arrived(io::Result<(S, SocketAddr, SocketAddr)>),
}

/// Opens listeners, whatever the application is.
pub(crate) trait Doors: Send + Sync {
    /// Starts an acceptor, with this number, for this listener.
    fn open(&self, number: u64, listener: AnyListener) -> Address<Acceptor>;

    /// Tells the application that a drain has begun.
    fn draining(&self, deadline: Duration);
}

impl<A: Application> Doors for Entrance<(), A> {
    fn open(&self, number: u64, listener: AnyListener) -> Address<Acceptor> {
        let (address, mailbox) = Mailbox::unbounded();
        match listener {
            AnyListener::Tcp(tcp) => {
                async_std::task::spawn(run(number, self.with(tcp), mailbox));
            }
            #[cfg(any(test, feature = "testing"))]
            AnyListener::Memory(memory) => {
                async_std::task::spawn(run(number, self.with(memory), mailbox));
            }
        }
        address
    }

    fn draining(&self, deadline: Duration) {
        self.house.application.draining(deadline);
    }
}

impl<A> Entrance<(), A> {
    /// The same, for this listener.
    fn with<L>(&self, listener: L) -> Entrance<L, A> {
        Entrance {
            listener,
            admission: Arc::clone(&self.admission),
            ids: Arc::clone(&self.ids),
            gate: Arc::clone(&self.gate),
            flow_budget: self.flow_budget,
            house: Arc::clone(&self.house),
        }
    }
}

impl<L: Listener, A: Application> Entrance<L, A> {
    fn say(&self, word: impl FnOnce(SocketAddr) -> Lifecycle) {
        // The supervisor's wrapper outlives its acceptors.
        let _ = self.house.lane.say(word(self.listener.address()));
    }

    fn admit(&self, stream: L::Stream, peer: SocketAddr, local: SocketAddr) {
        let connection = Arc::new(Connection {
            id: ConnectionId::new(self.ids.fetch_add(1, Ordering::Relaxed)),
            direction: Direction::Inbound,
            peer,
            local,
            listener: self.listener.address(),
            begun: SystemTime::now(),
        });
        let accepted = self.house.clock.now();
        let line = Line::new(connection, self.flow_budget);
        match self.admission.admit(peer.ip(), &line, accepted) {
            Ok(permit) => self.begin(stream, line, permit, accepted),
            Err(refusal) => {
                drop(stream);
                let word = Lifecycle::Refused {
                    connection: Arc::clone(&line.connection),
                    refusal,
                };
                let _ = self.house.lane.say(word);
            }
        }
    }

    /// `Accepted` is in the lane before the session exists, so nothing about it can come first.
    fn begin(&self, stream: L::Stream, line: Arc<Line>, permit: Permit, accepted: Instant) {
        let (address, mailbox) = Mailbox::unbounded();
        let word = Lifecycle::Accepted {
            line: Arc::clone(&line),
            session: address,
            at: accepted,
        };
        if self.house.lane.say(word).is_err() {
            return;
        }
        let session = session::run(Terms {
            stream,
            line: Arc::clone(&line),
            permit,
            mailbox,
            accepted,
            house: Arc::clone(&self.house),
        });
        let (lane, clock) = (self.house.lane.clone(), self.house.clock.clone());
        async_std::task::spawn(Ending::new(line, lane, clock, Box::pin(session)));
    }
}
