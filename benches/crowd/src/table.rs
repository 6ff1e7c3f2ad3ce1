//! The table of results.

use crate::steps::Step;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// Everything that was measured, with a column for each step.
pub fn render(steps: &[Step]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let mut row = |name: &str, value: &dyn Fn(&Step) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(steps.iter().map(value));
        table.add_row(cells);
    };
    row("idle sessions", &|step| step.sessions.to_string());
    row("opened in, s", &|step| {
        format!("{:.1}", step.opened_in.as_secs_f64())
    });
    row("memory of a session, bytes", &|step| {
        step.memory.to_string()
    });
    row("CPU while idle, % of a core", &|step| {
        format!("{:.2}", step.idle_cpu)
    });
    row("CPU of OPTIONS, µs", &|step| {
        format!("{:.1}", step.options_cpu)
    });
    row("CPU of a full handshake, µs", &|step| {
        format!("{:.0}", step.handshake_cpu)
    });
    row("listing in one page, ms", &|step| millis(step.listing[0]));
    row("  its CPU, ms", &|step| millis(step.listing[1]));
    row("listing in pages of 500, ms", &|step| millis(step.pages[0]));
    row("  its CPU, ms", &|step| millis(step.pages[1]));
    row("OPTIONS p50, not polled, µs", &|step| {
        step.not_polled.p50.to_string()
    });
    row("OPTIONS p50, polled, µs", &|step| {
        step.polled.p50.to_string()
    });
    row("OPTIONS p99, not polled, µs", &|step| {
        step.not_polled.p99.to_string()
    });
    row("OPTIONS p99, polled, µs", &|step| {
        step.polled.p99.to_string()
    });
    row("OPTIONS max, not polled, µs", &|step| {
        step.not_polled.max.to_string()
    });
    row("OPTIONS max, polled, µs", &|step| {
        step.polled.max.to_string()
    });
    row("listings while polled", &|step| step.polls[0].to_string());
    row("pages and snapshots while polled", &|step| {
        step.polls[1].to_string()
    });
    for column in 1..=steps.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn millis(micros: u64) -> String {
    format!("{:.2}", micros as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Latency;
    use std::time::Duration;

    fn step(sessions: usize) -> Step {
        let latency = |p50, p99, max| Latency { p50, p99, max };
        Step {
            sessions,
            opened_in: Duration::from_millis(1_250),
            memory: 12_509,
            idle_cpu: 0.25,
            options_cpu: 7.65,
            handshake_cpu: 492.0,
            listing: [7_800, 1_800],
            pages: [1_500, 300],
            not_polled: latency(1, 2, 3),
            polled: latency(4, 5, 6),
            polls: [8, 9],
        }
    }

    #[test]
    fn each_step_is_a_column_and_each_figure_a_row() {
        let table = render(&[step(100), step(1_000)]);
        let row = |name: &str| {
            let mut lines = table.lines().map(str::trim);
            let line = lines.find(|line| line.starts_with(name)).expect(name);
            let values = line[name.len()..].split_whitespace();
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("idle sessions"), ["100", "1000"]);
        assert_eq!(row("memory of a session, bytes"), ["12509"; 2]);
        assert_eq!(row("listing in one page, ms"), ["7.80"; 2]);
        assert_eq!(row("OPTIONS p99, not polled, µs"), ["2"; 2]);
        assert_eq!(row("OPTIONS p99, polled, µs"), ["5"; 2]);
        assert_eq!(row("pages and snapshots while polled"), ["9"; 2]);
    }
}
