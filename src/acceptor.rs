//! Actor: one per listener. Accepts, asks admission, spawns sessions; never waits for anybody else.

mod trouble;

use crate::application::Application;
use crate::ending::panic_message;
use crate::entrance::{Ends, Entrance};
use crate::lane::Lifecycle;
use crate::listener::{AnyListener, Listener};
use futures_util::FutureExt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
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

/// Opens listeners, whatever the application is.
pub(crate) trait Doors: Send + Sync {
    /// Starts an acceptor, with this number, for this listener.
    fn open(&self, number: u64, listener: AnyListener) -> Address<Acceptor>;

    /// Adds threads: some may be blocked for good.
    fn reinforce(&self);

    /// Tells the application that a drain has begun.
    fn draining(&self, deadline: Duration);
}

impl<A: Application> Doors for Arc<Entrance<A>> {
    fn open(&self, number: u64, listener: AnyListener) -> Address<Acceptor> {
        let (address, mailbox) = Mailbox::unbounded();
        let entrance = Arc::clone(self);
        match listener {
            AnyListener::Tcp(tcp) => {
                self.workers.spawn(run(number, tcp, entrance, mailbox));
            }
            #[cfg(any(test, feature = "testing"))]
            AnyListener::Memory(memory) => {
                self.workers.spawn(run(number, memory, entrance, mailbox));
            }
        }
        address
    }

    fn reinforce(&self) {
        self.workers.reinforce();
    }

    fn draining(&self, deadline: Duration) {
        self.house.application.draining(deadline);
    }
}

/// Accepts until told to stop or broken; confirms its end in the lane, whatever ended it.
async fn run<L: Listener, A: Application>(
    number: u64,
    listener: L,
    entrance: Arc<Entrance<A>>,
    mailbox: Mailbox<Acceptor>,
) {
    let lane = entrance.house.lane.clone();
    let accepting = AssertUnwindSafe(accept_all(listener, entrance, mailbox));
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
    listener: L,
    entrance: Arc<Entrance<A>>,
    mailbox: Mailbox<Acceptor>,
) -> io::Result<()> {
    let address = listener.address();
    let mut acceptor = Acceptor::default();
    // Kept until it resolves: dropping it while it waits could lose a message.
    let mut next = mailbox.next();
    let mut rest = entrance.house.clock.timer();
    let mut resting = false;
    let mut trouble = Trouble::new();
    let mut accepted = 0;

    while !acceptor.stopping {
        let turn = {
            let mut accept = pin!(listener.accept());
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
                    entrance.say(Lifecycle::AcceptResumed {
                        listener: address,
                        lasted,
                    });
                }
                let ends = Ends {
                    peer,
                    local,
                    listener: address,
                };
                entrance.arrive(stream, ends);
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
                        entrance.say(Lifecycle::AcceptFailed {
                            listener: address,
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
