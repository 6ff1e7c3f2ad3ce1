//! Handshakes have threads, sessions have others, and both end with the supervisor: whoever blocks
//! among sessions keeps nobody from coming in.

use async_std::task::{block_on, yield_now};
use futures_lite::future::or;
use sipward::control::{CloseReason, Target};
use sipward::sip::Message;
use sipward::{Application, CloseCause, Flow, Ready, SipSession, Threads};
use sipward_tests::peer::lab::lab;
use sipward_tests::peer::{Gate, Hosting, closed, in_time, ready, request, until};
use sipward_tests::process::alone;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const APART: Threads = Threads::Dedicated {
    handshakes: 1,
    sessions: 1,
};

/// Answers with the name of the thread it was asked on.
struct Located(Flow);

impl SipSession for Located {
    async fn message(&mut self, _: Message) {
        let _ = self.0.send(format!("{}\n", here()));
    }
}

fn located() -> impl Application {
    Hosting(|_: &Ready, flow| Located(flow))
}

fn here() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

#[test]
fn every_message_is_handled_on_a_thread_for_sessions() {
    alone(|| {
        block_on(async {
            let lab = lab(located(), |builder| builder.threads(APART)).await;
            let mut caller = lab.call().await;
            ready(&lab.events).await;
            for _ in 0..3 {
                caller.send(request("OPTIONS", "")).await;
                caller.expect("sip-serve-1\n").await;
            }
        });
    });
}

#[test]
fn conversations_are_opened_on_a_thread_for_handshakes() {
    alone(|| {
        let opened = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&opened);
        let application = Hosting(move |_: &Ready, flow| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = here();
            Located(flow)
        });
        block_on(async {
            let lab = lab(application, |builder| builder.threads(APART)).await;
            let mut caller = lab.call().await;
            ready(&lab.events).await;
            caller.send(request("OPTIONS", "")).await;
            caller.expect("sip-serve-1\n").await;
        });
        assert_eq!(*opened.lock().unwrap(), "sip-shake-1");
    });
}

#[test]
fn the_runtime_runs_everything_when_it_is_to() {
    alone(|| {
        block_on(async {
            let lab = lab(located(), |builder| builder.threads(Threads::Runtime)).await;
            let mut caller = lab.call().await;
            ready(&lab.events).await;
            caller.send(request("OPTIONS", "")).await;
            caller.expect("async-std/runtime\n").await;
        });
    });
}

/// Blocks its thread with a message that asks for it, until the test lets it go.
struct Blocking(Flow, Gate);

impl SipSession for Blocking {
    async fn message(&mut self, message: Message) {
        if message.method() == Some("BLOCK") {
            self.1.block();
        }
        let _ = self.0.send(message.into_bytes());
    }
}

fn blocking() -> (Gate, impl Application) {
    let gate = Gate::default();
    let theirs = gate.clone();
    let application = Hosting(move |_: &Ready, flow| Blocking(flow, theirs.clone()));
    (gate, application)
}

#[test]
fn a_handler_that_blocks_every_thread_for_sessions_keeps_nobody_from_coming_in() {
    alone(|| {
        block_on(async {
            let (gate, application) = blocking();
            let lab = lab(application, |builder| builder.threads(APART)).await;
            let mut first = lab.call().await;
            ready(&lab.events).await;
            first.send(request("BLOCK", "")).await;
            gate.begun(1).await;
            for _ in 0..10 {
                let other = lab.call().await;
                ready(&lab.events).await;
                drop(other);
                closed(&lab.events).await;
            }
            gate.open();
            first.expect(request("BLOCK", "")).await;
        });
    });
}

#[test]
fn a_message_that_was_read_is_handled_though_its_session_is_closed_at_once() {
    alone(|| {
        block_on(async {
            let (gate, application) = blocking();
            let lab = lab(application, |builder| builder.threads(APART)).await;
            let mut first = lab.call().await;
            ready(&lab.events).await;
            first.send(request("BLOCK", "")).await;
            gate.begun(1).await;
            let mut second = lab.call().await;
            let id = ready(&lab.events).await.connection.id;
            second.send(request("OPTIONS", "")).await;
            let read = async || {
                let inspection = lab.handle.inspect(id).await.unwrap().unwrap();
                inspection.summary.stats.messages_in == 1
            };
            // Its session then waits for the thread that is blocked.
            in_time(async { while !read().await {} }).await;
            let (target, reason) = (Target::Connection(id), CloseReason::Operator);
            let told = lab.handle.close(target, reason, Duration::ZERO).await;
            assert_eq!(told, Ok(1));
            gate.open();
            second.expect(request("OPTIONS", "")).await;
            assert_eq!(second.rest().await, (Vec::new(), true));
            drop(second);
            let end = closed(&lab.events).await;
            assert_eq!((end.connection.id, end.stats.messages_in), (id, 1));
            first.expect(request("BLOCK", "")).await;
        });
    });
}

#[test]
fn a_handler_that_blocks_to_the_end_keeps_nobody_else_from_ending() {
    alone(|| {
        block_on(async {
            let (gate, application) = blocking();
            let lab = lab(application, |builder| builder.threads(APART)).await;
            let mut others = Vec::new();
            for _ in 0..5 {
                let mut other = lab.call().await;
                ready(&lab.events).await;
                other.send(request("OPTIONS", "")).await;
                other.expect(request("OPTIONS", "")).await;
                others.push(other);
            }
            let mut first = lab.call().await;
            ready(&lab.events).await;
            first.send(request("BLOCK", "")).await;
            gate.begun(1).await;

            let handle = lab.handle.clone();
            let deadline = Duration::from_secs(8);
            let shutdown = async_std::task::spawn(async move { handle.shutdown(deadline).await });
            lab.armed(deadline).await;
            lab.clock.advance(deadline);
            for _ in 0..5 {
                assert_eq!(closed(&lab.events).await.cause, CloseCause::DrainDeadline);
            }
            let time_passes = async {
                loop {
                    lab.clock.advance(Duration::from_millis(100));
                    yield_now().await;
                }
            };
            let report = in_time(or(shutdown, time_passes)).await;
            assert_eq!((report.inbound.closed, report.inbound.open), (5, 1));
            gate.open();
        });
    });
}

#[test]
fn threads_end_with_their_supervisor() {
    alone(|| {
        block_on(async {
            let five = Threads::Dedicated {
                handshakes: 2,
                sessions: 3,
            };
            // Tests of this file share a process: these names are of this supervisor alone.
            let there = || {
                let names = std::fs::read_dir("/proc/self/task").unwrap();
                names
                    .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
                    .filter(|name| ["sip-shake-2", "sip-serve-3"].contains(&name.trim()))
                    .count()
            };
            let lab = lab(located(), |builder| builder.threads(five)).await;
            until(|| there() == 2).await;
            let caller = lab.call().await;
            ready(&lab.events).await;
            lab.handle.shutdown(Duration::ZERO).await;
            drop(caller);
            until(|| there() == 0).await;
        });
    });
}
