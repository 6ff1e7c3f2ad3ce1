//! Processes: CPU time and memory of one and its descendants, from /proc (proc(5)), and the
//! programs that were built beside this one.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The resources of a process and all its descendants; many servers work in child processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// User and system time of all their threads since their start.
    pub cpu: Duration,
    /// Proportional resident memory in bytes: memory that several processes share is divided among
    /// them, so that it counts once.
    pub rss: u64,
}

/// Samples the process with this id and its descendants.
///
/// # Errors
/// When there is no such process, when reading its files is not permitted, or when the system has
/// no /proc.
pub fn sample(pid: u32) -> io::Result<Sample> {
    let mut sum = sample_alone(pid)?;
    for child in children(pid) {
        // A child that has ended meanwhile is left out.
        let Ok(Sample { cpu, rss }) = sample(child) else {
            continue;
        };
        sum.cpu += cpu;
        sum.rss += rss;
    }
    Ok(sum)
}

fn sample_alone(pid: u32) -> io::Result<Sample> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let memory = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "/proc says something unknown");
    let ticks = cpu_ticks(&stat).ok_or_else(strange)?;
    Ok(Sample {
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_second() as f64),
        rss: resident(&memory).ok_or_else(strange)?,
    })
}

/// The path of the example program with this name, which cargo builds into a folder beside the
/// running program.
///
/// # Errors
/// When it was not built; the error says how to.
pub fn built_example(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?
        .with_file_name("examples")
        .join(name);
    if path.exists() {
        return Ok(path);
    }
    let path = path.display();
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("{path} is not there: run `cargo build --release --example {name}`"),
    ))
}

/// The child processes that any thread of this process has started. When a thread ends meanwhile,
/// the list may be incomplete.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads.flatten().filter_map(|thread| {
        // Not every kernel has this file. Without it the process is counted without its children.
        fs::read_to_string(thread.path().join("children")).ok()
    });
    let lists: Vec<String> = lists.collect();
    let words = lists.iter().flat_map(|list| list.split_ascii_whitespace());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// utime and stime, the 14th and 15th field. The second field, the name, may hold blanks and
/// parentheses, so that fields are counted from its end.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    utime.checked_add(stime)
}

/// The proportional set size in bytes; a zombie has none.
fn resident(memory: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(unix)]
fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

#[cfg(not(unix))]
fn ticks_per_second() -> u64 {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) b (c)) S 1 42 42 0 -1 4194304 1 2 3 4 150 50 7 8 20 0 9 0 100";

    #[test]
    fn cpu_time_is_user_and_system_time_whatever_the_name() {
        assert_eq!(cpu_ticks(STAT), Some(200));
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let memory = "5-7 ---p 0 [rollup]\nRss:  9999 kB\nPss:      1234 kB\nPss_Anon: 7 kB\n";
        assert_eq!(resident(memory), Some(1234 * 1024));
    }

    #[test]
    fn malformed_files_have_no_value() {
        for cut in 0..STAT.rfind(" 50").unwrap() {
            assert_eq!(cpu_ticks(&STAT[..cut]), None);
        }
        assert_eq!(cpu_ticks("42 (x) S 1 2 3 4 5 6 7 8 9 10 11 minus"), None);
        for memory in ["", "Pss:\n", "Pss: 12 MB\n", "Pss: -1 kB\n"] {
            assert_eq!(resident(memory), None);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn children_are_counted_with_their_parent() {
        use std::process::{Command, Stdio};
        let own = sample_alone(std::process::id()).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        // Threads of other tests end meanwhile, and a listing of threads may then miss one
        // (proc(5)).
        let is_listed = || children(std::process::id()).contains(&child.id());
        assert!((0..100).any(|_| is_listed()));
        assert!(sample(std::process::id()).unwrap().cpu >= own.cpu);
        // `cat` ends at the end of its standard input.
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
