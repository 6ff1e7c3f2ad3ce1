//! docs/conformance.md shows what becomes of each torture message. Here the tables are made anew and
//! compared.
//!
//! When they have changed, `SIPWARD_WRITE_PAGES=1 cargo test -p softswitch --lib torture` writes them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::trial::Case;

/// What stands around each table.
const BEGIN: &str = ": written by examples/softswitch/src/switch/tests/torture/page.rs -->\n";
const END: &str = "<!-- end of the table -->";

#[test]
fn the_page_shows_what_becomes_of_each_message() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let mut page = fs::read_to_string(&path).expect("the page");
    let write = std::env::var_os("SIPWARD_WRITE_PAGES").is_some();
    for (rfc, cases) in [("4475", super::rfc4475()), ("5118", super::ipv6::cases())] {
        let begin = format!("<!-- RFC {rfc}{BEGIN}");
        let (before, rest) = page.split_once(&begin).expect("a table begins");
        let (shown, after) = rest.split_once(END).expect("and ends");
        let table = table(rfc, &cases);
        match write {
            true => page = format!("{before}{begin}{table}{END}{after}"),
            false => assert_eq!(shown, table, "RFC {rfc}"),
        }
    }
    if write {
        fs::write(&path, page).expect("the page is written");
    }
}

fn table(rfc: &str, cases: &[Case]) -> String {
    let mut text = format!("| message | section | RFC {rfc} | softswitch |\n|---|---|---|---|\n");
    for case in cases {
        let Case {
            name,
            section,
            says,
            note,
            ..
        } = case;
        let done = case.run().done;
        let end = if note.is_empty() { "" } else { ". " };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{name}` | {section} | {says} | {done}{end}{note} |"
        );
    }
    text
}
