//! The Rust API guidelines (C-DEBUG, C-COMMON-TRAITS, C-GOOD-ERR and others), as far as a machine can check
//! them.

use sipward_tests::place::root;
use std::collections::HashSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::fs;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Both modules imported whole, as a small program does. An ambiguous name, or one that shadows the
/// prelude, does not compile.
mod imported_whole {
    use sipward::control::*;
    use sipward::*;

    pub(super) fn of_the_prelude<T: Send + Sync + Clone + Default + Eq + Ord>(
        text: Option<&str>,
    ) -> Result<Vec<String>, Box<T>> {
        let text: Vec<String> = text.into_iter().map(ToString::to_string).collect();
        if text.is_empty() {
            return Err(Box::new(T::default()));
        }
        Ok(text)
    }

    pub(super) fn of_both(
        _: Option<(Handle, Stopped, Event, Close, Closed, Ready, Stats)>,
        _: Option<(ConnectionStats, SendMessage, Subscribe, Sessions, Shutdown)>,
    ) {
    }
}

#[test]
fn glob_imports_clash_neither_with_each_other_nor_with_the_prelude() {
    assert!(imported_whole::of_the_prelude::<u8>(Some("text")).is_ok());
    imported_whole::of_both(None, None);
}

fn is_a_value<T: Clone + Debug + PartialEq + Send + Sync>() {}
fn is_a_key<T: Clone + Debug + Eq + Hash + Send + Sync>() {}
fn is_an_error<T: Error + Send + Sync + 'static>() {}
fn is_settings<T: Clone + Debug + Default + Eq>() {}
fn is_a_stream<T: futures_util::Stream<Item = sipward::Event> + Send + Unpin>() {}

#[test]
fn types_have_the_traits_that_a_user_reaches_for() {
    is_a_key::<sipward::Flow>();
    is_a_key::<sipward::ConnectionId>();
    is_a_key::<sipward::ListenAddress>();
    is_a_key::<sipward::control::Target>();
    is_a_key::<sipward::control::CloseReason>();
    is_a_value::<sipward::Connection>();
    is_a_value::<sipward::HandshakeFailure>();
    is_a_value::<sipward::Threads>();
    is_a_value::<sipward::control::Report>();

    is_settings::<sipward::AdmissionLimits>();
    is_settings::<sipward::BanRule>();
    is_settings::<sipward::Deadlines>();
    is_settings::<sipward::EventFilter>();
    is_settings::<sipward::ProxyProtocol>();
    is_settings::<sipward::Rate>();
    is_settings::<sipward::Threads>();
    is_settings::<sipward::control::SessionFilter>();
    is_settings::<sipward::sip::Limits>();

    is_an_error::<sipward::ConnectFailed>();
    is_an_error::<sipward::NotACertificate>();
    is_an_error::<sipward::PolicyError>();
    is_an_error::<sipward::SendError>();
    is_an_error::<sipward::StartError>();
    is_an_error::<sipward::Stopped>();
    is_an_error::<sipward::UnknownName>();
    is_an_error::<sipward::observe::UnknownCause>();

    is_a_stream::<sipward::Subscription>();
}

fn each_is_read_back<T>(values: &[T])
where
    T: Copy + Debug + Display + FromStr<Err = sipward::UnknownName> + PartialEq,
{
    for value in values {
        assert_eq!(value.to_string().parse(), Ok(*value));
    }
    let unknown = T::from_str("no_such_name").unwrap_err();
    assert_eq!(unknown.given(), "no_such_name");
    assert_eq!(unknown.known().len(), values.len());
}

#[test]
fn what_has_a_name_is_read_back_from_it() {
    each_is_read_back(sipward::EventKind::ALL);
    each_is_read_back(sipward::Phase::ALL);
    each_is_read_back(sipward::Fault::ALL);
    each_is_read_back(sipward::Direction::ALL);
    each_is_read_back(sipward::AlertDirection::ALL);
    each_is_read_back(sipward::ExpectedMessage::ALL);
}

#[test]
fn an_error_says_its_source_once() {
    let missing = Path::new("/there/is/no/such/file");
    let error = sipward::TlsPolicy::from_pem_files(missing, missing).unwrap_err();
    let system = fs::read(missing).unwrap_err().to_string();
    let mut chain = Vec::new();
    let start = sipward::StartError::from(error);
    let mut next: Option<&dyn Error> = Some(&start);
    while let Some(error) = next {
        chain.push(error.to_string());
        next = error.source();
    }
    let printed = chain.join(": ");
    assert_eq!(printed.matches(&system).count(), 1, "{printed}");
}

/// The files of the library, with their paths; without `bench` and `fuzzing`, which are no part of the
/// interface.
fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("src/bench") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    assert!(sources.len() > 40, "the sources are found");
    sources
}

/// The attributes above each public struct and enum of a file, its name, and its body up to the first line
/// that closes it.
fn public_types(text: &str) -> Vec<(&str, &str, &str)> {
    let mut types = Vec::new();
    for keyword in ["\npub struct ", "\npub enum "] {
        for (at, _) in text.match_indices(keyword) {
            let rest = &text[at + keyword.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap();
            let above = &text[..at];
            let attributes = &above[above.rfind("\n\n").unwrap_or(0)..];
            let body = &rest[..rest.find("\n}").unwrap_or(rest.len())];
            types.push((attributes, &rest[..end], body));
        }
    }
    types
}

#[test]
fn every_public_type_is_debug() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        for (attributes, name, _) in public_types(&text) {
            seen += 1;
            let derived = attributes
                .lines()
                .any(|line| line.starts_with("#[derive(") && line.contains("Debug"));
            let by_hand = text.contains(&format!("Debug for {name}"));
            if !derived && !by_hand {
                broken.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(seen > 60, "the types are found: {seen}");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_field_of_the_settings_has_a_method_and_no_struct_literal() {
    let settings = [
        "AdmissionLimits",
        "BanRule",
        "Deadlines",
        "Limits",
        "ProxyProtocol",
        "SessionFilter",
    ];
    let mut found = HashSet::new();
    for (_, text) in sources() {
        for (attributes, name, body) in public_types(&text) {
            if !settings.contains(&name) {
                continue;
            }
            found.insert(name.to_owned());
            assert!(attributes.contains("#[non_exhaustive]"), "{name}");
            let fields = body
                .lines()
                .filter_map(|line| line.strip_prefix("    pub "));
            for field in fields.filter_map(|line| line.split(':').next()) {
                let method = format!("fn with_{field}(");
                assert!(text.contains(&method), "{name} has no with_{field}");
            }
        }
    }
    assert_eq!(found.len(), settings.len(), "{found:?}");
}

/// A builder, which ends in `start` or `build`, names its methods as what they set. Every other type is
/// used as it is, so that its methods need the prefix to differ from questions.
#[test]
fn a_method_that_changes_a_copy_of_settings_begins_with_with() {
    let builders = ["src/builder/mod.rs", "src/sip/respond.rs"];
    let mut broken = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        if builders.iter().any(|builder| path.ends_with(builder)) {
            continue;
        }
        for (before, _) in text.match_indices("(mut self") {
            let (_, name) = text[..before].rsplit_once("fn ").unwrap();
            let declared = text[..before].lines().next_back().unwrap();
            if declared.trim_start().starts_with("pub fn ")
                || declared.trim_start().starts_with("pub const fn ")
            {
                seen += 1;
                if !name.starts_with("with_") {
                    broken.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    assert!(seen > 40, "the methods are found: {seen}");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn an_address_is_no_impl_to_string() {
    for (path, text) in sources() {
        assert!(!text.contains("impl ToString"), "{}", path.display());
    }
}

#[test]
fn every_crate_in_the_interface_is_listed() {
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let list = page.split("### In the public interface").nth(1).unwrap();
    let list = list.split("\n## ").next().unwrap();
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let exported = library
        .split("pub use {")
        .nth(1)
        .expect("crates re-exported");
    let exported: Vec<&str> = exported.split('}').next().unwrap().split(", ").collect();
    assert!(exported.len() > 3, "{exported:?}");
    for name in exported {
        assert!(list.contains(&format!("`sipward::{name}`")), "{name}");
    }
}
