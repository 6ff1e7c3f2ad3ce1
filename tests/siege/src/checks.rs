//! The checks of a siege, each with what is measured and what is demanded.

use crate::control_clients::Measurements;
use crate::runner::{ProcessResult, REGISTER_TIMEOUT};
use sipload::report::mebibytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest that a control client may wait for an answer, apart from stalls of the machine.
const MAX_LATENCY: Duration = Duration::from_secs(1);

/// How many more bytes may be resident after the attacks than before.
const MAX_MEMORY_GROWTH: u64 = 5 * 1024 * 1024;

/// By how many percent the number of open descriptors may differ.
const MAX_DESCRIPTOR_CHANGE_PERCENT: usize = 2;

/// How long the softswitch may take to exit after SIGTERM.
const MAX_DRAIN: Duration = Duration::from_secs(10);

/// One check of a report.
pub struct Check {
    /// What is checked.
    pub what: String,
    /// What was measured.
    pub measured: String,
    /// What is demanded.
    pub demanded: String,
    /// Whether the measured fulfils the demanded.
    pub holds: bool,
}

/// Each attack must have been made, and the softswitch must have reported it by one of the causes
/// that are allowed for it.
pub fn check_attacks<'a>(
    attacks: impl Iterator<Item = (&'a str, u64, &'a [&'a str])>,
    causes: &BTreeMap<&str, u64>,
) -> Check {
    let without_effect: Vec<&str> = attacks
        .filter(|(_, count, allowed)| {
            *count == 0 || !allowed.iter().any(|cause| causes.contains_key(cause))
        })
        .map(|(name, ..)| name)
        .collect();
    Check {
        what: "attacks that took effect".to_owned(),
        measured: match without_effect.as_slice() {
            [] => "all".to_owned(),
            names => format!("not: {}", names.join(", ")),
        },
        demanded: "all".to_owned(),
        holds: without_effect.is_empty(),
    }
}

/// All requests must have been answered in time, except those that were lost to a drain.
pub fn check_clients(
    [sent, answered, lost_to_drain]: [u64; 3],
    measured: &Measurements,
    stall: Duration,
) -> Vec<Check> {
    let mut checks = vec![Check {
        what: "control requests answered".to_owned(),
        measured: match lost_to_drain {
            0 => format!("{answered} of {sent}"),
            _ => format!("{answered} of {sent}; {lost_to_drain} lost to a drain"),
        },
        demanded: "all".to_owned(),
        holds: sent > 0 && answered + lost_to_drain == sent && measured.failures.is_empty(),
    }];
    for (what, histogram) in [
        ("longest wait for an answer", &measured.latency),
        ("longest connect and REGISTER", &measured.connect_time),
    ] {
        let longest = Duration::from_micros(histogram.max());
        let p99 = Duration::from_micros(histogram.value_at_quantile(0.99));
        checks.push(Check {
            what: what.to_owned(),
            measured: format!("{} (p99 {})", millis(longest), millis(p99)),
            demanded: format!(
                "at most {}, and the {} that the machine stalled",
                millis(MAX_LATENCY),
                millis(stall)
            ),
            holds: longest <= MAX_LATENCY + stall,
        });
    }
    checks
}

/// A process must give back what the attacks used, drain in time, and balance its ledger.
pub fn check_process(number: usize, process: &ProcessResult, checks: &mut Vec<Check>) {
    let mut check = |what: &str, measured: String, demanded: String, holds: bool| {
        checks.push(Check {
            what: format!("process {number}: {what}"),
            measured,
            demanded,
            holds,
        });
    };
    let (before, after) = (process.before.descriptors, process.after.descriptors);
    check(
        "descriptors",
        format!("{before}, then {after}"),
        format!("back within {MAX_DESCRIPTOR_CHANGE_PERCENT} %"),
        before.abs_diff(after) * 100 <= before * MAX_DESCRIPTOR_CHANGE_PERCENT,
    );
    let (before, after) = (process.before.sample.rss, process.after.sample.rss);
    check(
        "memory",
        format!("{}, then {}", mebibytes(before), mebibytes(after)),
        format!("back within {}", mebibytes(MAX_MEMORY_GROWTH)),
        after <= before + MAX_MEMORY_GROWTH,
    );
    let exit = &process.exit;
    let status = exit.status.map_or("killed".to_owned(), |status| {
        status
            .to_string()
            .trim_start_matches("exit status: ")
            .to_owned()
    });
    check(
        "drained by SIGTERM",
        format!("exit code {status} in {}", millis(exit.took)),
        format!("exit code 0 within {}", millis(MAX_DRAIN)),
        exit.status.is_some_and(|status| status.success()) && exit.took <= MAX_DRAIN,
    );
    if let Some(registered_again) = process.registered_again {
        check(
            "all registered with the next process",
            millis(registered_again),
            format!("within {}", millis(REGISTER_TIMEOUT)),
            registered_again <= REGISTER_TIMEOUT,
        );
    }
    check(
        "ledger",
        exit.stderr.last.trim_start_matches("ledger: ").to_owned(),
        "balanced, as events say".to_owned(),
        ledger_holds(process),
    );
    let events = &exit.events;
    let internal = |causes: &BTreeMap<String, u64>| {
        let of_ours = causes
            .iter()
            .filter(|(cause, _)| cause.ends_with(": internal"));
        of_ours.map(|(_, count)| count).sum::<u64>()
    };
    let panics = exit.stderr.panics.len() as u64
        + internal(&events.causes)
        + events.of("discrepancy")
        + events.of("observer_failed");
    check(
        "panics and discrepancies",
        match exit.stderr.panics.first() {
            Some(first) => format!("{panics}: {first}"),
            None => panics.to_string(),
        },
        "0".to_owned(),
        panics == 0,
    );
}

/// Whether the last line of the softswitch's log, the counts in its last event and the number of
/// its events agree, and the ledger balances.
fn ledger_holds(process: &ProcessResult) -> bool {
    let (events, stderr) = (&process.exit.events, &process.exit.stderr);
    let counts = ["begun", "refused", "failed", "ready", "closed"];
    let [begun, refused, failed, ready, closed] =
        counts.map(|name| events.count(name).unwrap_or(u64::MAX));
    let kinds = ["accepted", "refused", "handshake_failed", "ready", "closed"];
    let as_events = kinds.map(|kind| events.of(kind));
    let none_left = ["handshaking", "open"].map(|name| events.count(name)) == [Some(0), Some(0)];
    stderr.last.starts_with("ledger: ")
        && stderr.last.ends_with("; balanced")
        && events.violations == 0
        && none_left
        && as_events == [begun, refused, failed, ready, closed]
        && begun == refused + failed + ready
        && ready == closed
}

fn millis(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..10_000 => format!("{millis} ms"),
        millis => format!("{} s", millis / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Events, StderrOutput};
    use crate::failure::Failure;
    use crate::process::Sample;
    use crate::server::{Exit, Snapshot};
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    const SECOND: Duration = Duration::from_secs(1);

    fn snapshot(descriptors: usize, rss: u64) -> Snapshot {
        let cpu = Duration::ZERO;
        Snapshot {
            sample: Sample { cpu, rss },
            descriptors,
        }
    }

    /// A process with two connections, one of which was ready.
    fn process() -> ProcessResult {
        let mut events = Events::default();
        for line in [
            r#"{"event":"accepted","id":1}"#,
            r#"{"event":"accepted","id":2}"#,
            r#"{"event":"handshake_failed","id":2,"cause":"probe"}"#,
            r#"{"event":"ready","id":1}"#,
            r#"{"event":"closed","id":1,"cause":"drain"}"#,
            r#"{"event":"stopped","begun":2,"refused":0,"failed":1,"ready":1,"closed":1,"handshaking":0,"open":0}"#,
        ] {
            events.add(line);
        }
        let mut stderr = StderrOutput::default();
        stderr.add("ledger: begun 2; balanced".to_owned());
        ProcessResult {
            before: snapshot(100, 50_000_000),
            after: snapshot(100, 50_000_000),
            attacked: SECOND,
            exit: Exit {
                status: Some(ExitStatus::from_raw(0)),
                took: 8 * SECOND,
                events,
                stderr,
            },
            registered_again: Some(SECOND),
        }
    }

    /// The names of the checks that fail.
    fn failures(process: &ProcessResult) -> Vec<String> {
        let mut checks = Vec::new();
        check_process(1, process, &mut checks);
        failing(&checks)
    }

    fn failing(checks: &[Check]) -> Vec<String> {
        let failed = checks.iter().filter(|check| !check.holds);
        failed.map(|check| check.what.clone()).collect()
    }

    #[test]
    fn a_process_that_did_everything_right_passes_every_check() {
        assert_eq!(failures(&process()), Vec::<String>::new());
    }

    #[test]
    fn descriptors_may_differ_by_two_percent_in_both_directions() {
        let mut process = process();
        for (after, holds) in [(97, false), (98, true), (102, true), (103, false)] {
            process.after.descriptors = after;
            assert_eq!(failures(&process).is_empty(), holds, "{after}");
        }
    }

    #[test]
    fn memory_may_grow_by_five_mebibytes_and_shrink_by_any_amount() {
        let mut process = process();
        process.after.sample.rss += MAX_MEMORY_GROWTH;
        assert!(failures(&process).is_empty());
        process.after.sample.rss += 1;
        assert_eq!(failures(&process), ["process 1: memory"]);
        process.after.sample.rss = 0;
        assert!(failures(&process).is_empty());
    }

    #[test]
    fn a_drain_that_fails_is_late_or_needs_a_kill_is_told() {
        let failure = ["process 1: drained by SIGTERM"];
        let mut late = process();
        late.exit.took = MAX_DRAIN + Duration::from_millis(1);
        assert_eq!(failures(&late), failure);
        let mut failed = process();
        failed.exit.status = Some(ExitStatus::from_raw(1 << 8));
        assert_eq!(failures(&failed), failure);
        let mut killed = process();
        killed.exit.status = None;
        assert_eq!(failures(&killed), failure);
    }

    #[test]
    fn clients_that_register_late_with_the_next_process_are_told() {
        let mut process = process();
        process.registered_again = Some(REGISTER_TIMEOUT + Duration::from_millis(1));
        let expected = ["process 1: all registered with the next process"];
        assert_eq!(failures(&process), expected);
        process.registered_again = None;
        assert!(failures(&process).is_empty());
    }

    #[test]
    fn the_ledger_must_balance_and_agree_with_the_events() {
        let ledger = ["process 1: ledger"];
        let mut unbalanced = process();
        unbalanced.exit.stderr.last = "ledger: begun 2; NOT balanced".to_owned();
        assert_eq!(failures(&unbalanced), ledger);
        let mut unordered = process();
        unordered.exit.events.violations = 1;
        assert_eq!(failures(&unordered), ledger);
        let mut uncounted = process();
        uncounted.exit.events.kinds.insert("accepted".to_owned(), 3);
        assert_eq!(failures(&uncounted), ledger);
        let mut unstopped = process();
        unstopped.exit.events.stopped = None;
        assert_eq!(failures(&unstopped), ledger);
    }

    #[test]
    fn a_panic_an_internal_cause_and_a_discrepancy_fail_the_same_check() {
        let expected = ["process 1: panics and discrepancies"];
        let mut panicked = process();
        panicked.exit.stderr.panics.push("panicked".to_owned());
        assert_eq!(failures(&panicked), expected);
        let mut internal = process();
        let causes = &mut internal.exit.events.causes;
        causes.insert("closed: internal".to_owned(), 1);
        assert_eq!(failures(&internal), expected);
        let mut discrepancy = process();
        discrepancy.exit.events.add(r#"{"event":"discrepancy"}"#);
        assert_eq!(failures(&discrepancy), expected);
    }

    #[test]
    fn a_request_without_an_answer_fails_unless_a_drain_took_it() {
        let mut measured = Measurements::default();
        let failing = |requests, measured: &Measurements| {
            failing(&check_clients(requests, measured, Duration::ZERO))
        };
        assert!(failing([10, 10, 0], &measured).is_empty());
        assert!(failing([10, 9, 1], &measured).is_empty());
        assert_eq!(failing([10, 9, 0], &measured).len(), 1);
        assert_eq!(failing([0, 0, 0], &measured).len(), 1);
        measured.failures.insert(Failure::Timeout, 1);
        assert_eq!(failing([10, 10, 0], &measured).len(), 1);
    }

    #[test]
    fn an_answer_may_take_a_second_and_the_stall_of_the_machine() {
        let mut measured = Measurements::default();
        measured.latency.saturating_record(1_500_000);
        let failing = |stall| failing(&check_clients([1, 1, 0], &measured, stall));
        assert_eq!(failing(Duration::ZERO), ["longest wait for an answer"]);
        // The histogram has three digits.
        assert!(failing(Duration::from_millis(502)).is_empty());
    }

    #[test]
    fn an_attack_takes_effect_when_it_was_made_and_reported_by_an_allowed_cause() {
        let causes = BTreeMap::from([("closed: reset", 1)]);
        let attack = |count, cause| {
            let allowed = [cause];
            check_attacks([("a", count, &allowed[..])].into_iter(), &causes).holds
        };
        assert!(attack(1, "closed: reset"));
        assert!(!attack(0, "closed: reset"));
        assert!(!attack(1, "closed: framing"));
    }
}
