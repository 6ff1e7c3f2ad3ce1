//! Records of what the switch does: log lines, and the complete event stream.

mod log;
pub mod logger;
mod stream;

pub use log::EventLog;
pub use stream::{EventStream, fields};
