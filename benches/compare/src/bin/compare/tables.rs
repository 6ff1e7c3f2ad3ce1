//! The tables, in Markdown: for the screen and for the page alike.

use crate::results::{Growth, Results, Spread};
use crate::targets::Verdict;
use crate::work::{SERVERS, Server, WORKS, Work};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// What everybody needed for everything.
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

/// The targets.
pub fn targets(verdicts: &[Verdict]) -> String {
    let header = ["target", "at most", "measured", ""].map(str::to_owned);
    let rows = verdicts.iter().map(|verdict| {
        let found = verdict.found.map_or_else(|| "–".to_owned(), show);
        let limit = number(verdict.limit);
        vec![
            verdict.what.clone(),
            limit,
            found,
            verdict.word().to_owned(),
        ]
    });
    table(header.to_vec(), rows, 1)
}

/// One thread, one for each kind of work, and two that do everything.
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

/// The growth with the number of sessions.
pub fn growth(results: &Results) -> String {
    let sizes = results.sizes();
    let mut header = vec!["with so many other sessions open".to_owned()];
    header.extend(sizes.iter().map(ToString::to_string));
    let figures: [(&str, fn(&Growth) -> f64); 4] = [
        ("full handshake, CPU µs", |growth| growth.handshake),
        ("OPTIONS → 200, CPU µs", |growth| growth.options),
        ("CPU while all are silent, % of a core", |growth| {
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

/// What it costs to be looked at, in a sentence.
pub fn looks(results: &Results) -> Option<String> {
    let looks = || results.looks.iter();
    let unwatched = show(Spread::of(looks().map(|look| look.unwatched))?);
    let watched = show(Spread::of(looks().map(|look| look.watched))?);
    let sessions = looks().map(|look| look.sessions).max()?;
    Some(format!(
        "p99 of OPTIONS with {} other sessions, 3,000 a second: {unwatched} µs; while all figures \
         and all sessions are asked for ten times a second: {watched} µs.",
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

/// The median, and the least and most if they differ.
pub fn show(spread: Spread) -> String {
    let [median, least, most] = [spread.median, spread.least, spread.most].map(number);
    if least == most {
        median
    } else {
        format!("{median} ({least}–{most})")
    }
}

/// Three digits, and thousands set apart.
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

fn table(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>, words: usize) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.456, 9.0, 12.34, 99.99, 4567.0, 14_336.0].map(number);
        assert_eq!(shown, ["0.46", "9.00", "12.3", "100", "4,567", "14,336"]);
    }

    #[test]
    fn a_spread_is_told_unless_there_is_none() {
        let spread = |least, most| Spread {
            median: 2.0,
            least,
            most,
        };
        assert_eq!(show(spread(2.0, 2.0)), "2.00");
        assert_eq!(show(spread(1.0, 3.0)), "2.00 (1.00–3.00)");
    }
}
