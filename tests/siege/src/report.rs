//! The report of a siege: its checks, the attempts of each attack, and how the softswitch reported
//! them.

use crate::checks::{Check, check_attacks, check_clients, check_process};
use crate::control_clients::CONTROL_CLIENTS;
use crate::runner::SiegeResult;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The checks, and figures that are not checked.
pub struct Report {
    checks: Vec<Check>,
    notes: String,
}

impl Report {
    /// Checks the result.
    pub fn new(result: &SiegeResult) -> Self {
        let mut checks = check_clients(
            result.clients.requests(),
            &result.clients.measurements(),
            result.stall,
        );
        for (number, process) in result.processes.iter().enumerate() {
            check_process(number + 1, process, &mut checks);
        }
        let causes = causes(result);
        checks.push(check_attacks(result.attack_counts.each(), &causes));
        Self {
            checks,
            notes: notes(result, &causes),
        }
    }

    /// Whether all checks hold.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

fn causes(result: &SiegeResult) -> BTreeMap<&str, u64> {
    let mut causes = BTreeMap::new();
    for process in &result.processes {
        for (cause, count) in &process.exit.events.causes {
            *causes.entry(cause.as_str()).or_default() += count;
        }
    }
    causes
}

fn notes(result: &SiegeResult, causes: &BTreeMap<&str, u64>) -> String {
    let mut done = table(["attack", "times"]);
    for (name, count, _) in result.attack_counts.each() {
        done.add_row([name.to_owned(), count.to_string()]);
    }
    let mut ended = table([
        "how connections ended, with those of control clients",
        "times",
    ]);
    for (cause, count) in causes {
        ended.add_row([(*cause).to_owned(), count.to_string()]);
    }
    for table in [&mut done, &mut ended] {
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let sieges: Duration = result
        .processes
        .iter()
        .map(|process| process.attacked)
        .sum();
    let mut text = format!(
        "{}\n\n{}\n\n{CONTROL_CLIENTS} control clients, {} processes; {} s of attacks after warm-ups, {} s in all\n",
        done.trim_fmt(),
        ended.trim_fmt(),
        result.processes.len(),
        sieges.as_secs(),
        result.took.as_secs(),
    );
    for (failure, count) in &result.clients.measurements().failures {
        text += &format!("a control client, {count} x: {failure}\n");
    }
    text
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header);
    table
}

impl fmt::Display for Report {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failing_check_fails_the_report() {
        let check = |holds| Check {
            what: "a".to_owned(),
            measured: "b".to_owned(),
            demanded: "c".to_owned(),
            holds,
        };
        let mut report = Report {
            checks: vec![check(true)],
            notes: String::new(),
        };
        assert!(report.holds() && report.to_string().contains("was withstood"));
        report.checks.push(check(false));
        assert!(!report.holds());
        assert!(report.to_string().contains("NOT WITHSTOOD: 1 checks fail"));
    }
}
