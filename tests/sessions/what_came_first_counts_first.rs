//! Over TCP: what a peer has sent, or that it has gone, is known before anything is decided about it.

use async_std::task::block_on;
use rustls::{ClientConnection, ServerName};
use sipward::sip::Message;
use sipward::testing::ManualClock;
use sipward::{CloseCause, Deadlines, Discard, Flow, HandshakeCause, Ready, SipSession};
use sipward_tests::peer::{Hosting, bed_with, closed, failed, in_time, ready, request, until};
use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_client_that_left_after_its_hello_has_rejected_nothing() {
    block_on(async {
        let bed = bed_with(Discard, |builder| builder).await;
        assert_eq!(bed.handle.pause(None).await, Ok(1));
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(bed.authority.client(), name).unwrap();
        let mut hello = Vec::new();
        tls.write_tls(&mut hello).unwrap();
        // All of it waits in the kernel's backlog before anybody looks.
        let mut client = bed.tcp();
        client.write_all(&hello).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(bed.handle.resume(None).await, Ok(1));
        // Not that it left after it saw our certificate.
        let failure = failed(&bed.events).await;
        assert_eq!(failure.failure.cause, HandshakeCause::PeerClosed);
    });
}

/// Answers its first message when it is let go, all others at once.
struct Late(Flow, Arc<AtomicBool>);

impl SipSession for Late {
    async fn message(&mut self, message: Message) {
        until(|| self.1.load(Ordering::SeqCst)).await;
        let _ = self.0.send(message.into_bytes());
    }
}

#[test]
fn a_message_that_came_while_a_handler_ran_is_heard_before_silence_is_found() {
    block_on(async {
        let go = Arc::new(AtomicBool::new(false));
        let gate = Arc::clone(&go);
        let clock = ManualClock::new();
        let mut deadlines = Deadlines::default();
        deadlines.idle = Duration::from_secs(30);
        let application = Hosting(move |_: &Ready, flow| Late(flow, Arc::clone(&gate)));
        let bed = bed_with(application, |builder| {
            builder.clock(clock.clone()).deadlines(deadlines)
        })
        .await;
        let mut phone = bed.phone();
        let id = ready(&bed.events).await.connection.id;
        phone.send(request("FIRST", ""));
        in_time(async {
            while bed
                .handle
                .inspect(id)
                .await
                .unwrap()
                .unwrap()
                .summary
                .stats
                .messages_in
                == 0
            {}
        })
        .await;
        phone.send(request("SECOND", ""));
        clock.advance(Duration::from_secs(31));
        go.store(true, Ordering::SeqCst);
        phone.expect(request("FIRST", ""));
        phone.expect(request("SECOND", ""));
        // And silence is found when there is some.
        clock.advance(Duration::from_secs(31));
        assert_eq!(phone.rest(), (Vec::new(), true));
        drop(phone);
        let end = closed(&bed.events).await;
        assert_eq!(
            (end.cause.clone(), end.stats.messages_in),
            (CloseCause::IdleTimeout, 2)
        );
    });
}
