//! `cargo fuzz run hello`: see `sipward::fuzzing::hello`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sipward::fuzzing::hello(bytes));
