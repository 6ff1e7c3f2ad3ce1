//! Every cause of every set says something, and something of its own.

use crate::cause::{CloseCause, HandshakeCause, RefusalCause};

/// The name, the hint and the explanation of every cause of every set.
fn all() -> Vec<(&'static str, &'static str, &'static str)> {
    let handshake = HandshakeCause::each().map(|c| (c.name(), c.hint(), c.explain()));
    let close = CloseCause::each().map(|c| (c.name(), c.hint(), c.explain()));
    let refusal = RefusalCause::each().map(|c| (c.name(), c.hint(), c.explain()));
    handshake.chain(close).chain(refusal).collect()
}

#[test]
fn one_of_each_has_the_names_in_their_order_and_no_name_is_used_twice() {
    let names: Vec<_> = HandshakeCause::each().map(|cause| cause.name()).collect();
    assert_eq!(names, HandshakeCause::NAMES);
    let names: Vec<_> = CloseCause::each().map(|cause| cause.name()).collect();
    assert_eq!(names, CloseCause::NAMES);
    let names: Vec<_> = RefusalCause::each().map(|cause| cause.name()).collect();
    assert_eq!(names, RefusalCause::NAMES);
    for names in [
        HandshakeCause::NAMES,
        CloseCause::NAMES,
        RefusalCause::NAMES,
    ] {
        let mut unique = names.to_vec();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
    }
}

#[test]
fn every_explanation_is_two_to_four_sentences() {
    for (name, _, explanation) in all() {
        let sentences = explanation.matches(". ").count() + 1;
        assert!((2..=4).contains(&sentences), "{name}: {explanation}");
        assert!(explanation.ends_with('.'), "{name}: {explanation}");
        assert!(!explanation.contains("  "), "{name}: {explanation}");
    }
}

#[test]
fn every_hint_is_a_few_words_that_need_no_escaping() {
    for (name, hint, _) in all() {
        assert!((8..=64).contains(&hint.chars().count()), "{name}: {hint}");
        assert!(!hint.ends_with('.'), "{name}: {hint}");
        assert!(!hint.contains(['"', '\\', '\n', '=']), "{name}: {hint}");
    }
}

#[test]
fn the_kind_of_plaintext_decides_what_is_said() {
    use crate::cause::Plaintext;
    let method = "REGISTER".to_owned();
    let sip = HandshakeCause::Plaintext(Plaintext::Sip { method });
    let http = HandshakeCause::Plaintext(Plaintext::Http);
    assert_eq!(sip.hint(), "phone set to TCP instead of TLS?");
    assert_ne!(sip.explain(), http.explain());
}
