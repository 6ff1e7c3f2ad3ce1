//! `cargo fuzz run framing`: see `sipward::fuzzing::framing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sipward::fuzzing::framing(bytes));
