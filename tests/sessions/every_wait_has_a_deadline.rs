//! Nothing is waited for without a deadline, and every end by one names it. Time is moved by hand.

use async_std::task::block_on;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use sipward::control::Inspection;
use sipward::sip::Message;
use sipward::testing::ManualClock;
use sipward::{
    CloseCause, ConnectionId, Deadlines, Discard, EventKind, Flow, HandshakeCause, KeepOpen, Phase,
    Ready, SipSession,
};
use sipward_tests::peer;
use sipward_tests::peer::lab::{Caller, Lab, lab};
use sipward_tests::peer::{Hosting, closed, failed, in_time, ready, request, until};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MILLI: Duration = Duration::from_millis(1);

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Moves the clock to just before a deadline, which changes nothing, and then onto it.
async fn pass(lab: &Lab, deadline: Duration) {
    lab.armed(deadline).await;
    lab.clock.advance(deadline - MILLI);
    let counts = lab.handle.snapshot().await.unwrap().inbound;
    assert_eq!(counts.open + counts.handshaking, 1, "it is not time yet");
    lab.clock.advance(MILLI);
}

async fn inspect(lab: &Lab, id: ConnectionId) -> Inspection {
    in_time(lab.handle.inspect(id)).await.unwrap().unwrap()
}

/// Waits until that many whole messages have been handled or begun.
async fn messages(lab: &Lab, id: ConnectionId, count: u64) {
    in_time(async { while inspect(lab, id).await.summary.stats.messages_in < count {} }).await;
}

/// The session ends with this cause after this long, and says goodbye.
async fn ends(lab: &Lab, mut caller: Caller, cause: CloseCause, after: Duration) {
    assert_eq!(caller.rest().await, (Vec::new(), true));
    drop(caller);
    let end = closed(&lab.events).await;
    assert_eq!((&end.cause, end.duration), (&cause, after));
}

#[test]
fn a_peer_that_says_nothing_has_the_handshake_deadline() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.dial();
        in_time(lab.events.next_of(EventKind::Accepted)).await;
        pass(&lab, seconds(10)).await;
        let end = failed(&lab.events).await;
        assert_eq!(end.failure.cause, HandshakeCause::TimeoutSilent);
        assert_eq!(
            (end.failure.phase, end.elapsed),
            (Phase::Hello, seconds(10))
        );
        assert_eq!(caller.wire.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn a_peer_that_stops_in_the_middle_has_the_same_and_is_told_apart() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.dial();
        in_time(caller.push()).await.unwrap();
        in_time(caller.pull()).await.unwrap();
        pass(&lab, seconds(10)).await;
        let end = failed(&lab.events).await;
        assert_eq!(end.failure.cause, HandshakeCause::TimeoutStalled);
        assert_eq!(
            (end.failure.phase, end.elapsed),
            (Phase::Negotiation, seconds(10))
        );
    });
}

#[test]
fn dripping_bytes_do_not_extend_a_handshake() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.dial();
        let hello = caller.flight();
        in_time(lab.events.next_of(EventKind::Accepted)).await;
        lab.armed(seconds(10)).await;
        for byte in &hello[..9] {
            caller.wire.write_all(&[*byte]).await.unwrap();
            lab.clock.advance(seconds(1));
            lab.handle.snapshot().await.unwrap();
        }
        pass(&lab, seconds(1)).await;
        let end = failed(&lab.events).await;
        assert_eq!(end.failure.cause, HandshakeCause::TimeoutStalled);
        assert_eq!(
            (end.failure.phase, end.elapsed),
            (Phase::Hello, seconds(10))
        );
    });
}

#[test]
fn a_session_that_never_speaks_has_the_first_message_deadline() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        lab.armed(seconds(60)).await;
        // Keep-alives are no messages.
        caller.send("\r\n\r\n").await;
        caller.expect("\r\n").await;
        let next = inspect(&lab, id).await.next_deadline;
        assert_eq!(next, Some((seconds(60), CloseCause::FirstMessageTimeout)));
        pass(&lab, seconds(60)).await;
        ends(&lab, caller, CloseCause::FirstMessageTimeout, seconds(60)).await;
    });
}

#[test]
fn a_message_that_is_begun_has_to_be_finished() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 1).await;
        let begun = format!("OPTIONS sip:a SIP/2.0\r\nSubject: {}", "s".repeat(4000));
        caller.send(begun).await;
        lab.armed(seconds(30)).await;
        // Bytes that drip do not help.
        lab.clock.advance(seconds(20));
        caller.send("Via: a\r\n").await;
        pass(&lab, seconds(10)).await;
        ends(&lab, caller, CloseCause::PartialMessageTimeout, seconds(30)).await;
    });
}

#[test]
fn a_record_that_is_begun_has_to_be_finished_though_nothing_of_it_is_seen() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 1).await;
        caller.tls.writer().write_all(&[b'm'; 8000]).unwrap();
        let record = caller.flight();
        caller.wire.write_all(&record[..5000]).await.unwrap();
        lab.armed(seconds(30)).await;
        // 5,000 bytes came within the first 5 s, and so are fast enough for 55.
        pass(&lab, seconds(30)).await;
        ends(&lab, caller, CloseCause::PartialMessageTimeout, seconds(30)).await;
    });
}

#[test]
fn a_message_that_trickles_ends_its_session_sooner() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 1).await;
        // 5 s, and one more for each hundred bytes.
        caller
            .send(format!("OPTIONS sip:{} SIP", "a".repeat(184)))
            .await;
        pass(&lab, seconds(7)).await;
        ends(&lab, caller, CloseCause::PartialMessageTimeout, seconds(7)).await;
    });
}

/// Takes the peer at its word once it says REGISTER.
struct Trusting(Flow);

impl SipSession for Trusting {
    async fn message(&mut self, message: Message) {
        if message.method() == Some("REGISTER") {
            self.0.mark_authenticated();
        }
    }
}

#[test]
fn a_peer_that_proves_nothing_has_the_authentication_deadline_however_much_it_talks() {
    block_on(async {
        let mut deadlines = Deadlines::default();
        deadlines.authentication = Some(seconds(40));
        let application = Hosting(|_: &Ready, flow| Trusting(flow));
        let lab = lab(application, |builder| builder.deadlines(deadlines)).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        lab.armed(seconds(40)).await;
        lab.clock.advance(seconds(39));
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 1).await;
        pass(&lab, seconds(1)).await;
        ends(&lab, caller, CloseCause::AuthenticationTimeout, seconds(40)).await;

        let mut caller = lab.call().await;
        ready(&lab.events).await;
        caller.send(request("REGISTER", "")).await;
        pass(&lab, seconds(300)).await;
        ends(&lab, caller, CloseCause::IdleTimeout, seconds(300)).await;
    });
}

#[test]
fn a_silent_session_is_idle_after_a_while_counted_from_its_last_byte() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        caller.send(request("OPTIONS", "")).await;
        lab.armed(seconds(300)).await;
        lab.clock.advance(seconds(100));
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 2).await;
        // The alarm that was set earlier rings early, and is set again.
        pass(&lab, seconds(300)).await;
        ends(&lab, caller, CloseCause::IdleTimeout, seconds(400)).await;
    });
}

/// Holds its session open until the test lets go.
struct Bound {
    flow: Flow,
    hold: Arc<Mutex<Option<KeepOpen>>>,
}

impl SipSession for Bound {
    async fn message(&mut self, _: Message) {
        *self.hold.lock().unwrap() = Some(self.flow.keep_open());
    }
}

#[test]
fn a_session_held_open_is_never_idle_and_one_let_go_is_again() {
    block_on(async {
        let hold: Arc<Mutex<Option<KeepOpen>>> = Arc::default();
        let held = Arc::clone(&hold);
        let application = Hosting(move |_: &Ready, flow| Bound {
            flow,
            hold: Arc::clone(&held),
        });
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        lab.armed(seconds(60)).await;
        caller.send(request("REGISTER", "")).await;
        until(|| hold.lock().unwrap().is_some()).await;
        in_time(async { while inspect(&lab, id).await.next_deadline.is_some() {} }).await;
        assert!(inspect(&lab, id).await.held_open);
        lab.clock.advance(seconds(1_000_000));
        caller.send("\r\n\r\n").await;
        caller.expect("\r\n").await;

        lab.clock.advance(seconds(200));
        *hold.lock().unwrap() = None;
        // 300 s from the ping, 200 of which have passed.
        pass(&lab, seconds(100)).await;
        ends(&lab, caller, CloseCause::IdleTimeout, seconds(1_000_300)).await;
    });
}

#[test]
fn a_peer_that_takes_nothing_has_the_stalled_write_deadline() {
    block_on(async {
        let lab = lab(peer::echo(), |builder| builder.flow_budget(1_000_000)).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        // More answers than the pipe holds.
        for number in 1..=6 {
            caller.send(request("MESSAGE", &"b".repeat(30_000))).await;
            messages(&lab, id, number).await;
        }
        lab.armed(seconds(30)).await;
        let next = inspect(&lab, id).await.next_deadline;
        assert_eq!(next, Some((seconds(30), CloseCause::WriteStalled)));
        lab.clock.advance(seconds(20));
        // Whoever takes even a little has all of the time again.
        in_time(caller.pull()).await.unwrap();
        pass(&lab, seconds(30)).await;
        // What was owed may still leave for a moment, and does not.
        lab.armed(seconds(1)).await;
        lab.clock.advance(seconds(1));
        let end = closed(&lab.events).await;
        assert_eq!(end.cause, CloseCause::WriteStalled);
        assert_eq!(end.duration, seconds(51));
    });
}

#[test]
fn a_ping_does_not_save_a_peer_that_takes_nothing() {
    block_on(async {
        let lab = lab(peer::echo(), |builder| builder.flow_budget(1_000_000)).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        for number in 1..=8 {
            caller.send(request("MESSAGE", &"b".repeat(30_000))).await;
            messages(&lab, id, number).await;
        }
        assert!(inspect(&lab, id).await.queued > 0, "nothing more fits");
        caller.send("\r\n\r\n").await;
        pass(&lab, seconds(30)).await;
        lab.armed(seconds(1)).await;
        lab.clock.advance(seconds(1));
        let end = closed(&lab.events).await;
        assert_eq!(end.cause, CloseCause::WriteStalled);
    });
}

#[test]
fn a_handler_that_hangs_does_not_hide_a_stalled_write() {
    struct Flooding(Flow);
    impl SipSession for Flooding {
        async fn message(&mut self, message: Message) {
            while self.0.send(message.bytes().clone()).is_ok() {}
            std::future::pending().await
        }
    }
    block_on(async {
        let application = Hosting(|_: &Ready, flow| Flooding(flow));
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        ready(&lab.events).await;
        caller.send(request("MESSAGE", &"b".repeat(30_000))).await;
        pass(&lab, seconds(30)).await;
        lab.armed(seconds(1)).await;
        lab.clock.advance(seconds(1));
        assert_eq!(closed(&lab.events).await.cause, CloseCause::WriteStalled);
    });
}

#[test]
fn a_peer_that_closed_its_half_has_to_take_the_rest_in_time() {
    block_on(async {
        let lab = lab(peer::echo(), |builder| builder.flow_budget(1_000_000)).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        for number in 1..=6 {
            caller.send(request("MESSAGE", &"b".repeat(30_000))).await;
            messages(&lab, id, number).await;
        }
        caller.hang_up().await;
        pass(&lab, seconds(5)).await;
        lab.armed(seconds(1)).await;
        lab.clock.advance(seconds(1));
        let end = closed(&lab.events).await;
        assert_eq!(end.cause, CloseCause::HalfClosedTimeout);
        assert_eq!(end.duration, seconds(6));
    });
}

#[test]
fn while_a_handler_runs_the_peer_is_not_blamed_for_its_silence() {
    struct Patient(Arc<Mutex<bool>>);
    impl SipSession for Patient {
        async fn message(&mut self, _: Message) {
            let _busy = until(|| *self.0.lock().unwrap()).await;
        }
    }
    block_on(async {
        let done = Arc::new(Mutex::new(false));
        let gate = Arc::clone(&done);
        let application = Hosting(move |_: &Ready, _| Patient(Arc::clone(&gate)));
        let lab = lab(application, |builder| builder).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        lab.armed(seconds(60)).await;
        caller.send(request("OPTIONS", "")).await;
        messages(&lab, id, 1).await;
        in_time(async { while inspect(&lab, id).await.next_deadline.is_some() {} }).await;
        lab.clock.advance(seconds(1000));
        assert_eq!(lab.handle.snapshot().await.unwrap().inbound.open, 1);
        // What it sent meanwhile counts as heard when it is read.
        caller.send("\r\n\r\n").await;
        *done.lock().unwrap() = true;
        caller.expect("\r\n").await;
        pass(&lab, seconds(300)).await;
        ends(&lab, caller, CloseCause::IdleTimeout, seconds(1300)).await;
    });
}

#[test]
fn a_peer_is_not_blamed_for_silence_while_messages_of_it_wait_to_be_handled() {
    /// Takes a second over each message.
    struct Slow(ManualClock);
    impl SipSession for Slow {
        async fn message(&mut self, _: Message) {
            self.0.advance(seconds(1));
        }
    }
    block_on(async {
        let mut deadlines = Deadlines::default();
        deadlines.idle = seconds(30);
        let clock = ManualClock::new();
        let theirs = clock.clone();
        let application = Hosting(move |_: &Ready, _| Slow(theirs.clone()));
        let lab = lab(application, |builder| {
            builder.clock(clock.clone()).deadlines(deadlines)
        })
        .await;
        let mut caller = lab.call().await;
        // They are read at once, and more than a session handles in one turn.
        caller.send(request("OPTIONS", "").repeat(35)).await;
        caller.rest().await;
        drop(caller);
        let end = closed(&lab.events).await;
        assert_eq!(end.cause, CloseCause::IdleTimeout);
        assert_eq!(end.stats.messages_in, 35);
    });
}

#[test]
fn deadlines_are_those_that_were_chosen() {
    block_on(async {
        let mut deadlines = Deadlines::default();
        deadlines.handshake = seconds(3);
        deadlines.first_message = seconds(4);
        let lab = lab(Discard, |builder| builder.deadlines(deadlines)).await;
        let silent = lab.dial();
        pass(&lab, seconds(3)).await;
        assert_eq!(failed(&lab.events).await.elapsed, seconds(3));
        drop(silent);
        let caller = lab.call().await;
        pass(&lab, seconds(4)).await;
        ends(&lab, caller, CloseCause::FirstMessageTimeout, seconds(4)).await;
        let figures = lab.handle.snapshot().await.unwrap();
        assert_eq!(figures.deadlines, deadlines);
    });
}
