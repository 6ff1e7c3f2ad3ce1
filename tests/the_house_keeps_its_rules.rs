//! The rules of the house that a machine can check, over every file under `src`.

use std::fs;
use std::path::{Path, PathBuf};

struct Source {
    /// Relative to `src`.
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    fn is_test(&self) -> bool {
        let path = self.path.to_string_lossy();
        path.ends_with("_tests.rs") || path.ends_with("/tests.rs")
    }

    /// Its lines up to its own tests, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(number, line)| (number + 1, line))
            .take_while(|(_, line)| line.trim() != "mod tests {")
    }

    /// The lines that are not comments.
    fn statements(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_owned();
                sources.push(Source { path, text });
            }
        }
    }
    assert!(sources.len() > 40, "the sources are found");
    sources
}

/// Whether it stands in the line by itself, not within another name.
fn names(line: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Where a rule is broken, one place a line.
fn report(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn broken_lines(
    sources: &[Source],
    concerns: impl Fn(&Source) -> bool,
    breaks: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| concerns(source)) {
        for (number, line) in source.statements() {
            if breaks(line) {
                broken.push(format!(
                    "{}:{number}: {}",
                    source.path.display(),
                    line.trim()
                ));
            }
        }
    }
    broken
}

#[test]
fn tls_libraries_are_named_behind_one_door_only() {
    let outside = |source: &Source| !source.is_in("tls");
    let libraries = ["rustls", "async_tls", "rustls_pki_types"];
    let breaks = |line: &str| libraries.iter().any(|library| names(line, library));
    report(&broken_lines(&sources(), outside, breaks));
}

#[test]
fn only_observers_log() {
    // A cause knows its level; that is all anybody else has to do with the `log` crate.
    let outside = |source: &Source| !source.is_in("observe") && !source.is_test();
    let breaks = |line: &str| {
        let line = line.replace("use log::Level;", "");
        line.contains("log::") && names(&line, "log")
    };
    report(&broken_lines(&sources(), outside, breaks));
}

#[test]
fn nobody_prints() {
    let code = |source: &Source| !source.is_test();
    report(&broken_lines(&sources(), code, prints));
}

fn prints(line: &str) -> bool {
    ["println!", "eprintln!", "print!", "eprint!", "dbg!"]
        .iter()
        .any(|name| line.contains(name))
}

#[test]
fn nothing_is_unsafe() {
    let breaks = |line: &str| names(line, "unsafe");
    report(&broken_lines(&sources(), |_| true, breaks));
}

#[test]
fn no_lint_is_switched_off() {
    let breaks = |line: &str| line.contains("#[allow(") || line.contains("#![allow(");
    report(&broken_lines(&sources(), |_| true, breaks));
}

#[test]
fn what_may_panic_says_why_it_does_not() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let mut above = "";
        for (number, line) in source.code() {
            let comment = line.trim_start().starts_with("//");
            let panics = line.contains(".unwrap()") || line.contains(".expect(");
            if panics && !comment && !above.trim_start().starts_with("// ") {
                broken.push(format!(
                    "{}:{number}: {}",
                    source.path.display(),
                    line.trim()
                ));
            }
            above = line;
        }
    }
    report(&broken);
}

#[test]
fn every_file_fits_in_a_head() {
    let mut broken = Vec::new();
    for source in &sources() {
        let lines = source.text.lines().count();
        if lines > 400 {
            broken.push(format!("{}: {lines} lines", source.path.display()));
        }
    }
    report(&broken);
}

#[test]
fn every_file_says_what_it_is() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if !source.text.starts_with("//! ") {
            broken.push(source.path.display().to_string());
        }
    }
    report(&broken);
}

#[test]
fn sans_io_rules_take_their_time_as_an_argument() {
    let sans_io = ["ledger.rs", "deadline.rs", "admission.rs"];
    let concerns = |source: &Source| {
        let rule = sans_io.iter().any(|name| source.path == Path::new(name));
        rule || source.is_in("sip")
    };
    let clocks = ["Instant::now", "SystemTime::now", "sleep", "Timer"];
    let breaks = |line: &str| clocks.iter().any(|clock| line.contains(clock));
    report(&broken_lines(&sources(), concerns, breaks));
}
