//! The logger: writes log lines to standard error, for people (`pretty`) or for machines (`json`).

use crate::config::{LogForm, LogLevel};
use env_logger::fmt::Formatter;
use env_logger::{Builder, Target};
use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Record};
use serde_json::{Map, json};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Installs the logger. Lines logged before this are lost.
pub fn start(form: LogForm, level: LogLevel) {
    let mut builder = Builder::new();
    builder
        .filter_module("sipward", level.into())
        .filter_module("softswitch", level.into())
        .target(Target::Stderr);
    match form {
        LogForm::Pretty => builder.format(pretty),
        LogForm::Json => builder.format(json),
    };
    builder.init();
}

fn pretty(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut fields = String::new();
    // Writing to a String cannot fail.
    let _ = record.key_values().visit(&mut Pretty(&mut fields));
    let style = out.default_level_style(record.level());
    let time = out.timestamp_millis();
    let level = record.level();
    writeln!(
        out,
        "{time} {style}{level:<5}{style:#} {}{fields}",
        record.args()
    )
}

fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut object = Map::new();
    object.insert("ts".to_owned(), json!(out.timestamp_millis().to_string()));
    let level = record.level().as_str().to_ascii_lowercase();
    object.insert("level".to_owned(), json!(level));
    object.insert("message".to_owned(), json!(record.args().to_string()));
    // The visitor `Json` never fails.
    let _ = record.key_values().visit(&mut Json(&mut object));
    writeln!(out, "{}", serde_json::Value::Object(object))
}

struct Pretty<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Pretty<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let text = value.to_string();
        // Peers choose some of the values, so a value is quoted if it could end the line or look
        // like another field.
        let special = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=');
        let quoted = text.is_empty() || text.contains(special);
        let written = if quoted {
            write!(self.0, " {key}={text:?}")
        } else {
            write!(self.0, " {key}={text}")
        };
        written.map_err(Error::from)
    }
}

struct Json<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Json<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = if let Some(number) = value.to_u64() {
            json!(number)
        } else if let Some(flag) = value.to_bool() {
            json!(flag)
        } else {
            json!(value.to_string())
        };
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::Off,
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}
