//! For tests of what is built on sipward: a connection in memory, a clock moved by hand, a record of
//! events, and faults to inject. Behind the feature `testing`.

mod leak;
mod panic;
mod recorder;

pub use crate::clock::ManualClock;
pub use crate::transport::memory::{Dialler, MemoryStream, pipe};
pub use leak::LeakPermit;
pub use panic::Panic;
pub use recorder::Recorder;
