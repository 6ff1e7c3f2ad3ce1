//! `cargo fuzz run records`: see `sipward::fuzzing::records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sipward::fuzzing::records(bytes));
