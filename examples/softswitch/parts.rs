//! The softswitch's parts without its program, for the benchmarks.

#![allow(
    dead_code,
    unused_imports,
    reason = "the parts are used by the program, which is another target"
)]

pub mod accounts;
pub mod digest;
pub mod gate;
pub mod options;
pub mod switch;
