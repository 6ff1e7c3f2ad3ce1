//! Behind a load balancer the PROXY protocol supplies the address that limits, events and logs use;
//! it is believed from listed networks only, and a header that never comes costs nobody anything.

use async_std::task::block_on;
use rustls::{ClientConnection, ServerName, StreamOwned};
use sipward::testing::ManualClock;
use sipward::{AdmissionLimits, Discard, Event, EventKind, ProxyProtocol, RefusalCause, Refused};
use sipward_tests::peer::{Bed, bed_with, in_time, tcp};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 40112 5061\r\n";

fn loopback() -> ProxyProtocol {
    ProxyProtocol::from(vec!["127.0.0.0/8".parse().unwrap()])
}

async fn bed(rule: ProxyProtocol) -> Bed {
    bed_with(Discard, |builder| builder.proxy_protocol(rule)).await
}

/// A client that comes through a load balancer with this header.
fn through(bed: &Bed, header: &[u8]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut stream = tcp(bed.address());
    stream.write_all(header).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(bed.authority.client(), name).unwrap();
    StreamOwned::new(client, stream)
}

async fn refused(bed: &Bed) -> Refused {
    match in_time(bed.events.next_of(EventKind::Refused)).await {
        Event::Refused(refused) => refused,
        _ => unreachable!(),
    }
}

#[test]
fn events_name_the_client_and_not_the_balancer() {
    block_on(async {
        let bed = bed(loopback()).await;
        let mut client = through(&bed, V1);
        client.flush().unwrap();
        let Event::Ready(ready) = in_time(bed.events.next_of(EventKind::Ready)).await else {
            unreachable!()
        };
        assert_eq!(ready.connection.peer.to_string(), "192.0.2.7:40112");
        assert_eq!(ready.connection.local.to_string(), "198.51.100.1:5061");
        assert_eq!(ready.connection.listener, bed.address());
        drop(client);
        let report = in_time(bed.handle.shutdown(Duration::from_secs(1))).await;
        assert!(report.inbound.balanced());
    });
}

#[test]
fn limits_count_the_client_and_not_the_balancer() {
    block_on(async {
        let mut limits = AdmissionLimits::default();
        limits.connections_per_source = 1;
        let bed = bed_with(Discard, |builder| {
            builder.proxy_protocol(loopback()).limits(limits)
        })
        .await;
        let _first = through(&bed, V1);
        in_time(bed.events.next_of(EventKind::Accepted)).await;
        let other = V1.to_vec();
        let other = String::from_utf8(other).unwrap().replace("2.7", "2.8");
        let _second = through(&bed, other.as_bytes());
        in_time(bed.events.next_of(EventKind::Accepted)).await;
        let _third = through(&bed, V1);
        let refused = refused(&bed).await;
        assert_eq!(refused.cause, RefusalCause::PerSourceLimit);
        assert_eq!(refused.connection.peer.ip().to_string(), "192.0.2.7");
    });
}

#[test]
fn what_is_no_header_is_refused() {
    block_on(async {
        let bed = bed(loopback()).await;
        let mut stream = tcp(bed.address());
        stream.write_all(b"\x16\x03\x01\x00\x05hello").unwrap();
        let refused = refused(&bed).await;
        assert_eq!(refused.cause, RefusalCause::ProxyHeaderInvalid);
        assert_eq!(refused.connection.peer, stream.local_addr().unwrap());
        let mut heard = Vec::new();
        // A reset is an end as well: there was input nobody read.
        assert_eq!(stream.read_to_end(&mut heard).unwrap_or(0), 0);
    });
}

#[test]
fn a_header_that_does_not_come_is_waited_for_until_its_deadline_and_no_longer() {
    block_on(async {
        let clock = ManualClock::new();
        let bed = bed_with(Discard, |builder| {
            builder.proxy_protocol(loopback()).clock(clock.clone())
        })
        .await;
        let mut silent = tcp(bed.address());
        silent.write_all(&V1[..10]).unwrap();
        let refusing = refused(&bed);
        let advancing = async {
            loop {
                clock.advance(Duration::from_millis(250));
                async_std::task::yield_now().await;
            }
        };
        let refused = futures_lite::future::or(refusing, advancing).await;
        assert_eq!(refused.cause, RefusalCause::ProxyHeaderTimeout);
        assert_eq!(refused.limit, 5000, "its deadline in milliseconds");
        assert!(refused.current >= refused.limit);
    });
}

#[test]
fn whoever_is_not_listed_is_refused_or_let_in_directly_as_was_chosen() {
    block_on(async {
        let elsewhere = || ProxyProtocol::from(vec!["10.0.0.0/8".parse().unwrap()]);
        let strict = bed(elsewhere()).await;
        let _stream = tcp(strict.address());
        let refused = refused(&strict).await;
        assert_eq!(refused.cause, RefusalCause::ProxyHeaderUntrusted);

        let mut rule = elsewhere();
        rule.direct = true;
        let lenient = bed(rule).await;
        let phone = lenient.phone();
        let ready = in_time(lenient.events.next_of(EventKind::Ready)).await;
        let peer = ready.connection().unwrap().peer;
        assert_eq!(peer, phone.stream.sock.local_addr().unwrap());
    });
}

#[test]
fn a_shutdown_accounts_for_those_whose_header_is_still_to_come() {
    block_on(async {
        let bed = bed(loopback()).await;
        let _silent = tcp(bed.address());
        let mut proxied = through(&bed, V1);
        proxied.flush().unwrap();
        in_time(bed.events.next_of(EventKind::Ready)).await;
        // The silent one came first, so it is in its hall by now.
        let report = in_time(bed.handle.shutdown(Duration::from_secs(5))).await;
        assert_eq!((report.inbound.begun, report.inbound.refused), (2, 1));
        assert!(report.inbound.balanced());
    });
}
