//! Every cause has exactly one section on the pages about endings, every section is a cause, and
//! what the tables say is what the code says.

use sipward::{CloseCause, HandshakeCause, Phase, RefusalCause};
use sipward_tests::page::{Line, Page, Section};

const HANDSHAKES: &str = "handshake-failures.md";
const ENDINGS: &str = "closing-and-refusal.md";

#[test]
fn every_handshake_cause_has_one_section_and_one_row_in_the_order_of_the_code() {
    let page = Page::read(HANDSHAKES);
    let sections: Vec<_> = page.sections().iter().map(|s| s.cause).collect();
    assert_eq!(sections, HandshakeCause::NAMES);
    assert_eq!(row_names(&page), HandshakeCause::NAMES);
}

#[test]
fn every_close_and_refusal_cause_has_one_section_and_one_row_in_the_order_of_the_code() {
    let page = Page::read(ENDINGS);
    let names = [CloseCause::NAMES, RefusalCause::NAMES].concat();
    let sections: Vec<_> = page.sections().iter().map(|s| s.cause).collect();
    assert_eq!(sections, names);
    assert_eq!(row_names(&page), names);
}

#[test]
fn the_table_of_handshake_causes_agrees_with_the_code() {
    let page = Page::read(HANDSHAKES);
    for (row, cause) in page.rows().iter().zip(HandshakeCause::each()) {
        let [_, phase, fault, level, meaning] = row[..] else {
            panic!("five cells are due: {row:?}")
        };
        assert_eq!(phase, phases(cause.phases()), "{}", cause.name());
        assert_eq!(fault, cause.fault().name(), "{}", cause.name());
        assert_eq!(level, lower(cause.level()), "{}", cause.name());
        assert!(meaning.len() > 10, "{}", cause.name());
    }
}

#[test]
fn the_tables_of_close_and_refusal_causes_agree_with_the_code() {
    let page = Page::read(ENDINGS);
    let rows = page.rows();
    let (closings, refusals) = rows.split_at(CloseCause::NAMES.len());
    for (row, cause) in closings.iter().zip(CloseCause::each()) {
        let [_, fault, level, meaning] = row[..] else {
            panic!("four cells are due: {row:?}")
        };
        assert_eq!(fault, cause.fault().name(), "{}", cause.name());
        assert_eq!(level, lower(cause.level()), "{}", cause.name());
        assert!(meaning.len() > 10, "{}", cause.name());
    }
    for (row, cause) in refusals.iter().zip(RefusalCause::each()) {
        let [_, level, meaning] = row[..] else {
            panic!("three cells are due: {row:?}")
        };
        assert_eq!(level, lower(cause.level()), "{}", cause.name());
        assert!(meaning.len() > 10, "{}", cause.name());
    }
}

#[test]
fn every_section_about_a_handshake_has_all_its_parts() {
    let page = Page::read(HANDSHAKES);
    for section in page.sections() {
        for title in [
            "On the wire",
            "In the log",
            "The other side saw",
            "Likeliest",
            "What to do",
        ] {
            assert_part(&section, title);
        }
        let reasons = section.part("Likeliest").unwrap();
        let numbered = reasons.lines().filter(|line| {
            let number = line.split_once(". ").map(|(number, _)| number);
            number.is_some_and(|number| number.parse::<u8>().is_ok())
        });
        assert_eq!(numbered.count(), 3, "{}: {reasons}", section.cause);
    }
}

#[test]
fn every_section_about_a_closing_or_a_refusal_has_all_its_parts() {
    let page = Page::read(ENDINGS);
    for section in page.sections() {
        for title in ["In the log", "The other side saw", "What to do"] {
            assert_part(&section, title);
        }
    }
}

#[test]
fn every_log_line_shown_parses_and_names_its_cause_as_the_code_does() {
    let page = Page::read(HANDSHAKES);
    for (section, cause) in page.sections().iter().zip(HandshakeCause::each()) {
        let Some(line) = shown(section, "handshake_failed") else {
            continue;
        };
        assert_eq!(line.level, cause.level().as_str(), "{}", cause.name());
        assert_eq!(line.field("fault"), cause.fault().name());
        let phase = line.field("phase");
        let possible = cause.phases().iter().any(|known| known.name() == phase);
        assert!(possible, "{} in phase {phase}", cause.name());
    }
    let page = Page::read(ENDINGS);
    let sections = page.sections();
    let (closings, refusals) = sections.split_at(CloseCause::NAMES.len());
    for (section, cause) in closings.iter().zip(CloseCause::each()) {
        if let Some(line) = shown(section, "closed") {
            assert_eq!(line.level, cause.level().as_str(), "{}", cause.name());
            assert_eq!(line.field("fault"), cause.fault().name());
        }
    }
    for (section, cause) in refusals.iter().zip(RefusalCause::each()) {
        if let Some(line) = shown(section, "refused") {
            assert_eq!(line.level, cause.level().as_str(), "{}", cause.name());
        }
    }
}

#[test]
fn an_alert_of_ours_in_a_line_is_what_the_other_side_is_said_to_see() {
    for page in [Page::read(HANDSHAKES), Page::read(ENDINGS)] {
        for section in page.sections() {
            let line = section.line().and_then(Line::parse);
            let Some(line) = line.filter(|line| line.field("alert_direction") == "out") else {
                continue;
            };
            let saw = section.part("The other side saw").unwrap();
            let alert = format!("`{}`", line.field("alert"));
            assert!(saw.contains(&alert), "{}: {alert}: {saw}", section.cause);
        }
    }
}

fn row_names(page: &Page) -> Vec<String> {
    let first = page.rows().into_iter().map(|row| row[0].to_owned());
    first
        .map(|cell| {
            let name = cell.split('`').nth(1).unwrap().to_owned();
            assert_eq!(cell, format!("[`{name}`](#{name})"));
            name
        })
        .collect()
}

/// The line of a section, which either shows one or says plainly that there is none.
fn shown<'a>(section: &Section<'a>, kind: &str) -> Option<Line<'a>> {
    let Some(text) = section.line() else {
        let says = section.part("In the log").unwrap();
        assert!(says.starts_with("No line"), "{}: {says}", section.cause);
        return None;
    };
    let line = Line::parse(text).unwrap_or_else(|| panic!("not a log line: {text}"));
    assert!(
        line.headline
            .starts_with(&format!("{kind}: {}", section.cause))
    );
    assert_eq!(line.field("cause"), section.cause);
    Some(line)
}

#[track_caller]
fn assert_part(section: &Section<'_>, title: &str) {
    let part = section.part(title);
    let there = part.is_some_and(|part| part.len() >= 8);
    assert!(there, "{} lacks the part {title}", section.cause);
}

fn phases(phases: &[Phase]) -> String {
    if phases == [Phase::Hello, Phase::Negotiation, Phase::ClientAuth] {
        return "any".to_owned();
    }
    let names: Vec<_> = phases.iter().map(|phase| phase.name()).collect();
    names.join(", ")
}

fn lower(level: log::Level) -> String {
    level.as_str().to_ascii_lowercase()
}
