//! The table of defects found in other servers names, for each, a test that there is.

use sipward_tests::place::root;
use std::fs;

/// A row's cells: number, defect, file, function.
fn rows(page: &str) -> Vec<[&str; 4]> {
    let (_, section) = page.split_once("## Defects of others").unwrap();
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [number, defect, place] = cells[..] else {
                panic!("three cells are due: {line}")
            };
            let place = place.trim_matches('`');
            let (file, function) = place.split_once("::").unwrap_or((place, ""));
            [number, defect, file, function]
        })
        .collect()
}

#[test]
fn each_names_a_test_that_exists() {
    let root = root();
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let rows = rows(&page);
    for (index, [number, defect, file, function]) in rows.iter().enumerate() {
        assert_eq!(*number, (index + 1).to_string());
        assert!(defect.len() > 20, "{number}");
        if function.is_empty() {
            assert!(file.starts_with("cannot occur: "), "{number}: {file}");
            continue;
        }
        let source = fs::read_to_string(root.join(file)).expect(file);
        let test = format!("fn {function}()");
        let Some((before, _)) = source.split_once(&test) else {
            panic!("{file} has no {function}")
        };
        let attribute = before.trim_end_matches("async ").trim_end();
        assert!(attribute.ends_with("test]"), "{function} is no test");
    }
    assert_eq!(rows.len(), 18);
}
