//! The findings as text.

use super::cause::{self, Explanation};
use super::{Attempt, ConnectionFindings, Findings};
use sipward::Certificate;
use std::fmt::Write;
use time::OffsetDateTime;

/// The column at which the text of a line begins.
const LABEL_WIDTH: usize = 14;
/// The width of a line.
const WIDTH: usize = 98;
/// With fewer days left than this, the certificate should have been renewed.
const RENEWAL_DAYS: i64 = 14;

pub fn render(findings: &Findings) -> String {
    let mut out = format!("{}\n\n", findings.target);
    for (index, step) in findings.resolution.steps.iter().enumerate() {
        line(&mut out, if index == 0 { "DNS" } else { "" }, step);
    }
    if let Err(cause) = &findings.resolution.addresses {
        failed(&mut out, "", "", &cause::of_resolution(cause));
    }
    for attempt in &findings.attempts {
        add_attempt(&mut out, findings, attempt);
    }
    let conclusion = match findings.is_usable() {
        true => "A phone could use this server.",
        false => "A phone could NOT use this server.",
    };
    let _ = write!(out, "\n{conclusion}\n");
    out
}

fn add_attempt(out: &mut String, findings: &Findings, attempt: &Attempt) {
    out.push('\n');
    match &attempt.outcome {
        Ok(connection) => {
            let millis = connection.connect_time.as_millis();
            let text = format!("{} connected in {millis} ms", attempt.address);
            line(out, "TCP", &text);
            add_connection(out, findings, connection);
        }
        Err(connect) => {
            let explanation = cause::of_connect(connect, findings.has_identity);
            if matches!(connect.failure.phase.name(), "resolve" | "connect") {
                failed(out, "TCP", &format!("{} ", attempt.address), &explanation);
                return;
            }
            line(out, "TCP", &format!("{} connected", attempt.address));
            failed(out, "TLS", "", &explanation);
            if let Some(first) = &connect.failure.evidence.first_bytes {
                line(out, "", &format!("it said: {first}"));
            }
            if let Some(expected) = connect.failure.evidence.waiting_for {
                line(
                    out,
                    "",
                    &format!("we were waiting for: {}", expected.name()),
                );
            }
            certificates(out, findings, &connect.chain);
        }
    }
}

fn add_connection(out: &mut String, findings: &Findings, connection: &ConnectionFindings) {
    let tls = &connection.tls;
    let group = tls.group.as_deref().unwrap_or("-");
    let millis = connection.handshake_time.as_millis();
    let agreed = format!(
        "{} {} {group}, in {millis} ms",
        tls.version, tls.cipher_suite
    );
    line(out, "TLS", &agreed);
    if connection.asked_for_certificate {
        let asked = match findings.has_identity {
            true => "asked for our certificate",
            false => "asked for a client certificate; none was given (--cert, --key)",
        };
        line(out, "", asked);
    }
    certificates(out, findings, &connection.certificates);
    match &connection.options {
        Ok(answer) => {
            let software = answer.software.as_deref();
            let software = software.map_or(String::new(), |name| format!(" from {name}"));
            let millis = answer.after.as_millis();
            let text = format!("{}{software}, in {millis} ms", answer.status);
            line(out, "OPTIONS", &text);
        }
        Err(cause) => failed(
            out,
            "OPTIONS",
            "",
            &cause.explanation(findings.has_identity),
        ),
    }
    match &connection.keep_alive {
        Some(Ok(after)) => {
            let text = format!("CRLF pong in {} ms", after.as_millis());
            line(out, "keep-alive", &text);
        }
        Some(Err(cause)) => {
            let explanation = cause.explanation(findings.has_identity);
            line(out, "keep-alive", &format!("none: {}", explanation.name));
            line(out, "", &explanation.remedy);
        }
        None => {}
    }
}

fn certificates(out: &mut String, findings: &Findings, chain: &[Certificate]) {
    let host = &findings.target.host;
    for (index, certificate) in chain.iter().enumerate() {
        let label = if index == 0 { "certificate" } else { "" };
        line(out, label, &printable(&certificate.subject));
        let issuer = printable(&certificate.issuer);
        let days = match findings.days_left(certificate) {
            left if left < 0 => format!("ended {} days ago", -left),
            left if left < RENEWAL_DAYS => format!("only {left} days left"),
            left => format!("{left} days left"),
        };
        let until = OffsetDateTime::from(certificate.not_after).date();
        line(out, "", &format!("by {issuer}; until {until}, {days}"));
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
    line(out, "RFC 5922", &text);
    line(out, "trusted", &findings.trusted);
}

fn failed(out: &mut String, step: &str, what: &str, explanation: &Explanation<'_>) {
    let detail = explanation.detail.as_deref().map(printable);
    let detail = detail.map_or(String::new(), |detail| format!(" ({detail})"));
    let alert = explanation.alert.map_or(String::new(), |alert| {
        let by = if alert.direction.name() == "in" {
            "theirs"
        } else {
            "ours"
        };
        format!(", alert {} ({by})", alert.name)
    });
    let text = format!(
        "{what}FAILED: {}{detail}, phase {}, fault {}{alert}",
        explanation.name, explanation.phase, explanation.fault
    );
    line(out, step, &text);
    line(out, "", &explanation.remedy);
}

/// Appends a line with a label, wrapped at spaces.
fn line(out: &mut String, label: &str, text: &str) {
    let mut label = label;
    let mut rest = text;
    loop {
        let room = WIDTH - LABEL_WIDTH;
        let cut = match rest.char_indices().nth(room) {
            None => rest.len(),
            Some((end, _)) => rest[..end].rfind(' ').unwrap_or(end),
        };
        let (now, later) = rest.split_at(cut);
        let _ = writeln!(out, "  {label:<12}{now}");
        label = "";
        rest = later.trim_start();
        if rest.is_empty() {
            return;
        }
    }
}

/// Replaces control characters, since text of the server must not control the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_wrapped_at_spaces_and_labelled_once() {
        let mut out = String::new();
        line(&mut out, "TLS", &"word ".repeat(30));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  TLS         word") && lines[0].ends_with("word"));
        assert!(lines[1].starts_with("              word"));
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
        assert_eq!(out.matches("word").count(), 30);
    }

    #[test]
    fn a_word_without_spaces_is_cut_at_the_width() {
        let mut out = String::new();
        line(&mut out, "", &"ü".repeat(100));
        assert_eq!(out.lines().count(), 2);
        assert_eq!(out.matches('ü').count(), 100);
    }

    #[test]
    fn control_characters_of_the_server_are_replaced() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n"), "a?[2Jb??");
    }
}
