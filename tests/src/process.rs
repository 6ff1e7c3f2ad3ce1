//! A process of its own for a test that measures or limits the whole process.

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Set in the process that runs one test alone.
const ALONE: &str = "SIPWARD_TEST_ALONE";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs the body of the calling test in a process of its own, one such test at a time.
pub fn alone(body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let turn = ONE_AT_A_TIME.lock();
    // A failed test has poisoned it, which is no reason for the others to fail.
    let _turn = turn.unwrap_or_else(PoisonError::into_inner);
    let thread = thread::current();
    let name = thread.name().expect("a test has a thread of its name");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    print!("{}", String::from_utf8_lossy(&output.stdout));
}
