//! Events as log lines, through the `log` crate, with their fields as key-values.

use super::levels::Levels;
use super::limiter::{Limiter, Pass, Summary};
use super::{Field, Observer, Redaction, UnknownCause};
use crate::cause::{CloseCause, Fault};
use crate::event::{Event, EventKind};
use log::kv::{Error, Key, Source, ToValue, Value, VisitSource};
use log::{Level, LevelFilter, Record};
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The target of every line.
const TARGET: &str = "sipward";

/// Writes events to the `log` crate: one line each, its fields as key-values, its level by its cause.
///
/// Lines about refusals, failed handshakes and sessions that ended by a fault are limited. The first
/// line of each cause and source network (IPv4 /24, IPv6 /48) is written at once. Those that follow are
/// counted, and one summary line per interval states their number as `suppressed`, also when no further
/// event comes. Only log lines are limited: other observers and all counters see every event.
///
/// ```
/// use log::LevelFilter;
/// use sipward::LogObserver;
/// use sipward::observe::Redaction;
/// use std::time::Duration;
///
/// let log = LogObserver::new()
///     .with_interval(Duration::from_secs(300))
///     .with_redaction(Redaction::Network)
///     .with_level("probe", LevelFilter::Off)?
///     .with_level("closed.truncated", LevelFilter::Debug)?;
/// # let _ = log;
/// assert!(LogObserver::new().with_level("prob", LevelFilter::Off).is_err());
/// # Ok::<(), sipward::observe::UnknownCause>(())
/// ```
#[derive(Debug)]
#[must_use = "give it to `Builder::log`"]
pub struct LogObserver {
    limiter: Limiter,
    levels: Levels,
    /// The level of the lines that were limited; their summaries are written at the same level.
    limited: HashMap<(&'static str, &'static str), Level>,
    redaction: Redaction,
}

impl LogObserver {
    /// A log with one summary a minute, each cause at its own level, and unshortened addresses.
    pub fn new() -> Self {
        Self {
            limiter: Limiter::new(Duration::from_secs(60)),
            levels: Levels::default(),
            limited: HashMap::new(),
            redaction: Redaction::None,
        }
    }

    /// The time between a line and its summary, and between summaries. Default 60 s; summaries come
    /// up to a second late. Zero writes every line.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.limiter = Limiter::new(interval);
        self
    }

    /// The level of the lines about this cause, by its name in the log; `Off` writes none. Several
    /// events have a cause `peer_closed` or `internal`: the bare name sets the level for all of them,
    /// `handshake_failed.peer_closed` for one.
    ///
    /// # Errors
    /// [`UnknownCause`] when no cause has this name.
    pub fn with_level(mut self, cause: &str, level: LevelFilter) -> Result<Self, UnknownCause> {
        self.levels.choose(cause, level)?;
        Ok(self)
    }

    /// How much of each address is shown. Default: all of it.
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Whether this event's line is written, at this level.
    fn limit(&mut self, event: &Event, level: Level, now: Instant) -> Pass {
        let cause = match event {
            Event::Refused(refused) => refused.cause.name(),
            Event::HandshakeFailed(failed) => failed.failure.cause.name(),
            Event::Closed(closed) if closed.fault() != Fault::Nobody => closed.cause.name(),
            _ => return Pass::Write,
        };
        match event.connection() {
            Some(connection) => {
                let (event, peer) = (event.kind().name(), connection.peer.ip());
                self.limited.insert((event, cause), level);
                self.limiter.pass(event, cause, peer, now)
            }
            None => Pass::Write,
        }
    }

    fn summarise(&self, summary: &Summary) {
        let limited = self.limited.get(&(summary.event, summary.cause));
        if let Some(level) = limited.filter(|level| **level <= log::max_level()) {
            self.write(*level, &summary.to_string(), summary.fields());
        }
    }

    fn write(&self, level: Level, headline: &str, mut fields: Vec<(&'static str, Field<'_>)>) {
        if self.redaction != Redaction::None {
            fields.retain(|(name, _)| *name != "first_bytes");
            for (_, field) in &mut fields {
                redact(field, self.redaction);
            }
        }
        let headline = self.redaction.apply(headline);
        log::logger().log(
            &Record::builder()
                .level(level)
                .target(TARGET)
                .module_path_static(Some(module_path!()))
                .key_values(&Pairs(&fields))
                .args(format_args!("{headline}"))
                .build(),
        );
    }
}

impl Default for LogObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for LogObserver {
    fn observe(&mut self, event: &Event) {
        let now = Instant::now();
        if event.kind() == EventKind::Stopped {
            for summary in self.limiter.rest(now) {
                self.summarise(&summary);
            }
        }
        let level = self.levels.of(event).to_level();
        let Some(level) = level.filter(|level| *level <= log::max_level()) else {
            return;
        };
        if self.limit(event, level, now) == Pass::Write {
            let mut fields = event.fields();
            if let Some(hint) = hint(event) {
                fields.push(("hint", Field::Text(hint)));
            }
            self.write(level, &headline(event), fields);
        }
    }

    fn tick(&mut self, now: Instant) {
        for summary in self.limiter.due(now) {
            self.summarise(&summary);
        }
    }
}

/// The text of the line: the event's kind and its cause.
fn headline(event: &Event) -> String {
    let kind = event.kind().name();
    match event {
        Event::Refused(refused) => format!("{kind}: {}", refused.cause),
        Event::HandshakeFailed(failed) => format!("{kind}: {}", failed.failure.cause),
        Event::Closed(closed) => format!("{kind}: {}", closed.cause),
        _ => kind.to_owned(),
    }
}

/// The hint at what may be wrong; `None` where nothing is.
fn hint(event: &Event) -> Option<Cow<'static, str>> {
    let hint = match event {
        Event::Refused(refused) => refused.cause.hint(),
        Event::HandshakeFailed(failed) => failed.failure.cause.hint(),
        Event::Closed(closed) if closed.fault() != Fault::Nobody => {
            if let CloseCause::Framing(broken) = &closed.cause {
                return Some(format!("{}: {broken}", closed.cause.hint()).into());
            }
            closed.cause.hint()
        }
        _ => return None,
    };
    Some(hint.into())
}

fn redact(field: &mut Field<'_>, redaction: Redaction) {
    let shorten = |text: &mut Cow<'_, str>| {
        if let Cow::Owned(short) = redaction.apply(text) {
            *text = Cow::Owned(short);
        }
    };
    match field {
        Field::Text(text) => shorten(text),
        Field::List(texts) => texts.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// Fields as key-values of the `log` crate; missing ones are left out.
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
                Field::Signed(number) => {
                    visitor.visit_pair(Key::from_str(name), number.to_value())?;
                }
                Field::Flag(flag) => visitor.visit_pair(Key::from_str(name), flag.to_value())?,
            }
        }
        Ok(())
    }
}
