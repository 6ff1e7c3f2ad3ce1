//! docs/operations.md shows for each limit of the softswitch the event and the log line of who hits
//! it. Here each is hit again and compared.
//!
//! When they have changed, `SIPWARD_WRITE_PAGES=1 cargo test -p sipward-tests --test
//! limits_look_as_operators_are_told` writes that part of the page anew.

use serde_json::Value;
use sipward_tests::peer::{Phone, tcp};
use sipward_tests::place::root;
use sipward_tests::real::switch::{ALICE_AND_BOB, Softswitch};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

const BEGIN: &str =
    "<!-- limits: written by tests/pages/limits_look_as_operators_are_told.rs -->\n";
const END: &str = "<!-- end of limits -->";

/// Fields that differ each time.
const VOLATILE: [&str; 10] = [
    "ts",
    "id",
    "peer",
    "local",
    "listener",
    "elapsed_ms",
    "duration_ms",
    "bytes_in",
    "bytes_out",
    "ja4",
];

/// A limit, and how it is hit.
struct Limit {
    /// What an operator sets.
    options: &'static [&'static str],
    /// The kind of event to come, and its cause.
    event: [&'static str; 2],
    hit: fn(&Softswitch) -> Vec<TcpStream>,
}

fn limits() -> Vec<Limit> {
    let refused = |options, cause| Limit {
        options,
        event: ["refused", cause],
        hit: twice,
    };
    vec![
        refused(&["--max-connections", "1"], "connection_limit"),
        refused(&["--max-handshakes", "1"], "handshake_limit"),
        refused(&["--max-per-source", "1"], "per_source_limit"),
        refused(&["--rate-per-source", "1:1"], "rate_limit"),
        refused(&["--memory-budget", "1"], "memory_budget"),
        Limit {
            options: &["--ban", "1:600"],
            event: ["refused", "banned"],
            hit: banned,
        },
        Limit {
            options: &["--handshake-deadline", "0.2"],
            event: ["handshake_failed", "timeout_silent"],
            hit: |switch| vec![tcp(switch.address)],
        },
        Limit {
            options: &["--authentication-deadline", "0.2"],
            event: ["closed", "authentication_timeout"],
            hit: |switch| vec![phone(switch).stream.sock],
        },
        Limit {
            options: &[],
            event: ["closed", "framing"],
            hit: overlong,
        },
    ]
}

/// More silent connections than a limit of one, or of one MiB, lets in.
fn twice(switch: &Softswitch) -> Vec<TcpStream> {
    (0..14).map(|_| tcp(switch.address)).collect()
}

fn banned(switch: &Softswitch) -> Vec<TcpStream> {
    let mut first = tcp(switch.address);
    first
        .write_all(b"REGISTER sip:example.com SIP/2.0\r\n")
        .unwrap();
    // To its end: the ban stands by then.
    let _ = first.read_to_end(&mut Vec::new());
    switch.events.wait_for(1, "banned");
    vec![tcp(switch.address)]
}

fn overlong(switch: &Softswitch) -> Vec<TcpStream> {
    let mut phone = phone(switch);
    phone.send(format!("OPTIONS sip:{} SIP/2.0\r\n", "a".repeat(8 * 1024)));
    vec![phone.stream.sock]
}

fn phone(switch: &Softswitch) -> Phone {
    Phone::connect(switch.address, switch.trusting()).unwrap()
}

/// The event and the log line of one limit.
struct Look {
    event: Value,
    line: String,
}

fn look(limit: &Limit) -> Look {
    let [kind, cause] = limit.event;
    let mut options = vec!["--log", "pretty", "--log-level", "info"];
    options.extend(limit.options);
    match kind {
        "closed" => options.extend(ALICE_AND_BOB),
        _ => options.push("--no-auth"),
    }
    let mut switch = Softswitch::start(&options);
    let sockets = (limit.hit)(&switch);
    let mut events = switch.events.wait_for(1, kind);
    let event = events.swap_remove(0).0;
    assert_eq!(event["cause"], cause, "{event}");
    let headline = format!("{kind}: {cause}");
    let line = if matches!(cause, "banned") {
        // Refusals of who is banned are for the debug log; the ban itself is not.
        switch.program.complains("banned");
        line_with(&switch, " banned")
    } else {
        switch.program.complains(&headline);
        line_with(&switch, &headline)
    };
    drop(sockets);
    switch.stop();
    Look { event, line }
}

fn line_with(switch: &Softswitch, text: &str) -> String {
    let errors = switch.program.errors.so_far();
    let line = errors.lines().find(|line| line.contains(text));
    line.unwrap().to_owned()
}

fn render(limits: &[Limit], looks: &[Look]) -> String {
    let mut text = String::new();
    for (limit, look) in limits.iter().zip(looks) {
        let option = match limit.options {
            [] => "A message above its size".to_owned(),
            options => format!("`{}`", options.join(" ")),
        };
        let (event, line) = (&look.event, &look.line);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n{option}:\n\n```json\n{event}\n```\n\n```text\n{line}\n```\n"
        );
    }
    text
}

#[test]
fn each_event_and_log_line_is_real() {
    let limits = limits();
    let looks: Vec<Look> = limits.iter().map(look).collect();
    let path = root().join("docs/operations.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("SIPWARD_WRITE_PAGES").is_some() {
        let text = render(&limits, &looks);
        fs::write(&path, format!("{before}{BEGIN}{text}\n{END}{after}")).unwrap();
        return;
    }
    let fenced = |fence: &str| -> Vec<String> {
        let blocks = shown.split(fence).skip(1);
        blocks
            .map(|block| block.lines().next().unwrap().to_owned())
            .collect()
    };
    let (events, lines) = (fenced("```json\n"), fenced("```text\n"));
    assert_eq!((events.len(), lines.len()), (limits.len(), limits.len()));
    for (look, (event, line)) in looks.iter().zip(events.iter().zip(&lines)) {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(steady_event(&event), steady_event(&look.event));
        assert_eq!(steady_line(line), steady_line(&look.line));
    }
}

/// Without what differs each time.
fn steady_event(event: &Value) -> Value {
    let mut event = event.clone();
    let fields = event.as_object_mut().unwrap();
    fields.retain(|name, _| !VOLATILE.contains(&name.as_str()));
    event
}

/// Without the time and what differs each time.
fn steady_line(line: &str) -> Vec<&str> {
    let words = line.split(' ').skip(1);
    words
        .filter(|word| {
            let name = word.split('=').next().unwrap();
            !word.contains('=') || !VOLATILE.contains(&name)
        })
        .collect()
}
