//! Each way a handshake can fail, provoked for real over loopback: one event that says who, why, in
//! which phase and whose fault; a log line that says the same; one count; and nothing left behind.
//! That the line and what the other side saw are as the page says is
//! `the_pages_log_lines_are_real.rs`; the `openssl` command line is in `openssl_learns_why_it_is_turned_away.rs`.

use sipward::observe::Field;
use sipward::{Event, EventKind, HandshakeCause, HandshakeFailed};
use sipward_tests::page::Line;
use sipward_tests::process::alone;
use sipward_tests::provoke;
use sipward_tests::provoke::{Books, Provoked};
use std::collections::BTreeSet;
use std::sync::Arc;

/// For what nobody has thought of: no row of the matrix may end in one of these.
const NOT_PROVOKED: [&str; 2] = ["io", "internal"];

/// For connections that we open, which no supervisor does.
const OUTBOUND: [&str; 3] = ["dns_", "connect_", "server_certificate_"];

#[test]
fn every_failure_is_one_event_one_line_and_one_count_and_leaves_nothing_behind() {
    alone(|| {
        // The runtime and the log have their descriptors after a first time.
        drop(provoke::handshakes::all());
        let before = descriptors();
        let mut met = BTreeSet::new();
        for provoked in provoke::handshakes::all() {
            let failed = the_failure(&provoked);
            assert_eq!(failed.failure.cause.name(), provoked.cause);
            says_who_and_where(&failed);
            line_says_the_same(&provoked, &failed);
            is_counted_once(&provoked);
            met.insert(provoked.cause);
        }
        assert_eq!(descriptors(), before, "every descriptor is back");
        for name in HandshakeCause::NAMES {
            let expected = !NOT_PROVOKED.contains(name)
                && !OUTBOUND.iter().any(|beginning| name.starts_with(beginning));
            assert_eq!(met.contains(name), expected, "{name}");
        }
    });
}

fn the_failure(provoked: &Provoked) -> Arc<HandshakeFailed> {
    let mut failures = provoked
        .books
        .events
        .iter()
        .filter_map(|event| match event {
            Event::HandshakeFailed(failed) => Some(Arc::clone(failed)),
            _ => None,
        });
    let failed = failures.next();
    assert!(failures.next().is_none(), "{}: once", provoked.cause);
    failed.unwrap_or_else(|| panic!("{}: no event", provoked.cause))
}

fn says_who_and_where(failed: &HandshakeFailed) {
    let cause = &failed.failure.cause;
    let connection = &failed.connection;
    assert!(connection.peer.ip().is_loopback(), "{cause}");
    assert_ne!(connection.peer.port(), connection.local.port(), "{cause}");
    assert_eq!(connection.local, connection.listener, "{cause}");
    assert!(
        cause.phases().contains(&failed.failure.phase),
        "{cause}: {:?}",
        failed.failure.phase
    );
    assert_eq!(failed.fault(), cause.fault());
    if cause.name() == "rejected_by_peer" {
        let until = failed.failure.evidence.certificate_not_after;
        assert!(until.is_some(), "how long what it rejects is valid");
    }
}

/// Every field of the event that has a value is in the line, with that value.
fn line_says_the_same(provoked: &Provoked, failed: &Arc<HandshakeFailed>) {
    let cause = provoked.cause;
    let line = Line::parse(&provoked.line).unwrap();
    assert_eq!(line.level, failed.failure.cause.level().as_str(), "{cause}");
    let event = Event::HandshakeFailed(Arc::clone(failed));
    for (name, field) in event.fields() {
        let empty = matches!(&field, Field::List(texts) if texts.is_empty());
        if field == Field::Missing || empty {
            assert!(
                !line.fields.contains_key(name),
                "{cause}: {name} of nothing"
            );
        } else {
            assert_eq!(line.field(name), field.to_string(), "{cause}: {name}");
        }
    }
}

fn is_counted_once(provoked: &Provoked) {
    let cause = provoked.cause;
    let Books { report, events } = &provoked.books;
    let counts = report.inbound;
    assert!(counts.balanced(), "{cause}");
    assert_eq!((counts.begun, counts.failed), (1, 1), "{cause}");
    assert_eq!((counts.refused, counts.ready), (0, 0), "{cause}");
    assert_eq!((counts.handshaking, counts.open), (0, 0), "{cause}");
    assert_eq!(report.permits, 0, "{cause}");
    let kinds = [EventKind::Ready, EventKind::Closed, EventKind::Refused];
    let other = events.iter().find(|event| kinds.contains(&event.kind()));
    assert!(other.is_none(), "{cause}: {other:?}");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
