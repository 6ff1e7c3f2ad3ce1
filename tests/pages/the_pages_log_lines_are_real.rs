//! Each log line on the pages about endings is real: it is provoked again and compared, and so is
//! what the other side saw.
//!
//! When the log has changed, `SIPWARD_WRITE_PAGES=1 cargo test -p sipward-tests --test pages`
//! puts the new lines into the pages; what the other side saw is prose, and yours to correct.

use sipward_tests::page::{Line, Page};
use sipward_tests::provoke;
use sipward_tests::provoke::Provoked;

/// Fields that differ each time.
const VOLATILE: [&str; 13] = [
    "id",
    "peer",
    "local",
    "listener",
    "elapsed_ms",
    "duration_ms",
    "bytes_in",
    "bytes_out",
    "messages_out",
    "ja4",
    "certificate_days_left",
    "client_not_after",
    "client_fingerprint",
];

#[test]
fn failed_handshakes_look_as_the_page_shows_them() {
    compare("handshake-failures.md", provoke::handshakes::all());
}

#[test]
fn closed_sessions_and_refusals_look_as_the_page_shows_them() {
    let mut provoked = provoke::closings::all();
    provoked.extend(provoke::refusals::all());
    compare("closing-and-refusal.md", provoked);
}

fn compare(page: &str, provoked: Vec<Provoked>) {
    let mut page = Page::read(page);
    for provoked in &provoked {
        let cause = provoked.cause;
        let real = Line::parse(&provoked.line).unwrap();
        assert_eq!(real.field("cause"), cause, "{}", provoked.line);
    }
    if std::env::var_os("SIPWARD_WRITE_PAGES").is_some() {
        for provoked in &provoked {
            if is_out_of_date(&page, provoked) {
                page.put_line(provoked.cause, &provoked.line);
            }
        }
        page.write();
    }
    for provoked in &provoked {
        check(&page, provoked);
    }
    let shown = page
        .sections()
        .iter()
        .filter(|s| s.line().is_some())
        .count();
    assert_eq!(
        shown,
        provoked.len(),
        "a line is shown that nothing provokes"
    );
}

/// Whether the line shown differs in more than what differs each time.
fn is_out_of_date(page: &Page, provoked: &Provoked) -> bool {
    let steady = |line: &str| {
        let line = Line::parse(line)?;
        let masked = line.fields.into_iter().map(|(key, value)| {
            let value = (!VOLATILE.contains(&key)).then_some(value);
            (key.to_owned(), value)
        });
        Some((
            line.level.to_owned(),
            line.headline.to_owned(),
            masked.collect::<Vec<_>>(),
        ))
    };
    let shown = page.section(provoked.cause).line().unwrap();
    steady(shown) != steady(&provoked.line)
}

fn check(page: &Page, provoked: &Provoked) {
    let cause = provoked.cause;
    let section = page.section(cause);
    let shown = section.line().unwrap();
    let shown = Line::parse(shown).unwrap_or_else(|| panic!("{cause}: no log line: {shown}"));
    let real = Line::parse(&provoked.line).unwrap();
    assert_eq!(shown.level, real.level, "{cause}");
    assert_eq!(shown.headline, real.headline, "{cause}");
    // A field added since is no lie; one that is shown has to be so.
    for (key, value) in &shown.fields {
        assert!(real.fields.contains_key(key), "{cause}: {key} is no more");
        if !VOLATILE.contains(key) {
            assert_eq!(value, real.field(key), "{cause}: {key}");
        }
    }
    let saw = section.part("The other side saw").unwrap();
    let heard = provoked.heard.to_string();
    assert!(
        saw.to_lowercase().contains(&heard.to_lowercase()),
        "{cause}: the other side saw {heard}, the page says: {saw}"
    );
}
