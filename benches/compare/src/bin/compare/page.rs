//! The part of docs/performance.md that this program writes, between two marks.

use crate::results::Results;
use crate::tables;
use crate::targets;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

const BEGIN: &str = "<!-- written by `just compare`: begin -->";
const END: &str = "<!-- written by `just compare`: end -->";

/// All tables, and the environment they were measured in.
pub fn text(results: &Results) -> String {
    let mut text = String::new();
    let mut part = |part: &str| {
        // Writing to memory does not fail.
        let _ = write!(text, "{part}\n\n");
    };
    let rounds = results.rounds;
    part(&format!("Median of {rounds} rounds (least–most):"));
    part(&results.environment.join("  \n"));
    if !results.cells.is_empty() {
        part(&tables::comparison(results));
        let failed = results.cells.iter().any(|cell| cell.errors > 0);
        if failed {
            part("† without the rounds in which operations failed or the server crashed.");
        }
        part("![Bars per operation](images/compare.svg)");
        part(&tables::threads(results));
    }
    if !results.growth.is_empty() {
        part(&tables::growth(results));
        part("![Growth with the number of sessions](images/growth.svg)");
    }
    if let Some(polling) = tables::polling(results) {
        part(&polling);
    }
    part("Targets, ratios taken within a round; the floor is the better of the two:");
    text += &tables::targets(&targets::evaluate(results));
    text.push('\n');
    text
}

/// Replaces the text between the marks of this page.
///
/// # Errors
/// The system's error, or that there are no marks.
pub fn write(page: &Path, text: &str) -> io::Result<()> {
    let before = fs::read_to_string(page)?;
    let missing = || io::Error::other(format!("{} has no marks `{BEGIN}`", page.display()));
    let after = between(&before, text).ok_or_else(missing)?;
    fs::write(page, after)
}

fn between(page: &str, text: &str) -> Option<String> {
    let (head, rest) = page.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n{text}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = between(&page, "new\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(between(&once, "new\n"), Some(once));
        assert_eq!(between("a", "new"), None);
    }
}
