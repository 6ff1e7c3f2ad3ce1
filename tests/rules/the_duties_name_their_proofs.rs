//! docs/conformance.md says of each duty of a registrar and a proxy whether it is done. A row that
//! says so names tests, and each of them exists.

use sipward_tests::place::root;
use std::fs;
use std::path::PathBuf;

/// The RFCs that the page is about.
const RFCS: [&str; 19] = [
    "3261", "3323", "3325", "3327", "3581", "3608", "4320", "4321", "4475", "5118", "5393", "5626",
    "5627", "5630", "5658", "6026", "6223", "7616", "8760",
];

/// A row's cells: section, duty, state, proof or reason.
fn rows(page: &str) -> Vec<[&str; 4]> {
    let (_, duties) = page.split_once("\n## Duties").unwrap();
    let lines = duties.lines().filter(|line| line.starts_with("| "));
    lines
        .filter(|line| !line.starts_with("| section |"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [section, duty, state, proof] = cells[..] else {
                panic!("four cells are due: {line}")
            };
            [section, duty, state, proof]
        })
        .collect()
}

/// The file that a proof is in, and the name of the test.
fn place(proof: &str) -> (PathBuf, &str) {
    let (file, test) = proof.split_once("::").unwrap();
    if file.contains('/') {
        return (root().join(file), test);
    }
    let tests = root().join("examples/softswitch/src/switch/tests");
    let in_folder = tests.join(file).join("mod.rs");
    let path = match in_folder.exists() {
        true => in_folder,
        false => tests.join(format!("{file}.rs")),
    };
    (path, test)
}

#[test]
fn each_done_row_names_tests_that_exist_and_each_other_row_a_reason() {
    let page = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 80, "the rows are found");
    for [section, duty, state, proof] in rows {
        let row = format!("{section}, {duty}");
        assert!(!section.is_empty() && duty.len() > 3, "{row}");
        let code = proof.split('`').skip(1).step_by(2);
        let tests: Vec<&str> = code.filter(|code| code.contains("::")).collect();
        match state {
            "done" => assert!(!tests.is_empty(), "{row}: no test"),
            "refused" | "not needed" | "open" => assert!(proof.len() > 12, "{row}: no reason"),
            other => panic!("{row}: {other}"),
        }
        for test in tests {
            let (path, name) = place(test);
            let source = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{row}: {test}"));
            let Some((before, _)) = source.split_once(&format!("fn {name}()")) else {
                panic!("{row}: {} has no {name}", path.display())
            };
            let is_test = before.trim_end().ends_with("#[test]");
            assert!(is_test, "{row}: {name} is no test");
        }
    }
}

#[test]
fn no_rfc_is_left_out() {
    let page = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    for rfc in RFCS {
        assert!(page.contains(&format!("RFC {rfc}")), "{rfc}");
    }
}
