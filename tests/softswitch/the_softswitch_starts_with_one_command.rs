//! Promise: one command starts a switch that phones can use, and a command that cannot be meant or
//! carried out says what to do instead.

use sipward_tests::peer::Authority;
use sipward_tests::real::program::Program;
use sipward_tests::real::scratch::Scratch;
use sipward_tests::real::switch::{Softswitch, softswitch};
use std::fs;
use std::net::TcpListener;

/// Runs it to its end: exit code, standard output, standard error.
#[track_caller]
fn run(home: &Scratch, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Program::start(softswitch(home).args(arguments));
    let code = program.ends().code();
    (code, program.output.so_far(), program.errors.so_far())
}

fn names_in(home: &Scratch) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Without any argument when nobody has the usual port, otherwise on a free one.
fn first_run(home: &Scratch) -> Program {
    let mut program = Program::start(&mut softswitch(home));
    if program.try_to_say("softswitch on sipward") {
        return program;
    }
    let refused = program.errors.so_far();
    assert!(
        refused.contains("cannot listen on 127.0.0.1:5061"),
        "{refused}"
    );
    let mut program = Program::start(softswitch(home).args(["--listen", "127.0.0.1:0"]));
    program.says("softswitch on sipward");
    program
}

#[test]
fn the_first_run_shows_all_a_phone_needs_on_one_screen() {
    let home = Scratch::new();
    let mut program = first_run(&home);
    program.says("stop with Ctrl-C");
    let screen = program.output.so_far();
    let after = |label: &str| {
        let (_, rest) = screen.split_once(label).expect(label);
        rest.lines().next().unwrap_or_default().trim().to_owned()
    };
    let address = after("listening (TLS)");
    assert!(address.starts_with("127.0.0.1:"), "{screen}");
    assert_eq!(after("domains"), "127.0.0.1");
    let authority = after("CA to trust");
    assert!(
        authority.starts_with("./softswitch-data/ca.crt"),
        "{screen}"
    );
    assert!(home.file("softswitch-data/ca.crt").exists());

    for user in ["alice", "bob"] {
        let password = after(&format!("    {user} "));
        assert_eq!(password.len(), 16, "{screen}");
        let account = format!(
            "<sip:{user}@127.0.0.1;transport=tls>;auth_user={user};auth_pass={password};\
             outbound=\"sip:{address};transport=tls\""
        );
        assert!(screen.contains(&account), "{account} is not in\n{screen}");
    }
    assert!(screen.lines().count() <= 24, "one screen:\n{screen}");
    assert!(
        screen.lines().all(|line| !line.contains("BEGIN")),
        "{screen}"
    );

    program.terminate();
    assert_eq!(program.ends().code(), Some(0));
    let errors = program.errors.so_far();
    let ledger = errors.lines().last().unwrap_or_default();
    assert!(ledger.starts_with("ledger: begun 0 ="), "{errors}");
    assert!(ledger.ends_with("; balanced"), "{errors}");
}

#[test]
fn a_second_run_keeps_the_authority_that_phones_already_trust() {
    let home = Scratch::new();
    let authority = || fs::read(home.file("softswitch-data/ca.crt")).unwrap();
    let check = ["--check", "--listen", "127.0.0.1:0"];
    assert_eq!(run(&home, &check).0, Some(0));
    let first = authority();
    assert_eq!(run(&home, &check).0, Some(0));
    assert_eq!(authority(), first);
}

#[test]
fn a_port_that_is_taken_is_an_error_with_its_remedy() {
    let home = Scratch::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for options in [&["--listen", &taken][..], &["--check", "--listen", &taken]] {
        let (code, output, errors) = run(&home, options);
        assert_eq!((code, output.as_str()), (Some(1), ""), "{errors}");
        let what = format!("softswitch: cannot listen on {taken}: ");
        assert!(errors.contains(&what), "{options:?}: {errors}");
        assert!(
            errors.contains("choose another port"),
            "{options:?}: {errors}"
        );
    }
}

#[test]
fn a_command_that_cannot_be_meant_exits_with_2_and_says_what_to_do() {
    let home = Scratch::new();
    let mistakes: [(&[&str], &str); 9] = [
        (
            &["--advertise", "0.0.0.0:5061=example.com"],
            "which no --listen has",
        ),
        (&["--listen", "127.0.0.1:0", "--cert", "a.pem"], "give both"),
        (&["--listen", "127.0.0.1:0", "--key", "a.pem"], "give both"),
        (&["--no-auth", "--user", "alice:secret"], "remove --no-auth"),
        (
            &["--no-auth", "--listen", "192.0.2.1:0"],
            "add --allow-open",
        ),
        (&["--user", "alice"], "NAME:PASSWORD"),
        (&["--listen", "nowhere"], "--listen"),
        (&["--handshake-deadline", "0"], "more than 0"),
        (&["--lisen", "127.0.0.1:0"], "--listen"),
    ];
    for (arguments, remedy) in mistakes {
        let (code, output, errors) = run(&home, arguments);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{errors}");
        assert!(errors.contains(remedy), "{arguments:?}: {errors}");
        assert!(!errors.contains("secret"), "{errors}");
    }
    assert_eq!(names_in(&home), [""; 0], "and has made nothing");
}

#[test]
fn a_check_finds_everything_in_order_and_starts_nothing() {
    let home = Scratch::new();
    // The port is free again when the check looks for it.
    let (code, output, errors) = run(&home, &["--check", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(output, "everything is in order\n");
    assert_eq!(errors, "", "neither a listener nor a ledger");
}

#[test]
fn a_check_finds_what_a_start_would_fail_of() {
    let home = Scratch::new();
    home.write("users", "alice:one\nbob\n");
    home.write("broken.pem", "not a certificate");
    let authority = Authority::new();
    home.write("server.crt", &authority.issue(&["localhost"]).0);
    home.write("other.key", &authority.issue(&["localhost"]).1);
    let failures: [(&[&str], &str); 4] = [
        (&["--users-file", "users"], "users, line 2"),
        (&["--users-file", "none"], "none"),
        (
            &["--cert", "broken.pem", "--key", "broken.pem"],
            "broken.pem",
        ),
        (
            &["--cert", "server.crt", "--key", "other.key"],
            "--key other.key cannot be used: the private key belongs to none",
        ),
    ];
    for (arguments, named) in failures {
        let options = [&["--check", "--listen", "127.0.0.1:0"], arguments].concat();
        let (code, output, errors) = run(&home, &options);
        assert_eq!((code, output.as_str()), (Some(1), ""), "{errors}");
        assert!(errors.contains(named), "{arguments:?}: {errors}");
    }
}

#[test]
fn help_gives_each_option_its_default_and_its_environment_variable() {
    let (code, help, _) = run(&Scratch::new(), &["--help"]);
    assert_eq!(code, Some(0));
    let entries: Vec<&str> = help
        .split("\n      --")
        .skip(1)
        .map(|entry| entry.split("\n  -").next().unwrap_or_default())
        .collect();
    for entry in &entries {
        let name = entry.split_whitespace().next().unwrap();
        let variable = name.to_uppercase().replace('-', "_");
        let variable = format!("[env: SOFTSWITCH_{variable}");
        assert!(entry.contains(&variable), "no {variable} in:\n{entry}");
        assert!(entry.contains("[default: "), "no default in:\n{entry}");
    }
    for name in [
        "listen",
        "advertise",
        "cert",
        "key",
        "domain",
        "user",
        "users-file",
        "no-auth",
        "allow-open",
        "data",
        "log",
        "log-level",
        "events",
        "handshake-deadline",
        "max-connections",
        "max-contacts",
        "check",
    ] {
        let known = |entry: &&str| entry.split_whitespace().next() == Some(name);
        assert!(entries.iter().any(known), "--{name} is not in the help");
    }
}

#[test]
fn the_environment_says_what_the_command_line_does_not() {
    let home = Scratch::new();
    let (code, _, errors) = {
        let mut command = softswitch(&home);
        command
            .env("SOFTSWITCH_LISTEN", "nowhere")
            .args(["--check", "--listen", "127.0.0.1:0"]);
        let mut program = Program::start(&mut command);
        let code = program.ends().code();
        (code, program.output.so_far(), program.errors.so_far())
    };
    assert_eq!(code, Some(0), "the command line wins: {errors}");

    let mut command = softswitch(&home);
    command
        .env("SOFTSWITCH_LISTEN", "127.0.0.1:0")
        .env("SOFTSWITCH_DATA", "elsewhere")
        .env("SOFTSWITCH_CHECK", "true");
    let mut program = Program::start(&mut command);
    assert_eq!(program.ends().code(), Some(0));
    assert!(home.file("elsewhere/ca.crt").exists());
}

#[test]
fn a_stopped_switch_ends_its_event_stream_with_stopped() {
    let switch = Softswitch::start(&["--no-auth"]);
    let kinds: Vec<String> = switch
        .events
        .all()
        .iter()
        .map(|line| line.text("event").to_owned())
        .collect();
    assert_eq!(kinds, ["limits_set", "listening"]);
    switch.stop();
}
