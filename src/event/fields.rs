//! The fields of every event by name: the one place logs and event streams take them from.

use super::{Closed, Event, HandshakeFailed, Ready, Refused};
use crate::connection::{
    Alert, Certificate, Connection, Counts, ExpectedMessage, HandshakeFailure,
};
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

/// The value of one field of an event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Field<'a> {
    /// Nothing was seen, or nothing agreed.
    Missing,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(u64),
    /// A whole number that may be below zero.
    Signed(i64),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    List(Vec<Cow<'a, str>>),
}

impl fmt::Display for Field<'_> {
    /// Lists with commas; what is missing as `-`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("-"),
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(texts) => f.write_str(&texts.join(",")),
        }
    }
}

impl Event {
    /// Every field of this event, named as in the log and the event stream, in a fixed order.
    /// `event`, its kind, is not among them.
    ///
    /// ```
    /// use sipward::{Event, observe::Field};
    ///
    /// let event = Event::Listening { listener: "127.0.0.1:5061".parse().unwrap() };
    /// assert_eq!(event.fields(), [("listener", Field::Text("127.0.0.1:5061".into()))]);
    /// ```
    pub fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
        match self {
            Self::LimitsSet(limits) => super::limits_set::fields(limits),
            Self::Listening { listener } => vec![("listener", text(listener.to_string()))],
            Self::ListenerClosed { listener, error } => vec![
                ("listener", text(listener.to_string())),
                ("error", optional(error.as_deref())),
            ],
            Self::AcceptFailed {
                listener,
                error,
                pause,
            } => vec![
                ("listener", text(listener.to_string())),
                ("error", text(error.as_str())),
                ("pause_ms", millis(*pause)),
            ],
            Self::AcceptResumed { listener, duration } => vec![
                ("listener", text(listener.to_string())),
                ("duration_ms", millis(*duration)),
            ],
            Self::Accepted(connection) | Self::Dialled(connection) => of_connection(connection),
            Self::Refused(refused) => of_refused(refused),
            Self::HandshakeFailed(failed) => of_failed(failed),
            Self::Ready(ready) => of_ready(ready),
            Self::Closed(closed) => of_closed(closed),
            Self::Discrepancy { connection, what } => vec![
                (
                    "id",
                    connection.map_or(Field::Missing, |id| Field::Number(id.number())),
                ),
                ("what", text(what.as_str())),
            ],
            Self::ObserverFailed { observer, message } => vec![
                ("observer", Field::Number(*observer as u64)),
                ("message", text(message.as_str())),
            ],
            Self::Banned {
                source,
                duration,
                cause,
            } => vec![
                ("source", text(source.to_string())),
                ("duration_ms", duration.map_or(Field::Missing, millis)),
                ("cause", text(&**cause)),
            ],
            Self::Draining { open, deadline } => vec![
                ("open", Field::Number(*open as u64)),
                ("deadline_ms", millis(*deadline)),
            ],
            Self::DrainProgress { open, busy, left } => vec![
                ("open", Field::Number(*open as u64)),
                ("busy", Field::Number(*busy as u64)),
                ("left_ms", millis(*left)),
            ],
            Self::Stopped {
                inbound,
                outbound,
                panic,
            } => {
                let mut fields = of_counts(inbound, outbound);
                fields.push(("panic", optional(panic.as_deref())));
                fields
            }
        }
    }
}

fn of_connection(connection: &Connection) -> Vec<(&'static str, Field<'_>)> {
    vec![
        ("id", Field::Number(connection.id.number())),
        ("peer", text(connection.peer.to_string())),
        ("local", text(connection.local.to_string())),
        ("listener", text(connection.listener.to_string())),
        ("direction", text(connection.direction.name())),
    ]
}

fn of_refused(refused: &Refused) -> Vec<(&'static str, Field<'_>)> {
    let mut fields = of_connection(&refused.connection);
    fields.extend([
        ("cause", text(refused.cause.name())),
        ("limit", Field::Number(refused.limit)),
        ("current", Field::Number(refused.current)),
    ]);
    fields
}

fn of_failed(failed: &HandshakeFailed) -> Vec<(&'static str, Field<'_>)> {
    let HandshakeFailure {
        cause,
        phase,
        evidence,
    } = &failed.failure;
    let mut fields = of_connection(&failed.connection);
    fields.extend([
        ("cause", text(cause.name())),
        ("detail", cause.detail().map_or(Field::Missing, text)),
        ("phase", text(phase.name())),
        ("fault", text(failed.fault().name())),
        ("elapsed_ms", millis(failed.elapsed)),
        ("bytes_in", Field::Number(failed.stats.bytes_in)),
        ("bytes_out", Field::Number(failed.stats.bytes_out)),
        ("first_bytes", optional(evidence.first_bytes.as_deref())),
        ("sni", optional(evidence.sni.as_deref())),
        ("offered_versions", list(&evidence.offered_versions)),
        (
            "offered_alpn",
            Field::List(
                evidence
                    .offered_alpn
                    .iter()
                    .map(|id| id.as_str().into())
                    .collect(),
            ),
        ),
        ("ja4", optional(evidence.ja4.as_deref())),
        ("version", optional(evidence.version.as_deref())),
        ("cipher_suite", optional(evidence.cipher_suite.as_deref())),
        ("group", optional(evidence.group.as_deref())),
        (
            "waiting_for",
            optional(evidence.waiting_for.map(ExpectedMessage::name)),
        ),
        (
            "unacknowledged",
            evidence
                .unacknowledged
                .map_or(Field::Missing, Field::Number),
        ),
        (
            "certificate_days_left",
            days_left(evidence.certificate_not_after, &failed.connection),
        ),
    ]);
    fields.extend(of_alert(evidence.alert.as_ref()));
    fields.extend(of_certificate(evidence.client_certificate.as_deref()));
    fields
}

fn of_ready(ready: &Ready) -> Vec<(&'static str, Field<'_>)> {
    let tls = &ready.tls;
    let mut fields = of_connection(&ready.connection);
    fields.extend([
        ("elapsed_ms", millis(ready.elapsed)),
        ("version", text(&*tls.version)),
        ("cipher_suite", text(&*tls.cipher_suite)),
        ("group", optional(tls.group.as_deref())),
        ("alpn", optional(tls.alpn.as_deref())),
        ("sni", optional(tls.sni.as_deref())),
        ("resumed", Field::Flag(tls.resumed)),
        ("offered_versions", list(&tls.offered_versions)),
        ("ja4", optional(tls.ja4.as_deref())),
        (
            "certificate_days_left",
            days_left(tls.certificate_not_after, &ready.connection),
        ),
    ]);
    fields.extend(of_certificate(tls.client_certificate.as_deref()));
    fields
}

fn of_closed(closed: &Closed) -> Vec<(&'static str, Field<'_>)> {
    let mut fields = of_connection(&closed.connection);
    fields.extend([
        ("cause", text(closed.cause.name())),
        ("detail", closed.cause.detail().map_or(Field::Missing, text)),
        ("fault", text(closed.fault().name())),
        ("duration_ms", millis(closed.duration)),
        ("messages_in", Field::Number(closed.stats.messages_in)),
        ("messages_out", Field::Number(closed.stats.messages_out)),
        ("bytes_in", Field::Number(closed.stats.bytes_in)),
        ("bytes_out", Field::Number(closed.stats.bytes_out)),
    ]);
    fields.extend(of_alert(closed.alert.as_ref()));
    fields
}

/// Whole days from the beginning of the connection to the end of the certificate we served; below
/// zero when it had expired.
fn days_left(until: Option<SystemTime>, connection: &Connection) -> Field<'static> {
    const DAY: u64 = 24 * 60 * 60;
    let Some(until) = until else {
        return Field::Missing;
    };
    let days = match until.duration_since(connection.begun) {
        Ok(left) => i64::try_from(left.as_secs() / DAY),
        Err(over) => i64::try_from(over.duration().as_secs() / DAY).map(|days| -days - 1),
    };
    days.map_or(Field::Missing, Field::Signed)
}

fn of_alert(alert: Option<&Alert>) -> [(&'static str, Field<'_>); 2] {
    [
        (
            "alert",
            alert.map_or(Field::Missing, |alert| text(&*alert.name)),
        ),
        (
            "alert_direction",
            alert.map_or(Field::Missing, |alert| text(alert.direction.name())),
        ),
    ]
}

/// Nothing at all when no certificate was shown: few peers have one.
fn of_certificate(certificate: Option<&Certificate>) -> Vec<(&'static str, Field<'_>)> {
    let Some(certificate) = certificate else {
        return Vec::new();
    };
    let until = certificate.not_after.duration_since(SystemTime::UNIX_EPOCH);
    let identities = certificate.identities().into_iter().map(Cow::Owned);
    vec![
        ("client_subject", text(certificate.subject.as_str())),
        ("client_issuer", text(certificate.issuer.as_str())),
        ("client_identities", Field::List(identities.collect())),
        (
            "client_not_after",
            Field::Number(until.map_or(0, |since| since.as_secs())),
        ),
        ("client_fingerprint", text(certificate.fingerprint.as_str())),
    ]
}

fn of_counts(inbound: &Counts, outbound: &Counts) -> Vec<(&'static str, Field<'static>)> {
    vec![
        ("begun", Field::Number(inbound.begun)),
        ("refused", Field::Number(inbound.refused)),
        ("failed", Field::Number(inbound.failed)),
        ("ready", Field::Number(inbound.ready)),
        ("closed", Field::Number(inbound.closed)),
        ("handshaking", Field::Number(inbound.handshaking)),
        ("open", Field::Number(inbound.open)),
        ("dialled", Field::Number(outbound.begun)),
        (
            "balanced",
            Field::Flag(inbound.balanced() && outbound.balanced()),
        ),
    ]
}

pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Field<'a> {
    Field::Text(text.into())
}

fn optional(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Missing, |text| Field::Text(text.into()))
}

fn list<'a>(texts: &'a [Cow<'static, str>]) -> Field<'a> {
    Field::List(texts.iter().map(|text| Cow::Borrowed(&**text)).collect())
}

pub(super) fn millis(duration: Duration) -> Field<'static> {
    Field::Number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
