use clap::FromArgMatches;
use clap::builder::Resettable;

use super::*;
use crate::auth::accounts::AccountError;

/// Parses without the environment variables of the test's process.
fn parsed(arguments: &[&str]) -> Result<Options, clap::Error> {
    let command = Options::command().mut_args(|argument| argument.env(Resettable::Reset));
    let matches = command.try_get_matches_from(["softswitch"].iter().chain(arguments))?;
    Options::from_arg_matches(&matches)
}

fn validated(arguments: &[&str]) -> Result<Settings, UsageError> {
    parsed(arguments)
        .unwrap()
        .validate(Some("box.example".to_owned()))
}

fn settings(arguments: &[&str]) -> Settings {
    validated(arguments).unwrap()
}

#[test]
fn the_definition_of_options_is_sound() {
    Options::command().debug_assert();
}

#[test]
fn without_options_everything_has_a_default_for_this_machine_alone() {
    let settings = settings(&[]);
    assert_eq!(settings.listen, ["127.0.0.1:5061".parse().unwrap()]);
    assert_eq!(settings.advertise, []);
    assert_eq!(settings.domains, ["127.0.0.1"]);
    assert_eq!(settings.identity, Identity::Development);
    assert_eq!(settings.accounts, AccountSource::Demo);
    assert_eq!(settings.digest, DigestAlgorithms::Both);
    assert_eq!(settings.data, PathBuf::from("./softswitch-data"));
    assert_eq!(settings.log, LogForm::Pretty);
    assert_eq!(settings.log_level, LogLevel::Info);
    assert_eq!(settings.events, None);
    assert_eq!(settings.handshake_deadline, Duration::from_secs(10));
    assert_eq!(
        settings.admission.limits(),
        sipward::AdmissionLimits::default()
    );
    assert_eq!(settings.max_contacts, 10);
    let Threads::Dedicated { sessions, .. } = settings.threads else {
        panic!("{:?}", settings.threads);
    };
    assert_eq!(sessions, 1);
    assert!(!settings.check);
}

#[test]
fn every_option_states_its_default_and_its_environment_variable() {
    let mut command = Options::command();
    command.build();
    for option in command.get_arguments() {
        let name = option.get_id().as_str();
        if ["help", "version"].contains(&name) {
            continue;
        }
        let long = option.get_long().unwrap().to_uppercase().replace('-', "_");
        let variable = option.get_env().unwrap().to_str().unwrap();
        assert_eq!(variable, format!("SOFTSWITCH_{long}"));
        let help = option.get_help().unwrap().to_string();
        let stated = help.contains("[default: ") || !option.get_default_values().is_empty();
        assert!(stated, "{name} does not state its default");
    }
}

#[test]
fn listen_and_domain_may_be_repeated_or_separated_by_commas() {
    let settings = settings(&[
        "--listen=127.0.0.1:0,127.0.0.1:0",
        "--listen=[::1]:5062",
        "--domain=Example.COM,example.org",
        "--domain=example.com.",
    ]);
    assert_eq!(settings.listen.len(), 3);
    assert_eq!(settings.domains, ["example.com", "example.org"]);
}

#[test]
fn the_domain_defaults_to_the_first_host_or_for_a_wildcard_the_host_name() {
    assert_eq!(settings(&["--listen=[::1]:5061"]).domains, ["[::1]"]);
    let wildcard = ["--listen=0.0.0.0:5061"];
    assert_eq!(settings(&wildcard).domains, ["box.example"]);
    let nameless = parsed(&wildcard).unwrap().validate(None).unwrap();
    assert_eq!(nameless.domains, ["localhost"]);
}

#[test]
fn an_address_may_be_advertised_for_all_listeners_or_for_one() {
    let settings = settings(&[
        "--listen=0.0.0.0:5061,[::]:0",
        "--advertise=Sip.example,[::]:0=[2001:db8::1]:7",
    ]);
    let [general, special] = &settings.advertise[..] else {
        panic!("{:?}", settings.advertise);
    };
    assert_eq!(general.listener, None);
    assert_eq!(general.address.to_string(), "sip.example");
    assert_eq!(special.listener, Some("[::]:0".parse().unwrap()));
    assert_eq!(special.address.to_string(), "[2001:db8::1]:7");
}

#[test]
fn accounts_are_open_listed_or_demo() {
    assert_eq!(settings(&["--no-auth"]).accounts, AccountSource::Open);
    let listed = settings(&["--user=alice:a,b", "--user=bob:c", "--users-file=u"]).accounts;
    let expected = AccountSource::Listed {
        users: vec![Password::from("alice:a,b"), Password::from("bob:c")],
        file: Some(PathBuf::from("u")),
    };
    assert_eq!(listed, expected);
}

#[test]
fn options_that_contradict_each_other_are_usage_errors() {
    let wildcard = "0.0.0.0:5061".parse().unwrap();
    let public = "192.0.2.1:5061".parse().unwrap();
    let cases: [(&[&str], UsageError); 12] = [
        (&["--cert=c"], UsageError::CertWithoutKey),
        (&["--key=k"], UsageError::KeyWithoutCert),
        (
            &["--advertise=0.0.0.0:5061=example.com"],
            UsageError::AdvertisedNowhere { listener: wildcard },
        ),
        (
            &["--advertise=example.com,example.org"],
            UsageError::AdvertisedTwice,
        ),
        (
            &["--listen=192.0.2.1:5061,192.0.2.1:5061"],
            UsageError::ListenedTwice { listen: public },
        ),
        (
            &["--domain=alice@example.com"],
            UsageError::BadDomain {
                domain: "alice@example.com".to_owned(),
            },
        ),
        (
            &["--user=hunter2"],
            UsageError::BadUser(AccountError::NoColon),
        ),
        (
            &["--user=:hunter2"],
            UsageError::BadUser(AccountError::BadName),
        ),
        (
            &["--user=a:b", "--user=a:c"],
            UsageError::BadUser(AccountError::NamedTwice("a".to_owned())),
        ),
        (&["--no-auth", "--user=a:b"], UsageError::OpenWithAccounts),
        (
            &["--no-auth", "--users-file=u"],
            UsageError::OpenWithAccounts,
        ),
        (
            &["--no-auth", "--listen=127.0.0.1:0,192.0.2.1:5061"],
            UsageError::OpenToOthers { listen: public },
        ),
    ];
    for (arguments, expected) in cases {
        assert!(!expected.to_string().contains("hunter2"));
        assert_eq!(validated(arguments), Err(expected), "{arguments:?}");
    }
    settings(&["--no-auth", "--listen=192.0.2.1:5061", "--allow-open"]);
}

#[test]
fn a_usage_error_looks_like_the_parsers_own_and_exits_with_2() {
    let error = UsageError::CertWithoutKey.into_clap(&mut Options::command());
    assert_eq!(error.exit_code(), 2);
    let shown = error.to_string();
    assert!(shown.starts_with("error: --cert is given"), "{shown}");
    assert!(shown.contains("Usage: softswitch"), "{shown}");
}

#[test]
fn the_deadline_may_be_fractional_and_must_be_positive() {
    let settings = settings(&["--handshake-deadline=0.25"]);
    assert_eq!(settings.handshake_deadline, Duration::from_millis(250));
    for text in ["0", "-1", "NaN", "inf", "1e300", "3601", "ten", ""] {
        let argument = format!("--handshake-deadline={text}");
        assert!(parsed(&[&argument]).is_err(), "{text}");
    }
}

#[test]
fn counts_must_be_positive() {
    assert!(parsed(&["--max-contacts=0"]).is_err());
    assert!(parsed(&["--max-connections=0"]).is_err());
    let settings = settings(&["--max-contacts=3", "--max-connections=9"]);
    assert_eq!(
        (
            settings.max_contacts,
            settings.admission.limits().connections
        ),
        (3, 9)
    );
}

#[test]
fn events_go_to_a_file_or_with_a_dash_to_standard_output() {
    let events = |argument: &str| settings(&[argument]).events.unwrap();
    assert_eq!(events("--events=-"), EventSink::StandardOutput);
    assert_eq!(events("--events=e"), EventSink::File(PathBuf::from("e")));
}

#[test]
fn no_password_is_shown_in_debug_output() {
    let settings = settings(&["--user=alice:hunter2"]);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn threads_are_two_numbers_or_those_of_the_runtime() {
    let threads = |text| settings(&["--threads", text]).threads;
    let apart = Threads::Dedicated {
        handshakes: 4,
        sessions: 2,
    };
    assert_eq!(threads("4+2"), apart);
    assert_eq!(threads("runtime"), Threads::Runtime);
    for wrong in ["", "2", "0+1", "1+0", "1+1025", "1+1+1", "-1+1", "a+b"] {
        let told = parsed(&[&format!("--threads={wrong}")]).err().unwrap();
        assert!(told.to_string().contains("as in 2+1"), "{told}");
    }
}
