//! What a handle can ask and order: figures, pages of sessions, everything about one, messages to
//! it, and its end.

use async_std::task::block_on;
use sipward::control::{CloseReason, SendOutcome, SessionFilter, Target};
use sipward::{
    AdmissionLimits, Cancelled, CloseCause, ConnectionId, Direction, Discard, EventKind,
    HandshakeCause,
};
use sipward_tests::peer;
use sipward_tests::peer::lab::lab;
use sipward_tests::peer::{bed, closed, echo, failed, in_time, ready, request, until};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

#[test]
fn a_snapshot_tells_counters_and_limits() {
    block_on(async {
        let lab = lab(Discard, |builder| {
            builder
                .limits(AdmissionLimits::default().with_connections(7))
                .flow_budget(99)
        })
        .await;
        let _caller = lab.call().await;
        ready(&lab.events).await;
        let _silent = lab.dial();
        in_time(lab.events.next_of(EventKind::Accepted)).await;
        lab.clock.advance(Duration::from_secs(3));
        let figures = lab.handle.snapshot().await.unwrap();
        let counts = figures.inbound;
        assert_eq!((counts.begun, counts.ready, counts.handshaking), (2, 1, 1));
        assert!(counts.balanced());
        assert_eq!(figures.outbound, Default::default());
        assert_eq!((figures.permits, figures.limits.connections), (2, 7));
        assert_eq!((figures.flow_budget, figures.draining), (99, false));
        assert_eq!(figures.uptime, Duration::from_secs(3));
        assert_eq!(figures.listeners, lab.handle.listeners());
    });
}

#[test]
fn sessions_come_in_pages_in_the_order_of_their_ids_and_none_twice() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut callers = Vec::new();
        for _ in 0..7 {
            callers.push(lab.call().await);
            ready(&lab.events).await;
        }
        let mut seen = Vec::new();
        let mut after = None;
        let mut pages = 0;
        loop {
            let all = SessionFilter::default();
            let page = lab.handle.sessions(all, after, 3).await.unwrap();
            assert_eq!(page.total, 7);
            seen.extend(page.sessions.iter().map(|session| session.connection.id));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
            assert_eq!(page.sessions.len(), 3);
        }
        assert_eq!(pages, 3);
        assert!(seen.is_sorted());
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7);

        let all = SessionFilter::default();
        let page = lab.handle.sessions(all, None, 7).await.unwrap();
        assert_eq!((page.sessions.len(), page.next), (7, None));
        let all = SessionFilter::default();
        let page = lab.handle.sessions(all, None, 0).await.unwrap();
        assert_eq!((page.sessions.len(), page.next), (7, None));
    });
}

#[test]
fn a_page_that_is_put_together_of_several_looks_has_everybody_once() {
    block_on(async {
        let mut limits = AdmissionLimits::default();
        limits.exempt = vec!["0.0.0.0/0".parse().unwrap()];
        limits.handshakes = usize::MAX;
        let lab = lab(Discard, |builder| builder.limits(limits)).await;
        let near = "192.0.2.1:5061";
        let callers: Vec<_> = (0..1100)
            .map(|n| {
                lab.dial_from(if n % 2 == 0 {
                    near
                } else {
                    "198.51.100.7:5061"
                })
            })
            .collect();
        for _ in &callers {
            in_time(lab.events.next_of(EventKind::Accepted)).await;
        }
        let list = async |limit| {
            let all = SessionFilter::default();
            let page = lab.handle.sessions(all, None, limit).await.unwrap();
            assert_eq!(page.total, 1100);
            let mut ids: Vec<_> = page.sessions.iter().map(|s| s.connection.id).collect();
            assert!(ids.is_sorted());
            ids.dedup();
            assert_eq!(ids.len(), page.sessions.len());
            (
                ids.len(),
                page.next == ids.last().copied(),
                page.next.is_some(),
            )
        };
        for limit in [1, 499, 500, 501, 1000, 1099] {
            assert_eq!(list(limit).await, (limit, true, true));
        }
        for limit in [1100, 1101, usize::MAX] {
            assert_eq!(list(limit).await, (1100, false, false));
        }
        assert_eq!(list(0).await, (100, true, true));

        let mut nearby = Vec::new();
        let mut after = None;
        loop {
            let source: IpAddr = "192.0.2.1".parse().unwrap();
            let filter = SessionFilter::default().with_source(source);
            let page = lab.handle.sessions(filter, after, 400).await.unwrap();
            assert_eq!(page.total, 550);
            nearby.extend(page.sessions.iter().map(|s| s.connection.id));
            after = page.next;
            if after.is_none() {
                break;
            }
            assert_eq!(page.sessions.len(), 400);
        }
        assert!(nearby.is_sorted());
        nearby.dedup();
        assert_eq!(nearby.len(), 550);
    });
}

#[test]
fn sessions_are_filtered_by_source_and_stage() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let _near = lab.call().await;
        let near = ready(&lab.events).await.connection.id;
        let mut far = lab.dial_from("198.51.100.7:5061");
        in_time(far.shake_hands()).await.unwrap();
        let far_id = ready(&lab.events).await.connection.id;
        let _silent = lab.dial_from("198.51.100.7:5062");
        in_time(lab.events.next_of(EventKind::Accepted)).await;

        let ids = async |filter| -> Vec<ConnectionId> {
            let page = lab.handle.sessions(filter, None, 0).await.unwrap();
            assert_eq!(page.total, page.sessions.len());
            page.sessions.iter().map(|s| s.connection.id).collect()
        };
        let source: IpAddr = "198.51.100.7".parse().unwrap();
        let mut filter = SessionFilter::default().with_source(source);
        assert_eq!(ids(filter.clone()).await.len(), 2);
        filter.established = Some(true);
        assert_eq!(ids(filter).await, [far_id]);
        let mut filter = SessionFilter::default().with_established(true);
        assert_eq!(ids(filter.clone()).await, [near, far_id]);
        filter.established = Some(false);
        assert_eq!(ids(filter).await.len(), 1);
        let filter = SessionFilter::default().with_identity("example.com");
        assert!(ids(filter).await.is_empty());
    });
}

#[test]
fn an_inspection_tells_tls_traffic_queue_and_deadline() {
    block_on(async {
        let lab = lab(echo(), |builder| builder.flow_budget(200_000)).await;
        let mut caller = lab.call().await;
        let agreed = ready(&lab.events).await;
        let id = agreed.connection.id;
        let hello = request("OPTIONS", "");
        caller.send(&hello).await;
        caller.expect(&hello).await;
        lab.clock.advance(Duration::from_secs(2));
        let seen = lab.handle.inspect(id).await.unwrap().unwrap();
        let summary = &seen.summary;
        assert_eq!(summary.connection.direction, Direction::Inbound);
        assert_eq!(summary.connection.peer.to_string(), peer::lab::PHONE);
        assert_eq!(summary.age, Duration::from_secs(2));
        assert_eq!(
            (summary.stats.messages_in, summary.stats.messages_out),
            (1, 1)
        );
        assert!(summary.stats.bytes_in > hello.len() as u64);
        assert!(summary.stats.bytes_out > hello.len() as u64);
        let tls = &summary.ready.as_ref().unwrap().tls;
        assert_eq!(*tls, agreed.tls);
        assert_eq!(tls.version, "TLSv1.3");
        assert_eq!(tls.sni.as_deref(), Some("localhost"));
        assert_eq!((seen.queued, seen.flow_budget), (0, 200_000));
        assert!(!seen.held_open && seen.closing.is_none());
        let idle = Some((Duration::from_secs(298), CloseCause::IdleTimeout));
        in_time(async {
            while lab.handle.inspect(id).await.unwrap().unwrap().next_deadline != idle {}
        })
        .await;

        // More than pipe and TLS hold stays in the queue. The flow may be full before they have taken
        // anything.
        let notice = request("NOTIFY", &"n".repeat(60_000));
        in_time(async {
            while lab.handle.inspect(id).await.unwrap().unwrap().queued == 0 {
                lab.handle.send(id, notice.clone()).await.unwrap();
            }
        })
        .await;
    });
}

#[test]
fn a_handshake_can_be_inspected_too_and_what_is_over_cannot() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let silent = lab.dial();
        let accepted = in_time(lab.events.next_of(EventKind::Accepted)).await;
        let id = accepted.connection().unwrap().id;
        let seen = lab.handle.inspect(id).await.unwrap().unwrap();
        assert!(seen.summary.ready.is_none());
        assert!(lab.handle.send(id, "early").await == Ok(SendOutcome::Gone));
        drop(silent);
        assert_eq!(
            failed(&lab.events).await.failure.cause,
            HandshakeCause::Probe
        );
        assert!(lab.handle.inspect(id).await.unwrap().is_none());
        let nobody = lab.handle.inspect(ConnectionId::new(999)).await;
        assert!(nobody.unwrap().is_none());
    });
}

#[test]
fn a_message_is_queued_or_the_flow_is_full_or_gone() {
    block_on(async {
        let lab = lab(Discard, |builder| builder.flow_budget(1000)).await;
        let mut caller = lab.call().await;
        let id = ready(&lab.events).await.connection.id;
        let notice = request("NOTIFY", "for you");
        assert_eq!(
            lab.handle.send(id, notice.clone()).await,
            Ok(SendOutcome::Queued)
        );
        caller.expect(&notice).await;
        assert_eq!(
            lab.handle.send(id, vec![b'x'; 1001]).await,
            Ok(SendOutcome::Full)
        );
        assert_eq!(
            lab.handle.send(id, notice.clone()).await,
            Ok(SendOutcome::Queued)
        );
        caller.expect(&notice).await;
        drop(caller);
        closed(&lab.events).await;
        assert_eq!(lab.handle.send(id, notice).await, Ok(SendOutcome::Gone));
    });
}

#[test]
fn a_close_hits_what_it_names_with_its_reason_and_counts_it() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut near = lab.call().await;
        let near_id = ready(&lab.events).await.connection.id;
        let mut far = Vec::new();
        for port in 1..=3 {
            let mut caller = lab.dial_from(&format!("198.51.100.7:{port}"));
            in_time(caller.shake_hands()).await.unwrap();
            ready(&lab.events).await;
            far.push(caller);
        }
        let silent = lab.dial_from("198.51.100.7:9");
        in_time(lab.events.next_of(EventKind::Accepted)).await;

        let close = async |target, reason| {
            let told = lab.handle.close(target, reason, Duration::ZERO);
            told.await.unwrap()
        };
        let source = Target::Source("198.51.100.7".parse().unwrap());
        assert_eq!(close(source.clone(), CloseReason::Replaced).await, 4);
        for caller in &mut far {
            assert_eq!(caller.rest().await, (Vec::new(), true));
        }
        drop((far, silent));
        for _ in 0..3 {
            assert_eq!(closed(&lab.events).await.cause, CloseCause::Replaced);
        }
        let counts = async || lab.handle.snapshot().await.unwrap().inbound;
        in_time(async { while counts().await.failed == 0 {} }).await;
        assert_eq!(close(source, CloseReason::Replaced).await, 0);
        assert_eq!(counts().await.open, 1);

        let nobody = Target::Connection(ConnectionId::new(999));
        assert_eq!(close(nobody, CloseReason::Operator).await, 0);
        let nobody = Target::Identity("example.com".to_owned());
        assert_eq!(close(nobody, CloseReason::Operator).await, 0);
        let one = Target::Connection(near_id);
        assert_eq!(close(one, CloseReason::CertificateRevoked).await, 1);
        assert_eq!(near.rest().await, (Vec::new(), true));
        drop(near);
        let end = closed(&lab.events).await;
        assert_eq!(end.cause, CloseCause::CertificateRevoked);
    });
}

#[test]
fn a_cancelled_handshake_says_by_whom() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let _silent = lab.dial();
        let accepted = in_time(lab.events.next_of(EventKind::Accepted)).await;
        let target = Target::Connection(accepted.connection().unwrap().id);
        let grace = Duration::from_secs(60);
        let told = lab.handle.close(target, CloseReason::Operator, grace).await;
        assert_eq!(told, Ok(1));
        let cause = HandshakeCause::Cancelled(Cancelled::Operator);
        assert_eq!(failed(&lab.events).await.failure.cause, cause);
    });
}

#[test]
fn what_is_queued_leaves_within_the_grace_of_a_close() {
    block_on(async {
        let bed = bed().await;
        let mut phone = bed.phone();
        let id = ready(&bed.events).await.connection.id;
        let notice = request("NOTIFY", "the last");
        let sent = bed.handle.send(id, notice.clone()).await;
        assert_eq!(sent, Ok(SendOutcome::Queued));
        let (target, grace) = (Target::Connection(id), Duration::from_secs(5));
        let told = bed.handle.close(target, CloseReason::Operator, grace).await;
        assert_eq!(told, Ok(1));
        assert_eq!(phone.rest(), (notice.into_bytes(), true));
        drop(phone);
        let end = closed(&bed.events).await;
        assert_eq!(
            (&end.cause, end.stats.messages_out),
            (&CloseCause::Operator, 1)
        );
    });
}

#[test]
fn clones_steer_the_same_supervisor_from_any_thread() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let _caller = lab.call().await;
        ready(&lab.events).await;
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let handle = lab.handle.clone();
                std::thread::spawn(move || block_on(handle.snapshot()).unwrap().inbound.open)
            })
            .collect();
        until(|| threads.iter().all(std::thread::JoinHandle::is_finished)).await;
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 1);
        }
    });
}
