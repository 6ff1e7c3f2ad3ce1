//! Whoever says "never" or "as long as it takes" means it: the longest duration there is overflows no
//! clock and ends nothing.

use async_std::task::block_on;
use sipward::control::{CloseReason, Target};
use sipward::{BanRule, CloseCause, Deadlines, Discard, Event, EventKind};
use sipward_tests::peer::{bed_with, in_time, request};
use std::io::Write;
use std::time::Duration;

#[test]
fn deadlines_graces_bans_and_shutdowns_may_be_as_long_as_can_be_said() {
    block_on(async {
        let bed = bed_with(Discard, |builder| {
            let mut deadlines = Deadlines::default();
            deadlines.handshake = Duration::MAX;
            deadlines.first_message = Duration::MAX;
            deadlines.authentication = Some(Duration::MAX);
            deadlines.idle = Duration::MAX;
            deadlines.stalled_write = Duration::MAX;
            deadlines.half_closed = Duration::MAX;
            let rule = BanRule::default()
                .with_causes(["plaintext"])
                .with_strikes(2)
                .with_within(Duration::MAX)
                .with_duration(Duration::MAX);
            builder.deadlines(deadlines).ban_rule(rule)
        })
        .await;
        let mut plain = bed.tcp();
        plain.write_all(b"REGISTER sip:a SIP/2.0\r\n").unwrap();
        in_time(bed.events.next_of(EventKind::HandshakeFailed)).await;

        let mut phone = bed.phone();
        phone.send(request("OPTIONS", ""));
        let ready = in_time(bed.events.next_of(EventKind::Ready)).await;
        let id = Target::Connection(ready.connection().unwrap().id);
        let told = bed.handle.close(id, CloseReason::Operator, Duration::MAX);
        assert_eq!(in_time(told).await, Ok(1));
        assert!(phone.rest().1, "it is told goodbye");
        drop(phone);
        let Event::Closed(closed) = in_time(bed.events.next_of(EventKind::Closed)).await else {
            unreachable!()
        };
        assert_eq!(closed.cause, CloseCause::Operator);

        let mut last = bed.phone();
        in_time(bed.events.next_of(EventKind::Ready)).await;
        let handle = bed.handle.clone();
        let report = async_std::task::spawn(async move { handle.shutdown(Duration::MAX).await });
        assert!(last.rest().1, "it is told goodbye");
        drop(last);
        let report = in_time(report).await;
        assert_eq!(report.panic, None);
        assert!(report.inbound.balanced());
    });
}
