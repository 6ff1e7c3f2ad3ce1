//! For tests of what is built on sipward: a connection in memory, a clock moved by hand, and a
//! record of events. Behind the feature `testing`.

mod clock;
mod leak;
mod memory;
mod mortal;
mod panic;
mod recorder;

pub use clock::ManualClock;
pub use leak::LeakPermit;
pub use memory::{MemoryStream, pipe};
pub use panic::Panic;
pub use recorder::Recorder;

pub use memory::Dialler;
pub(crate) use memory::MemoryListener;
pub(crate) use mortal::Mortal;
