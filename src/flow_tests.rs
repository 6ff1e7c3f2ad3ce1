use super::*;
use crate::connection::Direction;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::task::Wake;
use std::time::SystemTime;

fn line(budget: usize) -> Arc<Line> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
    let connection = Connection {
        id: ConnectionId::new(1),
        direction: Direction::Inbound,
        peer: address,
        local: address,
        listener: address,
        begun: SystemTime::UNIX_EPOCH,
    };
    Line::new(Arc::new(connection), budget)
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
    let line = line(100);
    let flow = Flow::new(Arc::clone(&line));
    flow.send("one").unwrap();
    flow.send("two").unwrap();
    assert_eq!(line.pop().unwrap(), "one");
    assert_eq!(line.pop().unwrap(), "two");
    assert_eq!(line.pop(), None);
    assert_eq!(flow.queued(), 0);
}

#[test]
fn the_budget_itself_fits_and_one_byte_more_comes_back() {
    let flow = Flow::new(line(6));
    flow.send("abc").unwrap();
    flow.send("def").unwrap();
    assert_eq!(
        flow.send("g").unwrap_err(),
        SendError::Full(Bytes::from("g"))
    );
}

#[test]
fn a_closed_flow_gives_the_message_back_and_keeps_nothing() {
    let line = line(100);
    let flow = Flow::new(Arc::clone(&line));
    flow.send("left behind").unwrap();
    line.clear();
    let error = flow.send("too late").unwrap_err();
    assert_eq!(error.into_message(), "too late");
    assert_eq!(line.pop(), None);
    assert!(!flow.is_open());
}

#[test]
fn a_sleeping_session_is_woken_by_a_message_and_an_awake_one_is_not() {
    let line = line(100);
    let flow = Flow::new(Arc::clone(&line));
    let woken = Arc::new(Counting::default());
    let waker = Waker::from(Arc::clone(&woken));

    let seen = line.unpark();
    assert!(line.park(seen.news, &waker));
    flow.send("wakes").unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);

    let seen = line.unpark();
    flow.send("a reply from its own handler").unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(
        !line.park(seen.news, &waker),
        "there is news, so it must not sleep"
    );
}

#[test]
fn the_first_cause_stays_and_the_shortest_grace_counts() {
    let line = line(100);
    line.trip(CloseCause::Drain, Duration::from_secs(8));
    line.trip(CloseCause::DrainDeadline, Duration::ZERO);
    let closing = line.closing().unwrap();
    assert_eq!(closing.cause, CloseCause::Drain);
    assert_eq!(closing.grace, Duration::ZERO);
}

#[test]
fn errors_do_not_print_the_message() {
    let error = SendError::Full(Bytes::from("Authorization: Digest response=secret"));
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[test]
fn a_flow_is_held_open_while_one_hold_lives() {
    let line = line(100);
    let flow = Flow::new(Arc::clone(&line));
    let first = flow.keep_open();
    let second = flow.keep_open();
    drop(first);
    assert!(line.held_open());
    drop(second);
    assert!(!line.held_open());
}
