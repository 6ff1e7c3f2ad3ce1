//! Random histories of a whole system, and the law that each of them obeys.
//!
//! Everything happens on one thread of the runtime, in memory and in virtual time, so that a seed
//! gives the same history again; only keys and what follows from them differ.

mod actions;
mod application;
mod chance;
mod client;
mod history;
mod judge;
mod steering;
mod tally;
mod world;

pub use history::{Broken, Ground, play};
