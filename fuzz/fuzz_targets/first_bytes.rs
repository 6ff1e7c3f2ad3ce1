//! `cargo fuzz run first_bytes`: see `sipward::fuzzing::first_bytes`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sipward::fuzzing::first_bytes(bytes));
