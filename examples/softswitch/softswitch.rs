//! The softswitch: `cargo run --release --example softswitch`.

use std::process::ExitCode;

fn main() -> ExitCode {
    softswitch::main()
}
