//! What TLS says last reaches the peer: alerts, close_notify and tickets leave through the tap,
//! however much the peer has sent and however slowly it reads.

use async_std::task::block_on;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::{ClientConfig, NamedGroup, ServerName};
use sipward::control::{CloseReason, Target};
use sipward::{CloseCause, Discard, Flow, HandshakeCause, Ready, SipSession};
use sipward_tests::peer::lab::{Caller, lab};
use sipward_tests::peer::{Hosting, bed, closed, echo, failed, in_time, ready, request, until};
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];

#[test]
fn an_alert_comes_first_and_then_a_clean_end_although_input_was_left_unread() {
    block_on(async {
        let bed = bed().await;
        for _ in 0..20 {
            let mut plain = bed.tcp();
            // More than TLS reads before it objects, and less than is drained.
            let mut text = b"OPTIONS sip:localhost SIP/2.0\r\n".to_vec();
            text.resize(30_000, b'x');
            plain.write_all(&text).unwrap();
            let mut heard = Vec::new();
            plain.read_to_end(&mut heard).expect("no reset");
            assert_eq!(heard, DECODE_ERROR);
        }
    });
}

#[test]
fn an_alert_is_read_before_the_reset_that_a_flood_earns() {
    block_on(async {
        let bed = bed().await;
        for _ in 0..10 {
            let mut plain = bed.tcp();
            let mut text = b"OPTIONS sip:localhost SIP/2.0\r\n".to_vec();
            text.resize(200 * 1024, b'x');
            // Some of it may find the connection reset already.
            let _ = plain.write_all(&text);
            let mut heard = [0; 7];
            plain.read_exact(&mut heard).unwrap();
            assert_eq!(heard, DECODE_ERROR);
            let cause = &failed(&bed.events).await.failure.cause;
            assert!(matches!(cause, HandshakeCause::Plaintext(_)), "{cause}");
        }
    });
}

#[test]
fn a_flood_does_not_hold_a_failed_handshake_open() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.dial();
        let endless = async {
            let rubbish = vec![b'x'; 16 * 1024];
            while caller.wire.write_all(&rubbish).await.is_ok() {}
        };
        // The clock stands still: a bound on bytes ends it, not one on time.
        in_time(endless).await;
        let cause = &failed(&lab.events).await.failure.cause;
        assert!(matches!(cause, HandshakeCause::Plaintext(_)), "{cause}");
    });
}

#[test]
fn a_peer_that_never_ends_its_half_is_waited_for_a_second_and_no_longer() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let mut caller = lab.dial();
        caller
            .wire
            .write_all(b"OPTIONS sip:a SIP/2.0\r\n")
            .await
            .unwrap();
        let mut heard = [0; 7];
        in_time(caller.wire.read_exact(&mut heard)).await.unwrap();
        assert_eq!(heard, DECODE_ERROR);
        lab.armed(Duration::from_secs(1)).await;
        lab.clock.advance(Duration::from_secs(1));
        assert_eq!(failed(&lab.events).await.elapsed, Duration::from_secs(1));
    });
}

#[test]
fn we_answer_close_notify_with_our_own_and_with_what_was_still_queued() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let mut caller = lab.call().await;
        let last = request("OPTIONS", "last");
        caller.tls.writer().write_all(last.as_bytes()).unwrap();
        caller.hang_up().await;
        assert_eq!(caller.rest().await, (last.into_bytes(), true));
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::PeerClosed);
    });
}

#[test]
fn a_session_closed_by_us_ends_with_close_notify() {
    block_on(async {
        let bed = bed().await;
        let mut phone = bed.phone();
        let id = ready(&bed.events).await.connection.id;
        let (target, reason) = (Target::Connection(id), CloseReason::Operator);
        let told = bed
            .handle
            .close(target, reason, Duration::from_secs(1))
            .await;
        assert_eq!(told, Ok(1));
        assert_eq!(phone.rest(), (Vec::new(), true));
        drop(phone);
        assert_eq!(closed(&bed.events).await.cause, CloseCause::Operator);
    });
}

#[test]
fn a_fin_without_close_notify_is_a_truncation() {
    block_on(async {
        let bed = bed().await;
        let phone = bed.phone();
        ready(&bed.events).await;
        phone
            .stream
            .sock
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
        assert_eq!(closed(&bed.events).await.cause, CloseCause::Truncated);
    });
}

/// Counts the tickets a client is given.
#[derive(Default)]
struct Tickets(AtomicUsize);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: &ServerName, _: NamedGroup) {}
    fn kx_hint(&self, _: &ServerName) -> Option<NamedGroup> {
        None
    }
    fn set_tls12_session(&self, _: &ServerName, _: Tls12ClientSessionValue) {}
    fn tls12_session(&self, _: &ServerName) -> Option<Tls12ClientSessionValue> {
        None
    }
    fn remove_tls12_session(&self, _: &ServerName) {}
    fn insert_tls13_ticket(&self, _: &ServerName, _: Tls13ClientSessionValue) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn take_tls13_ticket(&self, _: &ServerName) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[test]
fn everything_of_the_handshake_has_left_before_the_session_is_ready() {
    block_on(async {
        // It goes no further than Ready: whatever has not left by then never leaves.
        let application = Hosting(|_: &Ready, _: Flow| -> Discard { panic!("ends here") });
        let lab = lab(application, |builder| builder).await;
        for _ in 0..20 {
            let tickets = Arc::new(Tickets::default());
            let mut config = ClientConfig::clone(&lab.authority.client());
            config.resumption = rustls::client::Resumption::store(tickets.clone());
            let wire = lab.dialler.connect("192.0.2.1:1".parse().unwrap());
            let mut caller = Caller::new(wire, Arc::new(config));
            in_time(caller.shake_hands()).await.unwrap();
            ready(&lab.events).await;
            closed(&lab.events).await;
            caller.rest().await;
            assert_eq!(tickets.0.load(Ordering::SeqCst), 1);
        }
    });
}

#[test]
fn a_session_is_not_ready_while_some_of_the_handshake_waits_for_the_peer() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        // Holds the client's last flight, and not the ticket that answers it.
        let wire = lab
            .dialler
            .connect_through("192.0.2.1:1".parse().unwrap(), 100);
        let mut caller = Caller::new(wire, lab.authority.client());
        in_time(caller.shake_hands()).await.unwrap();
        for _ in 0..200 {
            async_std::task::yield_now().await;
            let counts = lab.handle.snapshot().await.unwrap().inbound;
            assert_eq!((counts.handshaking, counts.ready), (1, 0));
        }
        let reading = async {
            while caller.pull().await.is_ok() {}
            panic!("the session has ended");
        };
        futures_lite::future::or(reading, async {
            ready(&lab.events).await;
        })
        .await;
    });
}

#[test]
fn a_connection_that_holds_three_bytes_carries_a_handshake_and_a_conversation() {
    block_on(async {
        let lab = lab(echo(), |builder| builder).await;
        let peer = "192.0.2.1:1".parse().unwrap();
        let wire = lab.dialler.connect_through(peer, 3);
        let mut caller = Caller::new(wire, lab.authority.client());
        in_time(caller.shake_hands()).await.unwrap();
        let hello = request("MESSAGE", &"b".repeat(3000));
        caller.tls.writer().write_all(hello.as_bytes()).unwrap();
        in_time(caller.exchange()).await.unwrap();
        caller.expect(&hello).await;
        caller.hang_up().await;
        assert_eq!(caller.rest().await, (Vec::new(), true));
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::PeerClosed);
    });
}

/// Keeps its flow where the test finds it.
struct Kept(#[expect(dead_code, reason = "the session holds its own flow")] Flow);

impl SipSession for Kept {
    async fn message(&mut self, _: sipward::sip::Message) {}
}

#[test]
fn a_slow_reader_receives_everything_up_to_the_goodbye() {
    block_on(async {
        let kept: Arc<Mutex<Option<Flow>>> = Arc::default();
        let flows = Arc::clone(&kept);
        let application = Hosting(move |_: &Ready, flow: Flow| {
            *flows.lock().unwrap() = Some(flow.clone());
            Kept(flow)
        });
        let lab = lab(application, |builder| builder).await;
        let peer = "192.0.2.1:1".parse().unwrap();
        let wire = lab.dialler.connect_through(peer, 1000);
        let mut caller = Caller::new(wire, lab.authority.client());
        in_time(caller.shake_hands()).await.unwrap();
        until(|| kept.lock().unwrap().is_some()).await;
        let flow = kept.lock().unwrap().clone().unwrap();
        let large = request("MESSAGE", &"b".repeat(50_000));
        for _ in 0..4 {
            flow.send(large.clone()).unwrap();
        }
        flow.close(CloseCause::Operator, Duration::from_secs(5));
        let (heard, clean) = caller.rest().await;
        assert_eq!(heard.len(), 4 * large.len());
        assert!(heard == large.repeat(4).into_bytes());
        assert!(clean);
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::Operator);
    });
}

#[test]
fn a_reset_is_told_from_an_end() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let caller = lab.call().await;
        ready(&lab.events).await;
        caller.wire.reset();
        assert_eq!(closed(&lab.events).await.cause, CloseCause::Reset);

        let mut caller = lab.call().await;
        ready(&lab.events).await;
        // A record nobody can decrypt: TLS answers with an alert of its own.
        let mut forged = vec![23, 3, 3, 0, 40];
        forged.extend([7; 40]);
        caller.wire.write_all(&forged).await.unwrap();
        let ended = loop {
            match in_time(caller.pull()).await {
                Ok(0) => break None,
                Ok(_) => {}
                Err(error) => break Some(error),
            }
        };
        let told = ended.expect("an alert comes before the end").to_string();
        assert!(told.contains("BadRecordMac"), "{told}");
        assert_ne!(ErrorKind::UnexpectedEof.to_string(), told);
        drop(caller);
        assert_eq!(closed(&lab.events).await.cause, CloseCause::Misbehaved);
    });
}
