//! Every limit and deadline in force is stated before anybody is let in, and again when it changes:
//! an operator who reads "refused" finds above it what the limits were.

use async_std::task::block_on;
use sipward::observe::Field;
use sipward::{Deadlines, Discard, Event, EventKind};
use sipward_tests::peer::bed_with;
use sipward_tests::peer::lab::lab;
use std::collections::HashMap;
use std::time::Duration;

fn stated(event: &Event) -> HashMap<&'static str, String> {
    let fields = event.fields().into_iter();
    fields
        .map(|(name, field)| (name, field.to_string()))
        .collect()
}

#[test]
fn the_first_event_of_all_states_the_limits_in_force() {
    block_on(async {
        let mut deadlines = Deadlines::default();
        deadlines.idle = Duration::from_secs(7);
        let bed = bed_with(Discard, |builder| {
            builder.deadlines(deadlines).flow_budget(4711)
        })
        .await;
        bed.handle.shutdown(Duration::ZERO).await;
        let events = bed.events.rest().await;
        let kinds: Vec<EventKind> = events.iter().map(Event::kind).collect();
        assert_eq!(kinds[..2], [EventKind::LimitsSet, EventKind::Listening]);
        let stated = stated(&events[0]);
        let expected = [
            ("handshakes", "512"),
            ("connections_per_source", "1000"),
            ("handshakes_per_source", "-"),
            ("rate_per_source", "50/s:500"),
            ("rate", "-"),
            ("memory", "-"),
            ("ban", "-"),
            ("handshake_ms", "10000"),
            ("first_message_ms", "60000"),
            ("authentication_ms", "-"),
            ("partial_message_ms", "30000"),
            ("message_rate", "100"),
            ("idle_ms", "7000"),
            ("stalled_write_ms", "30000"),
            ("half_closed_ms", "5000"),
            ("headers", "32768"),
            ("message", "65536"),
            ("flow_budget", "4711"),
            ("event_backlog", "10000"),
        ];
        for (name, value) in expected {
            assert_eq!(stated[name], value, "{name}");
        }
        assert!(stated["connections"].parse::<u64>().unwrap() > 0);
    });
}

#[test]
fn a_change_is_stated_and_answered_with_what_was_before() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        lab.events.next_of(EventKind::LimitsSet).await;
        let mut limits = lab.handle.snapshot().await.unwrap().limits;
        limits.memory = Some(1_000_000);
        limits.exempt = vec!["10.0.0.0/8".parse().unwrap()];
        let before = lab.handle.set_limits(limits.clone()).await.unwrap();
        assert_eq!(before.memory, None);
        let change = lab.events.next_of(EventKind::LimitsSet).await;
        let fields = change.fields();
        assert!(fields.contains(&("memory", Field::Number(1_000_000))));
        assert!(fields.contains(&("exempt", Field::List(vec!["10.0.0.0/8".into()]))));
        assert_eq!(lab.handle.snapshot().await.unwrap().limits, limits);
    });
}
