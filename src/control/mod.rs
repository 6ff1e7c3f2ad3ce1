//! Every message that application code may send to the supervisor, and what it answers.
//!
//! Each topic is a file with the messages, their handlers, and the methods of [`Handle`] that send them.
//! Code that works with xtra sends a message to the supervisor's [`address`](Handle::address) itself.

mod authentication;
mod bans;
mod close;
mod handle;
mod inspect;
mod limits;
mod listening;
mod listing;
mod send;
mod shutdown;
mod stats;
mod subscribe;

pub use crate::supervisor::Report;
pub use authentication::MarkAuthenticated;
pub use bans::{AddBan, Bans, LiftBan};
pub use close::{Close, CloseReason, Target};
pub use inspect::{Inspect, Inspection};
pub use limits::SetLimits;
pub use listening::{Listen, Pause, Resume, StopListening};
pub use listing::{SessionFilter, SessionPage, SessionSummary, Sessions};
pub use send::{SendMessage, SendOutcome};
pub use shutdown::{Drain, Shutdown, ShutdownBegun};
pub use stats::{Snapshot, Stats};
pub use subscribe::Subscribe;

pub use handle::{Handle, Stopped};
