//! The features for tests and fuzzing are not on in what users build and what is measured.

use sipward_tests::place::root;
use std::process::Command;

/// The features of sipward that cargo turns on for a build of these packages' libraries and programs.
fn features(packages: &[&str]) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args([
        "tree",
        "--offline",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p} [{f}]",
    ]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let output = cargo.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let line = tree
        .lines()
        .find(|line| line.starts_with("sipward v"))
        .expect("sipward is in the tree");
    let list = line.rsplit_once('[').unwrap().1;
    let list = list.split_once(']').unwrap().0;
    list.split(',')
        .filter(|feature| !feature.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What `cargo run --example NAME` selects.
fn default_members() -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let list = manifest.split("default-members = [").nth(1).unwrap();
    let list = list.split(']').next().unwrap();
    let folders = list
        .split(',')
        .map(|folder| folder.trim().trim_matches('"'));
    let names =
        folders
            .filter(|folder| !folder.is_empty())
            .map(|folder| match folder.rsplit('/').next() {
                Some(".") | None => "sipward",
                Some(name) => name,
            });
    names.map(str::to_owned).collect()
}

#[test]
fn the_softswitch_that_users_run_has_no_feature_for_tests() {
    let members = default_members();
    assert!(members.iter().any(|member| member == "softswitch"));
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    assert_eq!(features(&members), [""; 0]);
}

#[test]
fn what_is_measured_has_no_feature_for_tests() {
    for package in ["siege", "crowd", "sipload"] {
        assert_eq!(features(&[package]), [""; 0], "{package}");
    }
}

#[test]
fn the_tests_have_both() {
    assert_eq!(features(&["sipward-tests"]), ["fuzzing", "testing"]);
}
