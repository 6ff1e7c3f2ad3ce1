//! Every message application code may send to the supervisor, and what it answers.
//!
//! Each can be sent through [`Handle`](crate::Handle), or to its
//! [`address`](crate::Handle::address) by those who work with xtra.

mod admission;
mod figures;
mod listening;
mod sessions;
mod shutdown;
mod subscribe;

pub use admission::{AddBan, Bans, LiftBan, SetLimits};
pub use figures::{Figures, Snapshot};
pub use listening::{Listen, Pause, Resume, StopListening};
pub use sessions::{
    Close, CloseReason, Inspect, Inspection, MarkAuthenticated, Send, Sent, SessionFilter,
    SessionPage, SessionSummary, Sessions, Target,
};
pub use shutdown::{Drain, Report, Shutdown, ShutdownBegun};
pub use subscribe::Subscribe;

pub(crate) use shutdown::Outcome;
