//! The environment of a measurement: the machine, and the versions of programs.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// Lines of text about the environment.
pub fn environment() -> Vec<String> {
    let mut lines = vec![machine()];
    lines.push(format!(
        "Peers: {}; {}; {}; {}.",
        version_of("kamailio", &["-v"], "Kamailio"),
        version_of("nginx", &["-v"], "nginx"),
        version_of("haproxy", &["-v"], "HAProxy"),
        version_of("openssl", &["version"], "OpenSSL"),
    ));
    lines.push(format!(
        "Floors: async-std {}, rustls 0.21.12; tokio {}, rustls {}. Built by {}.",
        locked("async-std", ""),
        locked("tokio", ""),
        locked("rustls", "0.23"),
        version_of("rustc", &["--version"], "rustc"),
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

/// The version in the first line that a program prints of it.
fn version_of(program: &str, arguments: &[&str], name: &str) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
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

/// The version of a package in this workspace's lock file that begins so.
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
    fn of_two_locked_versions_the_one_with_the_prefix_is_found() {
        assert_eq!(locked("rustls", "0.21"), "0.21.12");
        assert!(locked("rustls", "0.23").starts_with("0.23."));
        assert_eq!(locked("no-such-crate", ""), "of unknown version");
    }
}
