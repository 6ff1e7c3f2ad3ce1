//! The rules that a machine can check, over every file under `src`, and of the switch.

use sipward_tests::place::root;
use std::fs;
use std::path::PathBuf;

struct Source {
    /// Relative to `src`, or to the other folder that it was looked for in.
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    fn is_test(&self) -> bool {
        let path = self.path.to_string_lossy();
        path.ends_with("_tests.rs") || path.ends_with("/tests.rs") || path.contains("/tests/")
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
    let sources = sources_under("src");
    assert!(sources.len() > 40, "the sources are found");
    sources
}

/// The files under a folder of the repository.
fn sources_under(folder: &str) -> Vec<Source> {
    let root = root().join(folder);
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
fn tls_libraries_are_named_in_tls_only() {
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

/// A sentence about a person that does not exist leaves open which task, peer or thread it means.
#[test]
fn comments_say_which_task_peer_or_thread_they_mean() {
    let vague = ["whoever", "nobody", "somebody", "someone", "everybody"];
    let mut broken = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let Some((_, comment)) = line.split_once("//") else {
                continue;
            };
            let comment = comment.to_lowercase();
            if line.trim_start().starts_with("//") && vague.iter().any(|word| names(&comment, word))
            {
                broken.push(format!(
                    "{}:{}: {}",
                    source.path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    report(&broken);
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
fn no_file_is_longer_than_400_lines() {
    let mut broken = Vec::new();
    let folders = ["src", "examples", "benches"];
    for source in folders.into_iter().flat_map(sources_under) {
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
    let sources = sources();
    let sans_io = [
        "admission",
        "deadline.rs",
        "observe/limiter",
        "sip",
        "supervisor/acceptor/backoff.rs",
        "supervisor/ledger.rs",
    ];
    for guarded in sans_io {
        let found = sources.iter().any(|source| source.is_in(guarded));
        assert!(
            found,
            "{guarded} is guarded by this rule and does not exist"
        );
    }
    let concerns =
        |source: &Source| !source.is_test() && sans_io.iter().any(|place| source.is_in(place));
    let clocks = ["Instant::now", "SystemTime::now", "sleep", "Timer"];
    let breaks = |line: &str| clocks.iter().any(|clock| line.contains(clock));
    report(&broken_lines(&sources, concerns, breaks));
}

#[test]
fn the_switch_of_the_softswitch_takes_its_time_as_an_argument() {
    let sources = sources_under("examples/softswitch/src/switch");
    let here = |name: &str| sources.iter().any(|source| source.is_in(name));
    assert!(here("mod.rs") && here("proxy.rs"), "the switch is found");
    let concerns = |source: &Source| !source.is_test() && !source.is_in("tests");
    let clocks = ["Instant::now", "SystemTime::now", "async_std", "async_io"];
    let breaks = |line: &str| clocks.iter().any(|clock| names(line, clock));
    report(&broken_lines(&sources, concerns, breaks));
}

/// The layers of the library, lowest first, as docs/architecture.md lists them.
fn layers() -> Vec<String> {
    let page = root().join("docs/architecture.md");
    let page = fs::read_to_string(page).unwrap();
    let list = page.split("## Layers").nth(1).expect("a list of layers");
    let list = list.split("```").nth(1).expect("the list in a block");
    let lines = list.lines().skip(1);
    let names = lines.flat_map(|line| line.split("  ").next().unwrap_or_default().split(' '));
    let names: Vec<String> = names
        .filter(|layer| !layer.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 15, "the layers are found: {names:?}");
    names
}

#[test]
fn a_file_imports_only_from_layers_below_its_own() {
    let layers = layers();
    let place = |name: &str| layers.iter().position(|layer| layer == name);
    let mut broken = Vec::new();
    let mut seen = vec![false; layers.len()];
    for source in &sources() {
        let first = source.path.iter().next().unwrap().to_string_lossy();
        let layer = first.trim_end_matches(".rs");
        if layer == "lib" {
            continue;
        }
        let Some(own) = place(layer) else {
            broken.push(format!("{layer} is in no layer"));
            continue;
        };
        seen[own] = true;
        if source.is_test() {
            continue;
        }
        for (number, line) in source.statements() {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let named: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if place(&named).is_none_or(|named| named > own) {
                    broken.push(format!(
                        "{}:{number}: {}",
                        source.path.display(),
                        line.trim()
                    ));
                }
            }
        }
    }
    for (layer, seen) in layers.iter().zip(seen) {
        if !seen {
            broken.push(format!("the layer {layer} has no file"));
        }
    }
    report(&broken);
}
