//! The load generator: `cargo run --release --example sipload`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sipload::main()
}
