//! The fields of the line that states every limit.

use super::LimitsSet;
use super::fields::{Field, millis, text};
use crate::admission::{BanRule, Rate};
use std::time::Duration;

pub(super) fn fields(set: &LimitsSet) -> Vec<(&'static str, Field<'_>)> {
    let (admission, deadlines, messages) = (&set.admission, &set.deadlines, &set.messages);
    let exempt = admission.exempt.iter().map(|net| net.to_string().into());
    vec![
        ("connections", number(admission.connections)),
        ("handshakes", number(admission.handshakes)),
        (
            "connections_per_source",
            number(admission.connections_per_source),
        ),
        (
            "handshakes_per_source",
            number(admission.handshakes_per_source),
        ),
        ("rate_per_source", rate(admission.rate_per_source)),
        ("rate", rate(admission.rate)),
        ("memory", admission.memory.map_or(Field::Missing, number)),
        ("ipv4_prefix", number(admission.ipv4_prefix.into())),
        ("ipv6_prefix", number(admission.ipv6_prefix.into())),
        ("exempt", Field::List(exempt.collect())),
        ("ban", set.ban_rule.as_ref().map_or(Field::Missing, ban)),
        ("handshake_ms", millis(deadlines.handshake)),
        ("first_message_ms", millis(deadlines.first_message)),
        (
            "authentication_ms",
            deadlines.authentication.map_or(Field::Missing, millis),
        ),
        ("partial_message_ms", millis(deadlines.partial_message)),
        ("message_rate", Field::Number(deadlines.message_rate.into())),
        ("idle_ms", millis(deadlines.idle)),
        ("stalled_write_ms", millis(deadlines.stalled_write)),
        ("half_closed_ms", millis(deadlines.half_closed)),
        ("start_line", number(messages.start_line)),
        ("headers", number(messages.headers)),
        ("header_count", number(messages.header_count)),
        ("body", number(messages.body)),
        ("message", number(messages.total)),
        ("flow_budget", number(set.flow_budget)),
        ("event_backlog", number(set.event_backlog)),
    ]
}

/// The largest number there is means that there is no limit.
fn number(number: usize) -> Field<'static> {
    match number {
        usize::MAX => Field::Missing,
        number => Field::Number(number as u64),
    }
}

fn rate(rate: Option<Rate>) -> Field<'static> {
    rate.map_or(Field::Missing, |rate| {
        text(format!("{}/s:{}", rate.per_second, rate.burst))
    })
}

fn ban(rule: &BanRule) -> Field<'static> {
    let BanRule {
        causes,
        strikes,
        within,
        duration,
    } = rule;
    let seconds = Duration::as_secs;
    text(format!(
        "{strikes}x({})/{}s:{}s",
        causes.join("|"),
        seconds(within),
        seconds(duration)
    ))
}
