//! Promise 1: each accepted connection is `Accepted` first, then exactly one of `Refused`,
//! `HandshakeFailed` and `Ready`; each `Ready` gets exactly one `Closed`; after the last, nothing.

use async_std::task::block_on;
use sipward::{
    AdmissionLimits, CloseCause, Deadlines, Direction, Discard, Event, EventKind, HandshakeCause,
    Phase, Plaintext, RefusalCause,
};
use sipward_tests::peer;
use sipward_tests::peer::{bed, bed_with, in_time};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

/// The kinds of the events about each connection, by its id, from a finished supervisor.
fn lives(events: &[Event]) -> std::collections::BTreeMap<u64, Vec<EventKind>> {
    let mut lives = std::collections::BTreeMap::new();
    for event in events {
        if let Some(connection) = event.connection() {
            lives
                .entry(connection.id.number())
                .or_insert_with(Vec::new)
                .push(event.kind());
        }
    }
    lives
}

#[test]
fn a_good_session_is_accepted_then_ready_then_closed() {
    block_on(async {
        let bed = bed().await;
        let mut phone = bed.phone();
        let Event::Ready(ready) = in_time(bed.events.next_of(EventKind::Ready)).await else {
            unreachable!()
        };
        assert_eq!(
            ready.connection.peer,
            phone.stream.sock.local_addr().unwrap()
        );
        assert_eq!(ready.connection.local, bed.address());
        assert_eq!(ready.connection.listener, bed.address());
        assert_eq!(ready.connection.direction, Direction::Inbound);
        assert_eq!(ready.tls.version, "TLSv1.3");
        assert_eq!(ready.tls.sni.as_deref(), Some("localhost"));
        assert!(ready.tls.cipher_suite.starts_with("TLS_"));
        assert!(ready.tls.group.is_some());
        assert!(!ready.tls.resumed);

        phone.hang_up();
        let Event::Closed(closed) = in_time(bed.events.next_of(EventKind::Closed)).await else {
            unreachable!()
        };
        assert_eq!(closed.cause, CloseCause::PeerClosed);
        assert_eq!(phone.rest(), (Vec::new(), true), "we say goodbye as well");

        let report = in_time(bed.handle.shutdown(Duration::from_secs(1))).await;
        assert_eq!((report.inbound.ready, report.inbound.closed), (1, 1));
        assert!(report.inbound.balanced());
    });
}

#[test]
fn a_mixed_crowd_is_accounted_for_to_the_last() {
    block_on(async {
        let bed = bed_with(Discard, |builder| {
            let mut deadlines = Deadlines::default();
            deadlines.handshake = Duration::from_millis(300);
            builder.deadlines(deadlines)
        })
        .await;
        // Probes, plaintext, silence, good sessions cut off and good sessions left open.
        for _ in 0..5 {
            drop(bed.tcp());
            let mut plain = bed.tcp();
            plain.write_all(b"OPTIONS sip:a SIP/2.0\r\n\r\n").unwrap();
            let silent = bed.tcp();
            let mut good = bed.phone();
            good.send(peer::request("OPTIONS", ""));
            good.stream.sock.shutdown(Shutdown::Both).unwrap();
            let open = bed.phone();
            std::mem::forget((silent, open));
        }
        let mut failures = 0;
        while failures < 15 {
            in_time(bed.events.next_of(EventKind::HandshakeFailed)).await;
            failures += 1;
        }
        let report = in_time(bed.handle.shutdown(Duration::from_secs(2))).await;
        let counts = report.inbound;
        assert_eq!((counts.begun, counts.failed, counts.ready), (25, 15, 10));
        assert_eq!((counts.handshaking, counts.open), (0, 0));
        assert!(counts.balanced());
    });
}

#[test]
fn nothing_is_reported_of_a_connection_before_accepted_or_after_its_ending() {
    block_on(async {
        let bed = bed().await;
        for round in 0..20 {
            if round % 2 == 0 {
                drop(bed.tcp());
            } else {
                let mut phone = bed.phone();
                phone.send(peer::request("OPTIONS", ""));
            }
        }
        let report = in_time(bed.handle.shutdown(Duration::from_secs(2))).await;
        assert!(report.inbound.balanced());
        let events = in_time(bed.events.rest()).await;
        let lives = lives(&events);
        assert_eq!(lives.len(), 20);
        for (id, life) in lives {
            let legal = life == [EventKind::Accepted, EventKind::HandshakeFailed]
                || life == [EventKind::Accepted, EventKind::Refused]
                || life == [EventKind::Accepted, EventKind::Ready, EventKind::Closed];
            assert!(legal, "connection {id} lived {life:?}");
        }
        assert_eq!(events.last().unwrap().kind(), EventKind::Stopped);
    });
}

#[test]
fn failures_are_told_apart_with_peer_phase_and_evidence() {
    block_on(async {
        let bed = bed().await;
        drop(bed.tcp());
        let Event::HandshakeFailed(probe) =
            in_time(bed.events.next_of(EventKind::HandshakeFailed)).await
        else {
            unreachable!()
        };
        assert_eq!(probe.failure.cause, HandshakeCause::Probe);
        assert_eq!(probe.failure.phase, Phase::Hello);
        assert_eq!(probe.stats.bytes_in, 0);

        let mut plain = bed.tcp();
        plain
            .write_all(b"REGISTER sip:localhost SIP/2.0\r\n\r\n")
            .unwrap();
        let Event::HandshakeFailed(plaintext) =
            in_time(bed.events.next_of(EventKind::HandshakeFailed)).await
        else {
            unreachable!()
        };
        let method = "REGISTER".to_owned();
        assert_eq!(
            plaintext.failure.cause,
            HandshakeCause::Plaintext(Plaintext::Sip { method })
        );
        assert_eq!(plaintext.connection.peer, plain.local_addr().unwrap());
        assert_eq!(
            plaintext.failure.evidence.first_bytes.as_deref(),
            Some("REGISTER sip:localhost SIP/2.0\\r\\n")
        );
        let mut heard = Vec::new();
        plain.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, [21, 3, 3, 0, 2, 2, 50], "a decode_error alert");

        let stranger = peer::Authority::new();
        let rejected = peer::Phone::connect(bed.address(), stranger.client());
        assert!(rejected.is_err());
        let Event::HandshakeFailed(rejected) =
            in_time(bed.events.next_of(EventKind::HandshakeFailed)).await
        else {
            unreachable!()
        };
        assert_eq!(rejected.failure.cause, HandshakeCause::RejectedByPeer);
        assert_eq!(rejected.failure.phase, Phase::Negotiation);
        assert_eq!(rejected.failure.evidence.sni.as_deref(), Some("localhost"));
    });
}

#[test]
fn a_silent_peer_is_dropped_at_the_deadline() {
    block_on(async {
        let bed = bed_with(Discard, |builder| {
            let mut deadlines = Deadlines::default();
            deadlines.handshake = Duration::from_millis(50);
            builder.deadlines(deadlines)
        })
        .await;
        let mut silent = bed.tcp();
        let Event::HandshakeFailed(failed) =
            in_time(bed.events.next_of(EventKind::HandshakeFailed)).await
        else {
            unreachable!()
        };
        assert_eq!(failed.failure.cause, HandshakeCause::TimeoutSilent);
        assert!(failed.elapsed >= Duration::from_millis(50));
        let mut heard = Vec::new();
        assert_eq!(silent.read_to_end(&mut heard).unwrap(), 0);
    });
}

#[test]
fn one_more_than_the_limit_is_refused_with_both_numbers() {
    block_on(async {
        let bed = bed_with(Discard, |builder| {
            builder.limits(AdmissionLimits::default().with_connections(1))
        })
        .await;
        let _first = bed.phone();
        let mut second = bed.tcp();
        let Event::Refused(refused) = in_time(bed.events.next_of(EventKind::Refused)).await else {
            unreachable!()
        };
        assert_eq!(refused.cause, RefusalCause::ConnectionLimit);
        assert_eq!((refused.limit, refused.current), (1, 1));
        let mut heard = Vec::new();
        assert_eq!(second.read_to_end(&mut heard).unwrap_or(0), 0);
        let report = in_time(bed.handle.shutdown(Duration::from_secs(1))).await;
        assert_eq!(report.inbound.refused, 1);
        assert!(report.inbound.balanced());
    });
}
