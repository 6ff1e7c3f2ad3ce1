//! Counting instructions: one run under valgrind for few repetitions, one for more; the difference is
//! theirs, whatever the start of the program takes, and whichever of its threads they are done by.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Repetitions before counting begins: what grows to its size has grown.
const FEW: u64 = 200;
const MORE: u64 = 500;

/// Repetitions of what takes less than so many instructions: there the luck of a hash shows.
const MANY: u64 = 4200;
const SMALL: u64 = 100_000;

pub struct Callgrind {
    /// This program.
    program: PathBuf,
}

impl Callgrind {
    /// # Errors
    /// When there is no valgrind.
    pub fn find() -> Result<Self, String> {
        let version = Command::new("valgrind").arg("--version").output();
        version.map_err(|error| format!("cannot run valgrind, install it: {error}"))?;
        let program = env::current_exe().map_err(|error| error.to_string())?;
        Ok(Self { program })
    }

    /// Instructions of one repetition of this piece.
    ///
    /// # Errors
    /// When valgrind fails, or does not say what it is asked for.
    pub fn count(&self, piece: &str) -> Result<u64, String> {
        let few = self.collected(piece, FEW)?;
        let each = |all: u64, times| all.saturating_sub(few) / (times - FEW);
        let count = each(self.collected(piece, MORE)?, MORE);
        if count > SMALL {
            return Ok(count);
        }
        Ok(each(self.collected(piece, MANY)?, MANY))
    }

    fn collected(&self, piece: &str, times: u64) -> Result<u64, String> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&self.program)
            .args([&format!("--run={times}"), piece])
            // One thread at a time is counted in any case; with one there is one order.
            .env("ASYNC_STD_THREAD_COUNT", "1")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected = said
            .lines()
            .filter(|_| output.status.success())
            .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
        collected.ok_or_else(|| format!("valgrind failed on `{piece}`:\n{said}"))
    }
}
