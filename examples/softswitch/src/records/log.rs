//! Writes the switch's events as log lines. Refused credentials are warnings; these and refused
//! requests are limited per source network, as sipward's own lines are; refreshed registrations are
//! logged at debug level, all other events at info level. A thread of its own writes them, because the switch reports them
//! while it is locked.

use super::fields;
use crate::switch::{SwitchEvent, reason_phrase};
use log::kv::{Error, Key, Source, Value, VisitSource};
use log::{Level, Record};
use sipward::observe::{Field, Limiter, Pass, Summary};
use std::iter;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many events may wait for the log thread; further ones are not logged.
const MAX_WAITING: usize = 10_000;

/// How long after a line that was written the summary of the suppressed ones follows.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(60);

/// How long the log thread sleeps when no event waits. While it sleeps, the thread that reports an
/// event need not wake it, which would lengthen the time the switch is locked.
const WRITE_PAUSE: Duration = Duration::from_millis(2);

/// Handle to the thread that logs the switch's events. Clones share the thread.
#[derive(Clone)]
pub struct EventLog {
    /// `None` tells the thread to end.
    events: SyncSender<Option<SwitchEvent>>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl EventLog {
    /// # Errors If the thread cannot be started.
    pub fn start() -> Result<Self, String> {
        let (events, receiver) = sync_channel(MAX_WAITING);
        let writer = thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || write_all(&receiver))
            .map_err(|error| format!("cannot start the thread that logs: {error}"))?;
        Ok(Self {
            events,
            writer: Arc::new(Mutex::new(Some(writer))),
        })
    }

    /// Never waits. Events below the log level are not queued.
    pub fn report(&self, event: SwitchEvent) {
        if level(&event) <= log::max_level() {
            // If the queue is full, the event is lost: waiting would stop the whole switch.
            let _ = self.events.try_send(Some(event));
        }
    }

    /// Waits until everything is written.
    pub fn finish(self) {
        if self.events.try_send(None).is_err() {
            return;
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            // The thread does not panic, so `join` gives nothing to handle.
            let _ = writer.join();
        }
    }
}

fn write_all(events: &Receiver<Option<SwitchEvent>>) {
    let mut limiter = Limiter::new(SUMMARY_INTERVAL);
    let second = Duration::from_secs(1);
    let mut tick = Instant::now() + second;
    'events: loop {
        let left = tick.saturating_duration_since(Instant::now());
        match events.recv_timeout(left) {
            Ok(first) => {
                let waiting = iter::once(first).chain(events.try_iter());
                for event in waiting.take(MAX_WAITING) {
                    let Some(event) = event else { break 'events };
                    write_event(&event, &mut limiter);
                }
                thread::sleep(WRITE_PAUSE);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let now = Instant::now();
        if tick <= now {
            limiter.due(now).iter().for_each(write_summary);
            tick = now + second;
        }
    }
    limiter.rest(Instant::now()).iter().for_each(write_summary);
}

fn level(event: &SwitchEvent) -> Level {
    match event {
        SwitchEvent::AuthFailed { .. } | SwitchEvent::PrivateAddress { .. } => Level::Warn,
        SwitchEvent::Registered { refresh: true, .. } => Level::Debug,
        _ => Level::Info,
    }
}

fn write_event(event: &SwitchEvent, limiter: &mut Limiter) {
    let (kind, fields) = fields(event);
    let (cause, source) = match event {
        SwitchEvent::AuthFailed { source, why, .. } => (*why, source),
        SwitchEvent::RequestRefused { source, status, .. } => (reason_phrase(*status), source),
        SwitchEvent::PrivateAddress { .. } => {
            let advice = "private_address: give the public one with --advertise";
            return write(level(event), advice, &fields);
        }
        _ => return write(level(event), kind, &fields),
    };
    if limiter.pass(kind, cause, source.ip(), Instant::now()) == Pass::Write {
        write(level(event), &format!("{kind}: {cause}"), &fields);
    }
}

fn write_summary(summary: &Summary) {
    write(Level::Warn, &summary.to_string(), &summary.fields());
}

fn write(level: Level, headline: &str, fields: &[(&'static str, Field<'_>)]) {
    log::logger().log(
        &Record::builder()
            .level(level)
            .target("softswitch")
            .key_values(&Pairs(fields))
            .args(format_args!("{headline}"))
            .build(),
    );
}

struct Pairs<'a>(&'a [(&'static str, Field<'a>)]);

impl Source for Pairs<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        for (name, field) in self.0 {
            let value = match field {
                Field::Missing => continue,
                Field::Number(number) => Value::from(*number),
                field => Value::from_display(field),
            };
            visitor.visit_pair(Key::from_str(name), value)?;
        }
        Ok(())
    }
}
