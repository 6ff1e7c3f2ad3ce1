//! What the kernel says of a process: CPU time and resident memory (proc(5)).

use std::fs;
use std::io;
use std::time::Duration;

/// One look at a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// User and system time of all its threads since it began.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub rss: u64,
}

/// Looks at the process with this id.
///
/// # Errors
/// When there is none, when it is not ours to see, or where there is no /proc.
pub fn sample(pid: u32) -> io::Result<Sample> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "/proc says something unknown");
    let ticks = cpu_ticks(&stat).ok_or_else(strange)?;
    Ok(Sample {
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_second() as f64),
        rss: resident(&status).ok_or_else(strange)?,
    })
}

/// utime and stime, the 14th and 15th field. The second may hold blanks and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    utime.checked_add(stime)
}

/// VmRSS, which a zombie has none of.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
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
        let status = "Name:\ta\nVmHWM:\t  9999 kB\nVmRSS:\t   1234 kB\nThreads:\t1\n";
        assert_eq!(resident(status), Some(1234 * 1024));
    }

    #[test]
    fn what_is_cut_off_or_strange_is_nothing() {
        for cut in 0..STAT.rfind(" 50").unwrap() {
            assert_eq!(cpu_ticks(&STAT[..cut]), None);
        }
        assert_eq!(cpu_ticks("42 (x) S 1 2 3 4 5 6 7 8 9 10 11 minus"), None);
        for status in ["", "VmRSS:\n", "VmRSS: 12 MB\n", "VmRSS: -1 kB\n"] {
            assert_eq!(resident(status), None);
        }
    }
}
