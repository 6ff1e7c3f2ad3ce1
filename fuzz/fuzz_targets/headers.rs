//! `cargo fuzz run headers`: see `sipward::fuzzing::headers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sipward::fuzzing::headers(bytes));
