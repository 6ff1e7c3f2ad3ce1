//! The tables in Markdown, for the terminal and for docs/performance.md.

use crate::results::{Growth, Results, Spread};
use crate::targets::TargetResult;
use crate::work::{SERVERS, Server, WORKS, Work};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// The figure of every server at every kind of work.
pub fn comparison(results: &Results) -> String {
    let mut header = vec!["per operation".to_owned(), "unit".to_owned()];
    header.extend(SERVERS.iter().map(|server| server.name().to_owned()));
    let rows = WORKS.iter().map(|&work| {
        let mut row = vec![work.name().to_owned(), work.figure().unit().to_owned()];
        let able = work.servers();
        row.extend(SERVERS.iter().map(|server| {
            if able.contains(server) {
                entry(results, work, *server)
            } else {
                String::new()
            }
        }));
        row
    });
    table(header, rows, 2)
}

/// The targets, with what was measured.
pub fn targets(targets: &[TargetResult]) -> String {
    let header = ["target", "at most", "measured", ""].map(str::to_owned);
    let rows = targets.iter().map(|result| {
        let found = result.found.map_or_else(|| "–".to_owned(), show);
        let limit = number(result.limit);
        vec![result.what.clone(), limit, found, result.word().to_owned()]
    });
    table(header.to_vec(), rows, 1)
}

/// The cost with different numbers of threads.
pub fn threads(results: &Results) -> String {
    let header = [
        "CPU µs per operation",
        "1 thread",
        "1 for handshakes, 1 for sessions",
        "2 for everything",
        "1+1 / 1",
        "2 / 1",
    ]
    .map(str::to_owned);
    let works = [Work::Handshake, Work::Options, Work::Call];
    let rows = works.iter().map(|&work| {
        let ratio = |server| {
            let ratio = results.ratio(work, server, Server::OneThread);
            ratio.map_or_else(|| "–".to_owned(), show)
        };
        vec![
            work.name().to_owned(),
            entry(results, work, Server::OneThread),
            entry(results, work, Server::TwoThreads),
            entry(results, work, Server::TwoAlike),
            ratio(Server::TwoThreads),
            ratio(Server::TwoAlike),
        ]
    });
    table(header.to_vec(), rows, 1)
}

/// The cost with different numbers of sessions.
pub fn growth(results: &Results) -> String {
    let sizes = results.sizes();
    let mut header = vec!["with so many other sessions open".to_owned()];
    header.extend(sizes.iter().map(ToString::to_string));
    let figures: [(&str, fn(&Growth) -> f64); 4] = [
        ("full handshake, CPU µs", |growth| growth.handshake),
        ("OPTIONS → 200, CPU µs", |growth| growth.options),
        ("CPU while nothing is sent, % of a core", |growth| {
            growth.idle
        }),
        ("resident bytes a session", |growth| growth.bytes),
    ];
    let rows = figures.iter().map(|(name, of)| {
        let found = sizes.iter().map(|size| results.grown(*size, *of));
        let shown = found.map(|spread| spread.map_or_else(|| "–".to_owned(), show));
        [(*name).to_owned()].into_iter().chain(shown).collect()
    });
    table(header, rows, 1)
}

/// A sentence about latency with and without polling.
pub fn polling(results: &Results) -> Option<String> {
    let polling = || results.polling.iter();
    let unwatched = show(Spread::of(polling().map(|latency| latency.unwatched))?);
    let watched = show(Spread::of(polling().map(|latency| latency.watched))?);
    let sessions = polling().map(|latency| latency.sessions).max()?;
    Some(format!(
        "p99 of OPTIONS with {} other sessions, 3,000 a second: {unwatched} µs; while a snapshot \
         and all sessions are requested ten times a second: {watched} µs.",
        number(sessions as f64)
    ))
}

fn entry(results: &Results, work: Work, server: Server) -> String {
    match (results.figure(work, server), results.errors(work, server)) {
        (Some(spread), 0) => show(spread),
        (Some(spread), _) => format!("{} †", show(spread)),
        (None, 0) => "–".to_owned(),
        (None, _) => "failed".to_owned(),
    }
}

/// The median, with the least and the most if they differ.
pub fn show(spread: Spread) -> String {
    let [median, least, most] = [spread.median, spread.least, spread.most].map(number);
    if least == most {
        median
    } else {
        format!("{median} ({least}–{most})")
    }
}

/// A number with three digits and a comma after thousands.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => {
            let digits = format!("{value:.0}");
            match digits.len() {
                4.. => format!(
                    "{},{}",
                    &digits[..digits.len() - 3],
                    &digits[digits.len() - 3..]
                ),
                _ => digits,
            }
        }
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn table(
    header: Vec<String>,
    rows: impl Iterator<Item = Vec<String>>,
    text_columns: usize,
) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(text_columns) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Cell;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.456, 9.0, 12.34, 99.99, 4567.0, 14_336.0].map(number);
        assert_eq!(shown, ["0.46", "9.00", "12.3", "100", "4,567", "14,336"]);
    }

    #[test]
    fn least_and_most_are_shown_if_they_differ() {
        let spread = |least, most| Spread {
            median: 2.0,
            least,
            most,
        };
        assert_eq!(show(spread(2.0, 2.0)), "2.00");
        assert_eq!(show(spread(1.0, 3.0)), "2.00 (1.00–3.00)");
    }

    fn results(cells: &[(Option<f64>, u64)]) -> Results {
        let cell = |(round, (cpu, errors)): (u32, &(Option<f64>, u64))| Cell {
            round,
            work: Work::Options,
            server: Server::Sipward,
            cpu: *cpu,
            bytes: None,
            p99: None,
            per_second: 1.0,
            errors: *errors,
        };
        Results {
            cells: (1..).zip(cells).map(cell).collect(),
            ..Results::default()
        }
    }

    #[test]
    fn an_entry_shows_whether_rounds_failed_or_nothing_was_measured() {
        let entry = |cells| entry(&results(cells), Work::Options, Server::Sipward);
        assert_eq!(entry(&[(Some(2.0), 0)]), "2.00");
        assert_eq!(entry(&[(Some(2.0), 0), (Some(9.0), 1)]), "2.00 †");
        assert_eq!(entry(&[(Some(9.0), 1)]), "failed");
        assert_eq!(entry(&[]), "–");
    }

    #[test]
    fn a_server_that_cannot_do_a_work_has_an_empty_cell() {
        let table = comparison(&results(&[(Some(2.0), 0)]));
        let row = table.lines().find(|line| line.contains("OPTIONS → 200"));
        let cells: Vec<&str> = row.unwrap().split('|').map(str::trim).collect();
        let options = [
            "",
            "OPTIONS → 200",
            "CPU µs",
            "2.00",
            "–",
            "–",
            "–",
            "",
            "",
            "",
        ];
        assert_eq!(cells, options);
    }
}
