//! Runs the unit tests of the softswitch's parts with `cargo test`, which would otherwise only build
//! the example or only test it, and the tests with real phones need it built.

#![allow(
    dead_code,
    unused_imports,
    reason = "the parts are used by the program, which is another target"
)]

mod accounts;
mod certificate;
mod digest;
mod options;
mod switch;
