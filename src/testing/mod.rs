//! Helps to test programs built on sipward, behind the feature `testing`: connections in memory, a
//! clock that a test moves, a recorder of events, and faults to inject.

mod leak;
mod panic;
mod recorder;

pub use crate::clock::ManualClock;
pub use crate::transport::memory::{Dialler, MemoryStream, pipe};
pub use leak::LeakPermit;
pub use panic::Panic;
pub use recorder::Recorder;
