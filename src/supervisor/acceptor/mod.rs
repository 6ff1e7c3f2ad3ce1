//! The acceptor actor, one per listening socket: it accepts connections, has them admitted, and spawns
//! their sessions. It never waits for another actor.

mod backoff;

use super::ingress::{AcceptorContext, Addresses};
use crate::panic::panic_message;
use crate::session::{Application, Lifecycle};
use crate::transport::{AnyListener, Listener};
use backoff::{AcceptBackoff, AcceptErrorKind};
use futures_util::FutureExt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use xtra::{Actor, Address, Context, Handler, Mailbox};

/// How many connections are accepted before the task yields.
const ACCEPTS_A_TURN: u32 = 16;

/// The part of an acceptor that control messages reach.
#[derive(Debug, Default)]
pub(crate) struct Acceptor {
    stopping: bool,
    paused: bool,
}

/// Tells an acceptor to close its listener. It confirms by reporting `ListenerClosed`.
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

/// Starts acceptors without naming the type of the application.
pub(crate) trait AcceptorFactory: Send + Sync {
    /// Starts an acceptor, with this number, for this listener.
    fn start(&self, number: u64, listener: AnyListener) -> Address<Acceptor>;

    /// Adds threads, because handlers may have blocked some for good.
    fn add_threads(&self);

    /// Tells the application that a drain has begun.
    fn draining(&self, deadline: Duration);
}

impl<A: Application> AcceptorFactory for Arc<AcceptorContext<A>> {
    fn start(&self, number: u64, listener: AnyListener) -> Address<Acceptor> {
        let (address, mailbox) = Mailbox::unbounded();
        let context = Arc::clone(self);
        match listener {
            AnyListener::Tcp(tcp) => {
                self.workers.spawn(run(number, tcp, context, mailbox));
            }
            #[cfg(any(test, feature = "testing"))]
            AnyListener::Memory(memory) => {
                self.workers.spawn(run(number, memory, context, mailbox));
            }
        }
        address
    }

    fn add_threads(&self) {
        self.workers.add_threads();
    }

    fn draining(&self, deadline: Duration) {
        self.session.application.draining(deadline);
    }
}

/// Accepts until the acceptor is asked to stop or its listener breaks, and then reports the end in
/// every case.
async fn run<L: Listener, A: Application>(
    number: u64,
    listener: L,
    context: Arc<AcceptorContext<A>>,
    mailbox: Mailbox<Acceptor>,
) {
    let lifecycle = context.session.lifecycle.clone();
    let accepting = AssertUnwindSafe(accept_all(listener, context, mailbox));
    let error = match accepting.catch_unwind().await {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(panic) => Some(panic_message(&*panic)),
    };
    // After the supervisor's end the report is not needed.
    let _ = lifecycle.send(Lifecycle::ListenerClosed {
        acceptor: number,
        error,
    });
}

/// Accepts connections until asked to stop. The error is what broke the listener for good.
async fn accept_all<L: Listener, A: Application>(
    listener: L,
    context: Arc<AcceptorContext<A>>,
    mailbox: Mailbox<Acceptor>,
) -> io::Result<()> {
    let address = listener.address();
    let mut acceptor = Acceptor::default();
    // This future is kept until it resolves, because dropping it while it waits could lose a message.
    let mut next = mailbox.next();
    let mut pause_timer = context.session.clock.timer();
    let mut pausing = false;
    let mut backoff = AcceptBackoff::new();
    let mut accepted = 0;

    while !acceptor.stopping {
        let turn = {
            let mut accept = pin!(listener.accept());
            poll_fn(|cx| {
                if let Poll::Ready(message) = next.poll_unpin(cx) {
                    return Poll::Ready(AcceptorEvent::Message(message));
                }
                if acceptor.paused || context.gate.poll_open(cx).is_pending() {
                    return Poll::Pending;
                }
                if pausing {
                    return pause_timer.poll(cx).map(|()| AcceptorEvent::PauseOver);
                }
                accept.as_mut().poll(cx).map(AcceptorEvent::Accepted)
            })
            .await
        };
        let now = context.session.clock.now();
        match turn {
            AcceptorEvent::Message(message) => {
                if message.dispatch_to(&mut acceptor).await.is_break() {
                    return Ok(());
                }
                next = mailbox.next();
            }
            AcceptorEvent::PauseOver => match backoff.may_try() {
                Ok(()) => pausing = false,
                Err(again) => pause_timer.set(Some(now + again)),
            },
            AcceptorEvent::Accepted(Ok((stream, peer, local))) => {
                if let Some(duration) = backoff.recovered(now) {
                    context.report(Lifecycle::AcceptResumed {
                        listener: address,
                        duration,
                    });
                }
                let addresses = Addresses {
                    peer,
                    local,
                    listener: address,
                };
                context.arrive(stream, addresses);
                accepted += 1;
                if accepted % ACCEPTS_A_TURN == 0 {
                    async_std::task::yield_now().await;
                }
            }
            AcceptorEvent::Accepted(Err(error)) => match AcceptErrorKind::of(&error) {
                AcceptErrorKind::OneConnection => {}
                AcceptErrorKind::Fatal => return Err(error),
                kind => {
                    let (pause, first) = backoff.failed(kind, now);
                    if first {
                        let error = error.to_string();
                        context.report(Lifecycle::AcceptFailed {
                            listener: address,
                            error,
                            pause,
                        });
                    }
                    pause_timer.set(Some(now + pause));
                    pausing = true;
                }
            },
        }
    }
    Ok(())
}

enum AcceptorEvent<M, S> {
    Message(M),
    PauseOver,
    Accepted(io::Result<(S, SocketAddr, SocketAddr)>),
}
