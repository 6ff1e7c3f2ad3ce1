//! The result of a run, as a table or as JSON.

use crate::process::Sample;
use crate::stats::Stats;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};
use std::time::Duration;

/// The percentiles of latency in a report, with their names.
const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("max", 100.0),
];

/// The result of a run.
pub struct Report {
    /// The mode's name.
    pub mode: &'static str,
    /// Connections used, or held.
    pub connections: usize,
    /// The requested operations per second; `None`: the closed loop.
    pub rate: Option<f64>,
    /// From the start of the first operation to the end of the last.
    pub elapsed: Duration,
    /// What was measured.
    pub stats: Stats,
    /// The server's process, if --pid was given.
    pub server: Option<ServerUsage>,
    /// CPU time of this generator during the measurement.
    pub own_cpu: Option<Duration>,
}

/// Samples of the server's process around the measured operations.
#[derive(Clone, Copy, Debug)]
pub struct ServerUsage {
    /// Just before the first operation.
    pub before: Sample,
    /// Just after the last operation; its memory, when connections were held, at the end of
    /// holding.
    pub after: Sample,
    /// Some time after all connections were closed.
    pub closed: Sample,
    /// Whether the growth of its memory is due to held connections.
    pub holding: bool,
}

impl Report {
    /// True when at least one operation was done and none failed.
    pub fn is_success(&self) -> bool {
        self.stats.operations() > 0 && self.stats.errors() == 0
    }

    /// A table of names and values, and a line for each reason for failures.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(NOTHING);
        for (name, value) in self.rows() {
            table.add_row([name, value]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut text = table.trim_fmt();
        for (failure, count) in self.stats.failures() {
            text += &format!("\n {count} x {failure}");
        }
        text
    }

    /// One JSON object. Times are in microseconds and memory in bytes, unless a name says
    /// otherwise; what was not measured is `null`.
    pub fn json(&self) -> Value {
        let has_latency = self.stats.operations() + self.stats.overdue() > 0;
        let latency: serde_json::Map<String, Value> = PERCENTILES
            .iter()
            .map(|(name, at)| {
                let micros = has_latency.then(|| self.stats.latency(*at));
                ((*name).to_owned(), json!(micros))
            })
            .collect();
        let failures: Vec<Value> = self
            .stats
            .failures()
            .map(|(failure, count)| {
                json!({"kind": failure.name(), "what": failure.to_string(), "count": count})
            })
            .collect();
        json!({
            "mode": self.mode,
            "connections": self.connections,
            "rate": self.rate,
            "seconds": self.elapsed.as_secs_f64(),
            "operations": self.stats.operations(),
            "per_second": self.per_second(),
            "errors": self.stats.errors(),
            "overdue": self.stats.overdue(),
            "latency_us": latency,
            "failures": failures,
            "client_cpu_us_per_operation": self.own_cpu.and_then(|cpu| self.per_operation(cpu)),
            "server_cpu_us_per_operation": self.server_cpu(),
            "server_rss_before": self.server.map(|server| server.before.rss),
            "server_rss": self.server.map(|server| server.after.rss),
            "server_rss_closed": self.server.map(|server| server.closed.rss),
            "server_rss_per_connection": self.rss_per_connection(),
        })
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        row("mode", self.mode.to_owned());
        row("connections", self.connections.to_string());
        row("operations", self.stats.operations().to_string());
        row("per second", format!("{:.1}", self.per_second()));
        row("errors", self.stats.errors().to_string());
        if self.stats.overdue() > 0 {
            row("due but never started", self.stats.overdue().to_string());
        }
        if self.stats.operations() > 0 {
            for (name, at) in PERCENTILES {
                let micros = self.stats.latency(at);
                row(&format!("latency {name}"), format!("{micros} µs"));
            }
        }
        if let Some(cpu) = self.server_cpu() {
            row("server CPU per operation", format!("{cpu:.1} µs"));
        }
        if let Some(cpu) = self.own_cpu.and_then(|cpu| self.per_operation(cpu)) {
            row("client CPU per operation", format!("{cpu:.1} µs"));
        }
        if let Some(server) = self.server {
            row("server RSS before", mebibytes(server.before.rss));
            row("server RSS after", mebibytes(server.after.rss));
            row("server RSS when closed", mebibytes(server.closed.rss));
        }
        if let Some(bytes) = self.rss_per_connection() {
            row("server RSS per connection", format!("{bytes} bytes"));
        }
        rows
    }

    fn per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        self.stats.operations() as f64 / seconds
    }

    fn server_cpu(&self) -> Option<f64> {
        let server = self.server?;
        self.per_operation(server.after.cpu.saturating_sub(server.before.cpu))
    }

    fn per_operation(&self, cpu: Duration) -> Option<f64> {
        let operations = self.stats.operations();
        (operations > 0).then(|| cpu.as_secs_f64() * 1e6 / operations as f64)
    }

    /// Growth of the server's memory divided by the number of held connections.
    fn rss_per_connection(&self) -> Option<u64> {
        let server = self.server.filter(|server| server.holding)?;
        let grown = server.after.rss.saturating_sub(server.before.rss);
        grown.checked_div(self.stats.operations())
    }
}

/// Bytes in mebibytes, for tables.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn sample(cpu_ms: u64, rss: u64) -> Sample {
        Sample {
            cpu: Duration::from_millis(cpu_ms),
            rss,
        }
    }

    fn report() -> Report {
        let mut stats = Stats::default();
        for _ in 0..100 {
            stats.done(Duration::from_micros(250));
        }
        Report {
            mode: "idle",
            connections: 100,
            rate: None,
            elapsed: Duration::from_secs(2),
            stats,
            server: Some(ServerUsage {
                before: sample(1_000, 10_000_000),
                after: sample(1_010, 12_000_000),
                closed: sample(1_010, 11_000_000),
                holding: true,
            }),
            own_cpu: None,
        }
    }

    #[test]
    fn the_json_is_one_object_with_all_figures() {
        let json = report().json();
        assert_eq!(json["operations"], 100);
        assert_eq!(json["per_second"], 50.0);
        assert_eq!(json["latency_us"]["p50"], 250);
        assert_eq!(json["latency_us"]["p99.9"], 250);
        assert_eq!(json["server_cpu_us_per_operation"], 100.0);
        assert_eq!(json["server_rss_per_connection"], 20_000);
        assert_eq!(json["client_cpu_us_per_operation"], Value::Null);
        assert!(!json.to_string().contains('\n'));
    }

    #[test]
    fn the_table_has_a_line_for_each_figure() {
        let table = report().table();
        let line = |name: &str| {
            let found = table.lines().find(|line| line.trim().starts_with(name));
            found.unwrap_or_else(|| panic!("{name} is missing in\n{table}"))
        };
        assert!(line("per second").ends_with("50.0"));
        assert!(line("latency p99.9").ends_with("250 µs"));
        assert!(line("server CPU per operation").ends_with("100.0 µs"));
        assert!(line("server RSS per connection").ends_with("20000 bytes"));
    }

    #[test]
    fn only_operations_without_errors_are_a_success() {
        let mut report = report();
        assert!(report.is_success());
        report.stats.failed(Failure::Timeout);
        assert!(!report.is_success());
        assert_eq!(report.json()["failures"][0]["kind"], "timeout");
        assert!(report.table().contains("1 x no answer in time"));
        report.stats = Stats::default();
        assert!(!report.is_success());
        assert_eq!(report.json()["latency_us"]["max"], Value::Null);
    }
}
