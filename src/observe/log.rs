//! Events as log lines, through the `log` crate, with their fields as key-values.

use super::limiter::{Limiter, Pass};
use super::{Field, Observer};
use crate::cause::Fault;
use crate::event::{Event, EventKind};
use log::kv::{Error, Key, Source, ToValue, Value, VisitSource};
use log::{Level, Record};
use std::time::Instant;

/// The target of every line.
const TARGET: &str = "sipward";

/// Writes events to the `log` crate: one line each, its fields as key-values, its level by its cause.
///
/// Refusals, failed handshakes and sessions that ended by somebody's fault are limited: the first of
/// a cause and source network is written at once, the next after a minute, with a `suppressed` count
/// of those between.
#[derive(Debug, Default)]
pub struct LogObserver {
    limiter: Limiter,
}

impl Observer for LogObserver {
    fn observe(&mut self, event: &Event) {
        let level = level(event);
        if level > log::max_level() {
            return;
        }
        let suppressed = match self.limit(event) {
            Pass::Suppress => return,
            Pass::Write { suppressed } => suppressed,
        };
        let mut fields = event.fields();
        if suppressed > 0 {
            fields.push(("suppressed", Field::Number(suppressed)));
        }
        if let Some(hint) = hint(event) {
            fields.push(("hint", Field::Text(hint.into())));
        }
        write(level, &headline(event), &Pairs(&fields));
    }
}

impl LogObserver {
    fn limit(&mut self, event: &Event) -> Pass {
        let cause = match event {
            Event::Refused(refused) => refused.cause.name(),
            Event::HandshakeFailed(failed) => failed.cause.name(),
            Event::Closed(closed) if closed.fault() != Fault::Nobody => closed.cause.name(),
            _ => return Pass::Write { suppressed: 0 },
        };
        match event.connection() {
            Some(connection) => {
                let key = (event.kind(), cause, connection.peer.ip());
                self.limiter.pass(key, Instant::now())
            }
            None => Pass::Write { suppressed: 0 },
        }
    }
}

fn write(level: Level, headline: &str, fields: &dyn Source) {
    log::logger().log(
        &Record::builder()
            .level(level)
            .target(TARGET)
            .module_path_static(Some(module_path!()))
            .key_values(fields)
            .args(format_args!("{headline}"))
            .build(),
    );
}

/// The words of the line: its kind and its cause.
fn headline(event: &Event) -> String {
    let kind = event.kind().name();
    match event {
        Event::Refused(refused) => format!("{kind}: {}", refused.cause),
        Event::HandshakeFailed(failed) => format!("{kind}: {}", failed.cause),
        Event::Closed(closed) => format!("{kind}: {}", closed.cause),
        _ => kind.to_owned(),
    }
}

/// What may be behind it, in a few words; nothing where nothing is wrong.
fn hint(event: &Event) -> Option<&'static str> {
    match event {
        Event::Refused(refused) => Some(refused.cause.hint()),
        Event::HandshakeFailed(failed) => Some(failed.cause.hint()),
        Event::Closed(closed) if closed.fault() != Fault::Nobody => Some(closed.cause.hint()),
        _ => None,
    }
}

fn level(event: &Event) -> Level {
    match event {
        Event::HandshakeFailed(failed) => failed.cause.level(),
        Event::Closed(closed) => closed.cause.level(),
        Event::Refused(refused) => refused.cause.level(),
        Event::Stopped { panic: Some(_), .. } => Level::Error,
        Event::ListenerClosed { error: Some(_), .. } => Level::Error,
        _ => match event.kind() {
            EventKind::Accepted | EventKind::Dialled => Level::Debug,
            EventKind::AcceptFailed | EventKind::Banned => Level::Warn,
            EventKind::Discrepancy | EventKind::ObserverFailed => Level::Error,
            _ => Level::Info,
        },
    }
}

/// Fields as the `log` crate wants them; what is missing is left out.
struct Pairs<'a>(&'a [(&'static str, Field<'a>)]);

impl Source for Pairs<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        for (name, field) in self.0 {
            match field {
                Field::Missing => {}
                Field::List(texts) if texts.is_empty() => {}
                Field::List(_) => {
                    visitor.visit_pair(Key::from_str(name), Value::from_display(field))?;
                }
                Field::Text(text) => {
                    visitor.visit_pair(Key::from_str(name), (**text).to_value())?;
                }
                Field::Number(number) => {
                    visitor.visit_pair(Key::from_str(name), number.to_value())?;
                }
                Field::Flag(flag) => visitor.visit_pair(Key::from_str(name), flag.to_value())?,
            }
        }
        Ok(())
    }
}
