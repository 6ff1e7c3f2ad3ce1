//! The doctor: `cargo run --example doctor`.

use std::process::ExitCode;

fn main() -> ExitCode {
    doctor::main()
}
