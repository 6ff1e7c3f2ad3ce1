//! A column for each step.

use crate::growth::Step;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// All that was measured.
pub fn of(steps: &[Step]) -> String {
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
    row("memory of one, bytes", &|step| step.memory.to_string());
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
    row("OPTIONS p50, quiet, µs", &|step| {
        step.quiet.p50.to_string()
    });
    row("OPTIONS p50, listed, µs", &|step| {
        step.asked.p50.to_string()
    });
    row("OPTIONS p99, quiet, µs", &|step| {
        step.quiet.p99.to_string()
    });
    row("OPTIONS p99, listed, µs", &|step| {
        step.asked.p99.to_string()
    });
    row("OPTIONS worst, quiet, µs", &|step| {
        step.quiet.max.to_string()
    });
    row("OPTIONS worst, listed, µs", &|step| {
        step.asked.max.to_string()
    });
    row("listings meanwhile", &|step| step.answers[0].to_string());
    row("pages and snapshots meanwhile", &|step| {
        step.answers[1].to_string()
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
