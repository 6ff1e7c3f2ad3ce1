//! What a siege came to: the checks, what was done and what the softswitch called it.

use crate::campaign::{Life, Outcome, RETURN};
use crate::good::PHONES;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The longest that a good client may wait.
const WORST: Duration = Duration::from_secs(1);

/// How much more memory may be resident after a siege than before.
const MEMORY: u64 = 5 * 1024 * 1024;

/// How many more descriptors may be open, in percent.
const DESCRIPTORS: usize = 2;

/// The checks and the figures beside them.
pub struct Verdict {
    checks: Vec<Check>,
    notes: String,
}

struct Check {
    what: String,
    measured: String,
    demanded: String,
    holds: bool,
}

/// Judges it.
pub fn of(outcome: &Outcome) -> Verdict {
    let mut checks = Vec::new();
    good(outcome, &mut checks);
    for (number, life) in outcome.lives.iter().enumerate() {
        one_life(number + 1, life, &mut checks);
    }
    let causes = causes(outcome);
    let unheard: Vec<&str> = outcome
        .abuses
        .each()
        .filter(|(_, count, called)| {
            *count == 0 || !called.iter().any(|cause| causes.contains_key(cause))
        })
        .map(|(name, ..)| name)
        .collect();
    checks.push(Check {
        what: "abuses that took effect".to_owned(),
        measured: match unheard.as_slice() {
            [] => "all".to_owned(),
            unheard => format!("not: {}", unheard.join(", ")),
        },
        demanded: "all".to_owned(),
        holds: unheard.is_empty(),
    });
    Verdict {
        checks,
        notes: notes(outcome, &causes),
    }
}

fn good(outcome: &Outcome, checks: &mut Vec<Check>) {
    let [sent, answered, crossed] = outcome.good.requests();
    let told = outcome.good.told();
    checks.push(Check {
        what: "good requests answered".to_owned(),
        measured: match crossed {
            0 => format!("{answered} of {sent}"),
            _ => format!("{answered} of {sent}; {crossed} met a drain's goodbye on the way"),
        },
        demanded: "all".to_owned(),
        holds: sent > 0 && answered + crossed == sent && told.failures.is_empty(),
    });
    for (what, histogram) in [
        ("worst answer to the good", &told.latency),
        ("worst arrival of the good", &told.arrival),
    ] {
        let worst = Duration::from_micros(histogram.max());
        let p99 = Duration::from_micros(histogram.value_at_quantile(0.99));
        checks.push(Check {
            what: what.to_owned(),
            measured: format!("{} (p99 {})", millis(worst), millis(p99)),
            demanded: format!(
                "at most {}, and the {} that the machine stood still",
                millis(WORST),
                millis(outcome.standstill)
            ),
            holds: worst <= WORST + outcome.standstill,
        });
    }
}

fn one_life(number: usize, life: &Life, checks: &mut Vec<Check>) {
    let mut check = |what: &str, measured: String, demanded: String, holds: bool| {
        checks.push(Check {
            what: format!("life {number}: {what}"),
            measured,
            demanded,
            holds,
        });
    };
    let (before, after) = (life.before.descriptors, life.after.descriptors);
    check(
        "descriptors",
        format!("{before}, then {after}"),
        format!("back within {DESCRIPTORS} %"),
        before.abs_diff(after) * 100 <= before * DESCRIPTORS,
    );
    let (before, after) = (life.before.sample.rss, life.after.sample.rss);
    check(
        "memory",
        format!("{}, then {}", mebibytes(before), mebibytes(after)),
        format!("back within {}", mebibytes(MEMORY)),
        after <= before + MEMORY,
    );
    let end = &life.end;
    let status = end.status.map_or("killed".to_owned(), |status| {
        status
            .to_string()
            .trim_start_matches("exit status: ")
            .to_owned()
    });
    check(
        "drained by SIGTERM",
        format!("exit code {status} in {}", millis(end.took)),
        "exit code 0 within 10 s".to_owned(),
        end.status.is_some_and(|status| status.success()) && end.took <= Duration::from_secs(10),
    );
    if let Some(back) = life.back {
        check(
            "all registered with the next",
            millis(back),
            format!("within {}", millis(RETURN)),
            back <= RETURN,
        );
    }
    check(
        "ledger",
        end.printed.last.trim_start_matches("ledger: ").to_owned(),
        "balanced, as events say".to_owned(),
        ledger_holds(life),
    );
    let seen = &end.seen;
    let internal = |causes: &BTreeMap<String, u64>| {
        let of_ours = causes
            .iter()
            .filter(|(cause, _)| cause.ends_with(": internal"));
        of_ours.map(|(_, count)| count).sum::<u64>()
    };
    let panics = end.printed.panics.len() as u64
        + internal(&seen.causes)
        + seen.of("discrepancy")
        + seen.of("observer_failed");
    check(
        "panics and discrepancies",
        match end.printed.panics.first() {
            Some(first) => format!("{panics}: {first}"),
            None => panics.to_string(),
        },
        "0".to_owned(),
        panics == 0,
    );
}

/// What the softswitch printed last, the counts of its last event, and the events one by one agree.
fn ledger_holds(life: &Life) -> bool {
    let (seen, printed) = (&life.end.seen, &life.end.printed);
    let counts = ["begun", "refused", "failed", "ready", "closed"];
    let [begun, refused, failed, ready, closed] =
        counts.map(|name| seen.count(name).unwrap_or(u64::MAX));
    let events = ["accepted", "refused", "handshake_failed", "ready", "closed"];
    let as_events = events.map(|kind| seen.of(kind));
    let nobody_left = ["handshaking", "open"].map(|name| seen.count(name)) == [Some(0), Some(0)];
    printed.last.starts_with("ledger: ")
        && printed.last.ends_with("; balanced")
        && seen.disorder == 0
        && nobody_left
        && as_events == [begun, refused, failed, ready, closed]
        && begun == refused + failed + ready
        && ready == closed
}

fn causes(outcome: &Outcome) -> BTreeMap<&str, u64> {
    let mut causes = BTreeMap::new();
    for life in &outcome.lives {
        for (cause, count) in &life.end.seen.causes {
            *causes.entry(cause.as_str()).or_default() += count;
        }
    }
    causes
}

fn notes(outcome: &Outcome, causes: &BTreeMap<&str, u64>) -> String {
    let mut done = table(["abuse", "times"]);
    for (name, count, _) in outcome.abuses.each() {
        done.add_row([name.to_owned(), count.to_string()]);
    }
    let mut ended = table(["how connections ended, the good ones' included", "times"]);
    for (cause, count) in causes {
        ended.add_row([(*cause).to_owned(), count.to_string()]);
    }
    for table in [&mut done, &mut ended] {
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let sieges: Duration = outcome.lives.iter().map(|life| life.siege).sum();
    let mut text = format!(
        "{}\n\n{}\n\n{PHONES} good clients, {} lives; {} s besieged after warm-ups, {} s in all\n",
        done.trim_fmt(),
        ended.trim_fmt(),
        outcome.lives.len(),
        sieges.as_secs(),
        outcome.took.as_secs(),
    );
    for (failure, count) in &outcome.good.told().failures {
        text += &format!("a good client, {count} x: {failure}\n");
    }
    text
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header);
    table
}

fn millis(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..10_000 => format!("{millis} ms"),
        millis => format!("{} s", millis / 1000),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

impl Verdict {
    /// Whether all checks hold.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = table(["check", "measured", "demanded", ""]);
        for check in &self.checks {
            let holds = if check.holds { "holds" } else { "FAILS" };
            let Check {
                what,
                measured,
                demanded,
                ..
            } = check;
            table.add_row([what.as_str(), measured, demanded, holds]);
        }
        let failed = self.checks.iter().filter(|check| !check.holds).count();
        writeln!(f, "{}\n\n{}", self.notes, table.trim_fmt())?;
        match failed {
            0 => write!(f, "\nthe siege was withstood"),
            failed => write!(f, "\nTHE SIEGE WAS NOT WITHSTOOD: {failed} checks fail"),
        }
    }
}
