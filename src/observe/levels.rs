//! At which level each event is logged.

use crate::cause::{CloseCause, HandshakeCause, RefusalCause};
use crate::event::{Event, EventKind};
use log::{Level, LevelFilter};
use std::collections::HashMap;
use std::fmt;

/// The levels an operator has chosen. All other causes have their own level.
#[derive(Debug, Default)]
pub(super) struct Levels {
    chosen: HashMap<(EventKind, &'static str), LevelFilter>,
}

/// No cause has the name for which a level was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCause(String);

impl Levels {
    /// Sets the level of `cause`, or of `event.cause`; a bare name that several events have means all
    /// of them.
    pub(super) fn choose(&mut self, name: &str, level: LevelFilter) -> Result<(), UnknownCause> {
        let (event, cause) = match name.split_once('.') {
            Some((event, cause)) => (Some(event), cause),
            None => (None, name),
        };
        let mut known = false;
        for (kind, causes) in closed_sets() {
            let asked = event.is_none_or(|event| event == kind.name());
            if let Some(cause) = causes.iter().find(|known| asked && **known == cause) {
                self.chosen.insert((kind, cause), level);
                known = true;
            }
        }
        if known {
            Ok(())
        } else {
            Err(UnknownCause(name.to_owned()))
        }
    }

    pub(super) fn of(&self, event: &Event) -> LevelFilter {
        let by_cause = |cause: &'static str, level: Level| {
            let chosen = self.chosen.get(&(event.kind(), cause));
            chosen.copied().unwrap_or(level.to_level_filter())
        };
        match event {
            Event::HandshakeFailed(failed) => {
                by_cause(failed.failure.cause.name(), failed.failure.cause.level())
            }
            Event::Closed(closed) => by_cause(closed.cause.name(), closed.cause.level()),
            Event::Refused(refused) => by_cause(refused.cause.name(), refused.cause.level()),
            Event::Stopped { panic: Some(_), .. } => LevelFilter::Error,
            Event::ListenerClosed { error: Some(_), .. } => LevelFilter::Error,
            _ => event.kind().level().to_level_filter(),
        }
    }
}

fn closed_sets() -> [(EventKind, &'static [&'static str]); 3] {
    [
        (EventKind::HandshakeFailed, HandshakeCause::NAMES),
        (EventKind::Closed, CloseCause::NAMES),
        (EventKind::Refused, RefusalCause::NAMES),
    ]
}

impl fmt::Display for UnknownCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no cause is named `{}`: give one as log lines name it, `probe` say, or with its event, \
             `closed.truncated`",
            self.0
        )
    }
}

impl std::error::Error for UnknownCause {}
