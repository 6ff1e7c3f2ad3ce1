//! The findings on one screen.

use super::cause::{self, Verdict};
use super::{Attempt, Findings, Visit};
use sipward::Certificate;
use std::fmt::Write;
use time::OffsetDateTime;

/// Where the text of a line begins.
const LABEL: usize = 14;
const WIDTH: usize = 98;
/// Renewals are late below it.
const SHORT: i64 = 14;

pub fn draw(findings: &Findings) -> String {
    let mut screen = format!("{}\n\n", findings.target);
    for (index, step) in findings.resolution.steps.iter().enumerate() {
        line(&mut screen, if index == 0 { "DNS" } else { "" }, step);
    }
    if let Err(cause) = &findings.resolution.addresses {
        failed(&mut screen, "", "", &cause::of_resolution(cause));
    }
    for attempt in &findings.attempts {
        draw_attempt(&mut screen, findings, attempt);
    }
    let verdict = match findings.is_usable() {
        true => "A phone could use this server.",
        false => "A phone could NOT use this server.",
    };
    let _ = write!(screen, "\n{verdict}\n");
    screen
}

fn draw_attempt(screen: &mut String, findings: &Findings, attempt: &Attempt) {
    screen.push('\n');
    match &attempt.outcome {
        Ok(visit) => {
            let millis = visit.connect_time.as_millis();
            let text = format!("{} connected in {millis} ms", attempt.address);
            line(screen, "TCP", &text);
            draw_visit(screen, findings, visit);
        }
        Err(connect) => {
            let verdict = cause::of_connect(connect, findings.has_identity);
            if matches!(connect.failure.phase.name(), "resolve" | "connect") {
                failed(screen, "TCP", &format!("{} ", attempt.address), &verdict);
                return;
            }
            line(screen, "TCP", &format!("{} connected", attempt.address));
            failed(screen, "TLS", "", &verdict);
            if let Some(first) = &connect.failure.evidence.first_bytes {
                line(screen, "", &format!("it said: {first}"));
            }
            if let Some(awaited) = connect.failure.evidence.waiting_for {
                line(
                    screen,
                    "",
                    &format!("we were waiting for: {}", awaited.name()),
                );
            }
            certificates(screen, findings, &connect.chain);
        }
    }
}

fn draw_visit(screen: &mut String, findings: &Findings, visit: &Visit) {
    let tls = &visit.tls;
    let group = tls.group.as_deref().unwrap_or("-");
    let millis = visit.handshake_time.as_millis();
    let agreed = format!(
        "{} {} {group}, in {millis} ms",
        tls.version, tls.cipher_suite
    );
    line(screen, "TLS", &agreed);
    if visit.asked_for_certificate {
        let asked = match findings.has_identity {
            true => "asked for our certificate",
            false => "asked for a client certificate; none was given (--cert, --key)",
        };
        line(screen, "", asked);
    }
    certificates(screen, findings, &visit.certificates);
    match &visit.options {
        Ok(answer) => {
            let software = answer.software.as_deref();
            let software = software.map_or(String::new(), |name| format!(" from {name}"));
            let millis = answer.after.as_millis();
            let text = format!("{}{software}, in {millis} ms", answer.status);
            line(screen, "OPTIONS", &text);
        }
        Err(cause) => failed(screen, "OPTIONS", "", &cause.verdict(findings.has_identity)),
    }
    match &visit.keep_alive {
        Some(Ok(after)) => {
            let text = format!("CRLF pong in {} ms", after.as_millis());
            line(screen, "keep-alive", &text);
        }
        Some(Err(cause)) => {
            let verdict = cause.verdict(findings.has_identity);
            line(screen, "keep-alive", &format!("none: {}", verdict.name));
            line(screen, "", &verdict.remedy);
        }
        None => {}
    }
}

fn certificates(screen: &mut String, findings: &Findings, chain: &[Certificate]) {
    let host = &findings.target.host;
    for (index, certificate) in chain.iter().enumerate() {
        let label = if index == 0 { "certificate" } else { "" };
        line(screen, label, &printable(&certificate.subject));
        let issuer = printable(&certificate.issuer);
        let days = match findings.days_left(certificate) {
            left if left < 0 => format!("ended {} days ago", -left),
            left if left < SHORT => format!("only {left} days left"),
            left => format!("{left} days left"),
        };
        let until = OffsetDateTime::from(certificate.not_after).date();
        line(screen, "", &format!("by {issuer}; until {until}, {days}"));
    }
    let Some(leaf) = chain.first() else { return };
    let sip = match leaf.speaks_for(host) {
        true => format!("speaks for {host}"),
        false => {
            let names = match leaf.identities() {
                names if names.is_empty() => "nobody".to_owned(),
                names => printable(&names.join(", ")),
            };
            format!("does NOT speak for {host}, but for {names}")
        }
    };
    let browser = if leaf.would_serve_https(host) {
        "would"
    } else {
        "would NOT"
    };
    let text = format!("{sip} (a plain HTTPS-style match {browser} have passed)");
    line(screen, "RFC 5922", &text);
    line(screen, "trusted", &findings.trusted);
}

fn failed(screen: &mut String, step: &str, what: &str, verdict: &Verdict<'_>) {
    let detail = verdict.detail.as_deref().map(printable);
    let detail = detail.map_or(String::new(), |detail| format!(" ({detail})"));
    let alert = verdict.alert.map_or(String::new(), |alert| {
        let by = if alert.direction.name() == "in" {
            "theirs"
        } else {
            "ours"
        };
        format!(", alert {} ({by})", alert.name)
    });
    let text = format!(
        "{what}FAILED: {}{detail}, phase {}, fault {}{alert}",
        verdict.name, verdict.phase, verdict.fault
    );
    line(screen, step, &text);
    line(screen, "", &verdict.remedy);
}

/// A labelled line, broken at words.
fn line(screen: &mut String, label: &str, text: &str) {
    let mut label = label;
    let mut rest = text;
    loop {
        let room = WIDTH - LABEL;
        let cut = match rest.char_indices().nth(room) {
            None => rest.len(),
            Some((end, _)) => rest[..end].rfind(' ').unwrap_or(end),
        };
        let (now, later) = rest.split_at(cut);
        let _ = writeln!(screen, "  {label:<12}{now}");
        label = "";
        rest = later.trim_start();
        if rest.is_empty() {
            return;
        }
    }
}

/// What a stranger wrote must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
