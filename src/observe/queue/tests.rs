use super::*;
use crate::connection::{Connection, ConnectionId, Direction};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

/// An event that may be shed.
fn accepted() -> Event {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
    Event::Accepted(Arc::new(Connection {
        id: ConnectionId::new(1),
        direction: Direction::Inbound,
        peer: address,
        local: address,
        listener: address,
        begun: SystemTime::UNIX_EPOCH,
    }))
}

fn opens(gate: &Gate, subscribers: &Subscribers) -> bool {
    let began = Instant::now();
    while !gate.is_open() || subscribers.undelivered() > 0 {
        if began.elapsed() > Duration::from_secs(2) {
            return false;
        }
        std::hint::spin_loop();
    }
    true
}

#[test]
fn the_gate_opens_again_however_closely_the_reader_follows() {
    let gate = Arc::new(Gate::default());
    let mut subscribers = Subscribers::new(Arc::clone(&gate));
    let mut subscription = subscribers.subscribe(EventFilter::all(), 1);
    let reader = thread::spawn(move || while subscription.next_blocking().is_some() {});
    let event = accepted();
    for round in 0..2_000 {
        subscribers.publish(&event);
        subscribers.publish(&event);
        assert!(opens(&gate, &subscribers), "in round {round}");
    }
    drop(subscribers);
    reader.join().unwrap();
}

#[test]
fn the_gate_opens_again_when_a_subscription_is_dropped_at_any_moment() {
    let gate = Arc::new(Gate::default());
    let mut subscribers = Subscribers::new(Arc::clone(&gate));
    let (sender, subscriptions) = std::sync::mpsc::channel();
    let dropping = thread::spawn(move || subscriptions.into_iter().for_each(drop));
    let event = accepted();
    for round in 0..2_000 {
        sender
            .send(subscribers.subscribe(EventFilter::all(), 1))
            .unwrap();
        subscribers.publish(&event);
        subscribers.publish(&event);
        let began = Instant::now();
        while !gate.is_open() {
            assert!(began.elapsed() < Duration::from_secs(2), "in round {round}");
            std::hint::spin_loop();
        }
    }
    drop(sender);
    dropping.join().unwrap();
}
