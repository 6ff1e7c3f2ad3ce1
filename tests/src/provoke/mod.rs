//! Provokes endings for real, over loopback: what the log said, and what the other side saw.

pub mod capture;
pub mod closings;
pub mod handshakes;
mod hello;
pub mod refusals;
mod scene;

pub use scene::{Heard, Scene};

use sipward::Event;
use sipward::control::Report;

/// One ending that was provoked.
pub struct Provoked {
    /// The cause it was meant to have.
    pub cause: &'static str,
    /// The line in the log.
    pub line: String,
    /// What the other side saw.
    pub heard: Heard,
    /// What the supervisor's books say at its end.
    pub books: Books,
}

/// The end of a supervisor that met one peer.
pub struct Books {
    pub report: Report,
    /// All its events from the ending on.
    pub events: Vec<Event>,
}
