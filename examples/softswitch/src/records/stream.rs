//! The complete event stream: one JSON object a line, in order, with no event left out.

use crate::config::EventSink;
use crate::switch::SwitchEvent;
use async_std::channel::{Sender, unbounded};
use serde_json::{Map, Value, json};
use sipward::observe::Field;
use sipward::{Event, Observer};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How many lines may wait for the writing thread before sipward's observer blocks. A blocked
/// observer makes sipward accept no connection until the thread has caught up.
const MAX_WAITING: usize = 10_000;

/// How long the writing thread sleeps when no line waits. While it sleeps, the thread that reports
/// an event need not wake it, which would lengthen the time the switch is locked.
const WRITE_PAUSE: Duration = Duration::from_millis(2);

/// Handle to the event stream. Clones share it; without a sink it discards all events.
#[derive(Clone)]
pub struct EventStream {
    lines: Option<Sender<String>>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
    standard_output: bool,
}

struct StreamObserver(Sender<String>);

impl EventStream {
    /// Opens the sink; appends if it is a file.
    ///
    /// # Errors If the file cannot be opened (the message names it) or the thread cannot be
    /// started.
    pub fn open(sink: Option<&EventSink>) -> Result<Self, String> {
        let mut stream = Self {
            lines: None,
            writer: Arc::new(Mutex::new(None)),
            standard_output: matches!(sink, Some(EventSink::StandardOutput)),
        };
        let output: Box<dyn Write + Send> = match sink {
            None => return Ok(stream),
            Some(EventSink::StandardOutput) => Box::new(io::stdout()),
            Some(EventSink::File(path)) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                Box::new(file.map_err(|error| {
                    format!("cannot write events to {}: {error}", path.display())
                })?)
            }
        };
        let (sender, receiver) = unbounded::<String>();
        let write_all = move || {
            let mut output = BufWriter::new(output);
            while let Ok(line) = receiver.recv_blocking() {
                let written = writeln!(output, "{line}");
                // Flushed when no line waits, so that a program that follows the stream sees each
                // event soon.
                let idle = receiver.is_empty();
                let flushed = if idle { output.flush() } else { Ok(()) };
                if let Err(error) = written.and(flushed) {
                    eprintln!("softswitch: the event stream ends here: {error}");
                    receiver.close();
                    return;
                }
                if idle {
                    thread::sleep(WRITE_PAUSE);
                }
            }
        };
        let writer = thread::Builder::new()
            .name("events".to_owned())
            .spawn(write_all)
            .map_err(|error| format!("cannot start the thread that writes events: {error}"))?;
        stream.lines = Some(sender);
        stream.writer = Arc::new(Mutex::new(Some(writer)));
        Ok(stream)
    }

    pub fn uses_standard_output(&self) -> bool {
        self.standard_output
    }

    /// The observer that writes sipward's events to this stream.
    pub fn observer(&self) -> Option<impl Observer + use<>> {
        self.lines.clone().map(StreamObserver)
    }

    /// Writes an event of the switch. Never waits: it is called while the switch is locked.
    pub fn report(&self, event: &SwitchEvent) {
        if let Some(lines) = &self.lines {
            // This fails only after the thread has ended by a write error, which it has reported.
            let _ = lines.try_send(line_of_switch(event));
        }
    }

    /// Waits until everything is written.
    pub fn finish(self) {
        if let Some(lines) = self.lines {
            lines.close();
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            // The thread ends when the channel is empty, and does not panic.
            let _ = writer.join();
        }
    }
}

impl Observer for StreamObserver {
    fn observe(&mut self, event: &Event) {
        while self.0.len() > MAX_WAITING && !self.0.is_closed() {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.try_send(line_of_sipward(event));
    }
}

fn line_of_sipward(event: &Event) -> String {
    let mut object = event_object(event.kind().name());
    for (name, field) in event.fields() {
        object.insert(name.to_owned(), value(field));
    }
    Value::Object(object).to_string()
}

fn value(field: Field<'_>) -> Value {
    match field {
        Field::Text(text) => Value::String(text.into_owned()),
        Field::Number(number) => number.into(),
        Field::Signed(number) => number.into(),
        Field::Flag(flag) => flag.into(),
        Field::List(texts) => texts.into_iter().map(|text| json!(text)).collect(),
        _ => Value::Null,
    }
}

fn line_of_switch(event: &SwitchEvent) -> String {
    let (kind, fields) = fields(event);
    let mut object = event_object(kind);
    for (name, field) in fields {
        object.insert(name.to_owned(), value(field));
    }
    Value::Object(object).to_string()
}

/// The kind of an event of the switch and its fields by name, for the stream and for the log. The
/// source stands before all values that a peer has chosen, so that a log filter can rely on it.
pub fn fields(event: &SwitchEvent) -> (&'static str, Vec<(&'static str, Field<'_>)>) {
    let text = |text: String| Field::Text(text.into());
    match event {
        SwitchEvent::Registered {
            user,
            contact,
            expires_s,
            source,
            refresh: _,
        } => (
            "registered",
            vec![
                ("source", text(source.to_string())),
                ("user", Field::Text(user.into())),
                ("contact", Field::Text(contact.into())),
                ("expires_s", Field::Number((*expires_s).into())),
            ],
        ),
        SwitchEvent::Unregistered {
            user,
            contact,
            why,
            source,
        } => (
            "unregistered",
            vec![
                (
                    "source",
                    source.map_or(Field::Missing, |source| text(source.to_string())),
                ),
                ("why", text(why.to_string())),
                ("user", Field::Text(user.into())),
                ("contact", Field::Text(contact.into())),
            ],
        ),
        SwitchEvent::AuthFailed { user, source, why } => (
            "auth_failed",
            vec![
                ("source", text(source.to_string())),
                ("why", Field::Text((*why).into())),
                ("user", Field::Text(user.into())),
            ],
        ),
        SwitchEvent::CallEnded {
            call_id,
            caller,
            callee,
            status,
            duration_ms,
            ended_by,
        } => (
            "call_ended",
            vec![
                ("status", Field::Number((*status).into())),
                ("duration_ms", Field::Number(*duration_ms)),
                ("ended_by", text(ended_by.to_string())),
                ("call_id", Field::Text(call_id.into())),
                ("caller", Field::Text(caller.into())),
                ("callee", Field::Text(callee.into())),
            ],
        ),
        SwitchEvent::RequestRefused {
            status,
            reason,
            method,
            user,
            source,
            session,
        } => (
            "request_refused",
            vec![
                ("id", Field::Number(*session)),
                ("source", text(source.to_string())),
                ("status", Field::Number((*status).into())),
                ("reason", Field::Text(reason.into())),
                ("method", Field::Text(method.into())),
                ("user", Field::Text(user.into())),
            ],
        ),
        SwitchEvent::MessagesDropped { reason, count } => (
            "messages_dropped",
            vec![
                ("reason", text(reason.to_string())),
                ("count", Field::Number(*count)),
            ],
        ),
        SwitchEvent::PrivateAddress { local, source } => (
            "private_address",
            vec![
                ("source", text(source.to_string())),
                ("local", text(local.to_string())),
            ],
        ),
    }
}

fn event_object(event: &str) -> Map<String, Value> {
    let now = OffsetDateTime::now_utc();
    let mut object = Map::new();
    object.insert("ts".to_owned(), json!(now.format(&Rfc3339).ok()));
    object.insert("event".to_owned(), json!(event));
    object
}
