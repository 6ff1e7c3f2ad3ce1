//! What was measured on, and with which versions.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// A line each.
pub fn circumstances() -> Vec<String> {
    let mut lines = vec![machine()];
    lines.push(format!(
        "Peers: {}; {}; {}; {}.",
        said("kamailio", &["-v"], "Kamailio"),
        said("nginx", &["-v"], "nginx"),
        said("haproxy", &["-v"], "HAProxy"),
        said("openssl", &["version"], "OpenSSL"),
    ));
    lines.push(format!(
        "Floors: async-std {}, rustls 0.21.12; tokio {}, rustls {}. Built by {}.",
        locked("async-std", ""),
        locked("tokio", ""),
        locked("rustls", "0.23"),
        said("rustc", &["--version"], "rustc"),
    ));
    lines
}

fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("processor unknown", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "Machine: {model}, {cores} cores, Linux {}; load average {load} when it began.",
        kernel.trim()
    )
}

/// The first line a program says of its version.
fn said(program: &str, words: &[&str], name: &str) -> String {
    let Ok(output) = Command::new(program).args(words).output() else {
        return format!("no {name}");
    };
    let both = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&both);
    let line = text.lines().next().unwrap_or_default();
    // nginx/1.2, version: kamailio 5.6, HAProxy version 2.6, rustc 1.9
    let version = line
        .split([' ', '/'])
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    format!("{name} {}", version.unwrap_or("of unknown version"))
}

/// The version in this workspace's lock file that begins so.
fn locked(name: &str, begins: &str) -> String {
    let lock = include_str!("../../../Cargo.lock");
    let wanted = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let version = (line == wanted).then(|| lines.next()).flatten();
        let version = version.and_then(|line| line.strip_prefix("version = \""));
        if let Some(version) = version.map(|line| line.trim_end_matches('"'))
            && version.starts_with(begins)
        {
            return version.to_owned();
        }
    }
    "of unknown version".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_locked_versions_the_wanted_one_is_told() {
        assert_eq!(locked("rustls", "0.21"), "0.21.12");
        assert!(locked("rustls", "0.23").starts_with("0.23."));
        assert_eq!(locked("no-such-crate", ""), "of unknown version");
    }
}
