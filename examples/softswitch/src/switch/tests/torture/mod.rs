//! The torture messages of RFC 4475 and RFC 5118, in equivalents of our own, and what the framer and
//! the switch do with each. docs/conformance.md shows them in a table that is compared here.

mod ipv6;
mod malformed;
mod page;
mod semantics;
mod trial;
mod well_formed;

use trial::Case;

#[track_caller]
fn all_are_handled(cases: Vec<Case>, count: usize) {
    assert_eq!(cases.len(), count);
    let mut wrong = Vec::new();
    for case in &cases {
        let trial = case.run();
        if trial.done == case.does {
            (case.also)(&trial);
        } else {
            wrong.push(format!("{}: {}\n{}", case.name, trial.done, trial.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rfc4475() -> Vec<Case> {
    let parts = [well_formed::cases(), malformed::cases(), semantics::cases()];
    parts.into_iter().flatten().collect()
}

#[test]
fn each_of_the_49_messages_of_rfc_4475_gets_what_the_rfc_says() {
    all_are_handled(rfc4475(), 49);
}

#[test]
fn each_of_the_12_messages_of_rfc_5118_gets_what_the_rfc_says() {
    all_are_handled(ipv6::cases(), 12);
}
