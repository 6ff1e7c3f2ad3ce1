//! Actor: one per listener. Accepts, asks admission, spawns sessions; never waits for anybody else.

use crate::admission::{Admission, Permit};
use crate::application::Application;
use crate::connection::{Connection, ConnectionId, Direction};
use crate::ending::{Ending, panic_message};
use crate::flow::Line;
use crate::lane::Lifecycle;
use crate::listener::Listener;
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
use xtra::{Actor, Context, Handler, Mailbox};

/// How long a listener rests after an error that a retry may cure: long enough not to spin when
/// descriptors have run out, short enough not to be felt.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections accepted before others get the thread.
const ACCEPTS_A_TURN: u32 = 16;

/// The part of an acceptor that control messages reach.
#[derive(Debug, Default)]
pub(crate) struct Acceptor {
    stopping: bool,
}

/// Tells an acceptor to close its listener. It confirms by `ListenerClosed` in the lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopListening;

impl Actor for Acceptor {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<StopListening> for Acceptor {
    type Return = ();

    async fn handle(&mut self, _: StopListening, _: &mut Context<Self>) {
        self.stopping = true;
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

/// Accepts until told to stop; confirms its end in the lane, whatever ended it.
pub(crate) async fn run<L: Listener, A: Application>(
    entrance: Entrance<L, A>,
    mailbox: Mailbox<Acceptor>,
) {
    let listener = entrance.listener.address();
    let lane = entrance.house.lane.clone();
    let accepting = AssertUnwindSafe(accept_all(entrance, mailbox));
    let error = match accepting.catch_unwind().await {
        Ok(()) => None,
        Err(panic) => Some(panic_message(&*panic)),
    };
    // The supervisor's wrapper outlives its acceptors.
    let _ = lane.say(Lifecycle::ListenerClosed { listener, error });
}

async fn accept_all<L: Listener, A: Application>(
    entrance: Entrance<L, A>,
    mailbox: Mailbox<Acceptor>,
) {
    let mut acceptor = Acceptor::default();
    // Kept until it resolves: dropping it while it waits could lose a message.
    let mut next = mailbox.next();
    let mut timer = entrance.house.clock.timer();
    let mut accepted = 0;
    let mut failing = false;

    while !acceptor.stopping {
        let arrival = {
            let mut accept = pin!(entrance.listener.accept());
            poll_fn(|cx| {
                if let Poll::Ready(message) = next.poll_unpin(cx) {
                    return Poll::Ready(Turn::Told(message));
                }
                if entrance.gate.poll_open(cx).is_pending() {
                    return Poll::Pending;
                }
                accept.as_mut().poll(cx).map(Turn::Arrived)
            })
            .await
        };
        match arrival {
            Turn::Told(message) => {
                if message.dispatch_to(&mut acceptor).await.is_break() {
                    return;
                }
                next = mailbox.next();
            }
            Turn::Arrived(Ok((stream, peer, local))) => {
                failing = false;
                entrance.admit(stream, peer, local);
                accepted += 1;
                if accepted % ACCEPTS_A_TURN == 0 {
                    async_std::task::yield_now().await;
                }
            }
            // The connection was gone before it was accepted; the listener is well.
            Turn::Arrived(Err(error)) if is_about_one_connection(&error) => {}
            Turn::Arrived(Err(error)) => {
                if !failing {
                    failing = true;
                    let _ = entrance.house.lane.say(Lifecycle::AcceptFailed {
                        listener: entrance.listener.address(),
                        error: error.to_string(),
                        pause: PAUSE,
                    });
                }
                timer.set(Some(entrance.house.clock.now() + PAUSE));
                poll_fn(|cx| timer.poll(cx)).await;
            }
        }
    }
}

enum Turn<M, S> {
    Told(M),
    Arrived(io::Result<(S, SocketAddr, SocketAddr)>),
}

impl<A> Entrance<(), A> {
    /// The same, for this listener.
    pub(crate) fn with<L>(self, listener: L) -> Entrance<L, A> {
        Entrance {
            listener,
            admission: self.admission,
            ids: self.ids,
            gate: self.gate,
            flow_budget: self.flow_budget,
            house: self.house,
        }
    }
}

impl<L: Listener, A: Application> Entrance<L, A> {
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

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NotConnected
    )
}
