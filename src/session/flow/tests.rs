use super::*;
use crate::connection::Direction;
use crate::session::handle::CloseRequest;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::SystemTime;

fn session_handle(budget: usize) -> Arc<SessionHandle> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
    let connection = Connection {
        id: ConnectionId::new(1),
        direction: Direction::Inbound,
        peer: address,
        local: address,
        listener: address,
        begun: SystemTime::UNIX_EPOCH,
    };
    SessionHandle::new(Arc::new(connection), budget).0
}

#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn messages_come_out_in_the_order_they_went_in() {
    let handle = session_handle(100);
    let flow = Flow::new(Arc::clone(&handle));
    flow.send("one").unwrap();
    flow.send("two").unwrap();
    assert_eq!(handle.pop().unwrap(), "one");
    assert_eq!(handle.pop().unwrap(), "two");
    assert_eq!(handle.pop(), None);
    assert_eq!(flow.queued(), 0);
}

#[test]
fn the_budget_itself_fits_and_one_byte_more_comes_back() {
    let flow = Flow::new(session_handle(6));
    flow.send("abc").unwrap();
    flow.send("def").unwrap();
    assert_eq!(
        flow.send("g").unwrap_err(),
        SendError::Full(Bytes::from("g"))
    );
}

#[test]
fn a_closed_flow_gives_the_message_back_and_keeps_nothing() {
    let handle = session_handle(100);
    let flow = Flow::new(Arc::clone(&handle));
    flow.send("left behind").unwrap();
    handle.clear();
    let error = flow.send("too late").unwrap_err();
    assert_eq!(error.into_message(), "too late");
    assert_eq!(handle.pop(), None);
    assert!(!flow.is_open());
}

#[test]
fn a_sleeping_session_is_woken_by_a_message_and_an_awake_one_is_not() {
    let handle = session_handle(100);
    let flow = Flow::new(Arc::clone(&handle));
    let woken = Arc::new(Counting::default());
    let waker = Waker::from(Arc::clone(&woken));

    let seen = handle.unpark();
    assert!(handle.park(seen.change, &waker));
    flow.send("wakes").unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);

    let seen = handle.unpark();
    flow.send("a reply from its own handler").unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(
        !handle.park(seen.change, &waker),
        "there was a change, so it must not sleep"
    );
}

/// What a session closes with after these requests, with how many seconds of grace each.
fn requested(requests: [(CloseCause, u64); 2]) -> (CloseCause, u64) {
    let handle = session_handle(100);
    for (cause, seconds) in requests {
        let grace = Duration::from_secs(seconds);
        handle.note_close_request(CloseRequest { cause, grace });
    }
    let request = handle.close_request().unwrap();
    (request.cause, request.grace.as_secs())
}

#[test]
fn the_first_cause_stays_and_the_shortest_grace_counts() {
    use CloseCause::{Drain, DrainDeadline, Operator};
    assert_eq!(requested([(Operator, 8), (Drain, 1)]), (Operator, 1));
    assert_eq!(
        requested([(Operator, 1), (DrainDeadline, 8)]),
        (Operator, 1)
    );
    assert_eq!(
        requested([(Drain, 8), (DrainDeadline, 0)]),
        (DrainDeadline, 0)
    );
}

#[test]
fn errors_do_not_print_the_message() {
    let error = SendError::Full(Bytes::from("Authorization: Digest response=secret"));
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[test]
fn a_flow_is_held_open_while_one_hold_lives() {
    let handle = session_handle(100);
    let flow = Flow::new(Arc::clone(&handle));
    let first = flow.keep_open();
    let second = flow.keep_open();
    drop(first);
    assert!(handle.held_open());
    drop(second);
    assert!(!handle.held_open());
}
