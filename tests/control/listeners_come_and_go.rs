//! Listeners are opened, paused and closed while everything else goes on; IPv6, both families on one
//! socket, and several acceptors on one address all work.

use async_std::task::block_on;
use sipward::sip::Message;
use sipward::{Application, Discard, Event, EventKind, Flow, Ready, SipSession, StartError};
use sipward_tests::peer::{Phone, bed, bed_with, in_time, request};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Sends every message back.
struct Echo;

impl Application for Echo {
    type Session = Conversation;

    fn open(&self, _: &Ready, flow: Flow) -> Conversation {
        Conversation(flow)
    }
}

struct Conversation(Flow);

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        self.0.send(message.into_bytes()).unwrap();
    }
}

#[test]
fn a_listener_opened_later_serves_and_its_closing_leaves_its_sessions() {
    block_on(async {
        let bed = bed_with(Echo, |builder| builder).await;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let second = in_time(bed.handle.listen(any)).await.unwrap();
        let mut phone = Phone::connect(second, bed.authority.client()).unwrap();

        assert!(in_time(bed.handle.stop_listening(second)).await.unwrap());
        let closed = in_time(bed.events.next_of(EventKind::ListenerClosed)).await;
        assert!(
            matches!(closed, Event::ListenerClosed { listener, error: None } if listener == second)
        );
        assert!(TcpStream::connect(second).is_err());
        assert!(!in_time(bed.handle.stop_listening(second)).await.unwrap());

        phone.send(request("OPTIONS", "still here"));
        phone.expect(request("OPTIONS", "still here"));
        drop(bed.phone());
    });
}

#[test]
fn an_address_in_use_is_an_error_with_the_remedy_and_changes_nothing() {
    block_on(async {
        let bed = bed().await;
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let error = in_time(bed.handle.listen(address)).await.unwrap_err();
        assert!(matches!(error, StartError::Bind { .. }));
        assert!(error.to_string().contains("choose another port"), "{error}");
        drop(bed.phone());
    });
}

#[test]
fn a_paused_listener_leaves_connections_waiting_and_takes_them_when_resumed() {
    block_on(async {
        let bed = bed().await;
        assert_eq!(in_time(bed.handle.pause(None)).await, Ok(1));
        let address = bed.address();
        let authority = bed.authority.client();
        // The kernel completes the TCP handshake; nobody answers the TLS one.
        let waiting = std::thread::spawn(move || Phone::connect(address, authority).unwrap());
        let before = in_time(bed.handle.snapshot()).await.unwrap();
        assert_eq!(before.inbound.begun, 0);
        assert_eq!(in_time(bed.handle.resume(None)).await, Ok(1));
        in_time(bed.events.next_of(EventKind::Ready)).await;
        drop(waiting.join().unwrap());
    });
}

#[test]
fn ipv6_and_both_families_on_one_socket_are_served() {
    block_on(async {
        let bed = bed().await;
        let six = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
        let six = in_time(bed.handle.listen(six)).await.unwrap();
        drop(Phone::connect(six, bed.authority.client()).unwrap());
        let Event::Ready(ready) = in_time(bed.events.next_of(EventKind::Ready)).await else {
            unreachable!()
        };
        assert!(ready.connection.peer.is_ipv6());

        let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let both = in_time(bed.handle.listen(both)).await.unwrap();
        let four = SocketAddr::from((Ipv4Addr::LOCALHOST, both.port()));
        drop(Phone::connect(four, bed.authority.client()).unwrap());
        let Event::Ready(ready) = in_time(bed.events.next_of(EventKind::Ready)).await else {
            unreachable!()
        };
        assert_eq!(ready.connection.listener, both);
        assert_eq!(ready.connection.local.port(), both.port());
        assert_eq!(
            ready.connection.peer.ip().to_canonical(),
            Ipv4Addr::LOCALHOST
        );
    });
}

#[test]
fn several_acceptors_share_an_address_and_close_as_one_listener() {
    block_on(async {
        let bed = bed_with(Discard, |builder| builder.acceptors(3)).await;
        assert_eq!(bed.handle.listeners().len(), 1);
        let phones: Vec<Phone> = (0..24).map(|_| bed.phone()).collect();
        let mut ids = BTreeSet::new();
        for _ in &phones {
            let ready = in_time(bed.events.next_of(EventKind::Ready)).await;
            ids.insert(ready.connection().unwrap().id);
        }
        assert_eq!(ids.len(), 24);
        let report = in_time(bed.handle.shutdown(Duration::from_secs(2))).await;
        assert!(report.inbound.balanced());
        let events = in_time(bed.events.rest()).await;
        let closings = events
            .iter()
            .filter(|event| event.kind() == EventKind::ListenerClosed);
        assert_eq!(closings.count(), 1);
    });
}
