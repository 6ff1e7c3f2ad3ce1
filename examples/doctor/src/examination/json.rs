//! The findings as JSON.

use super::cause::{self, Explanation};
use super::{Attempt, ConnectionFindings, Findings};
use serde_json::{Value, json};
use sipward::Certificate;
use std::time::{Duration, SystemTime};

pub fn object(findings: &Findings) -> Value {
    let resolution = &findings.resolution;
    let (addresses, failure) = match &resolution.addresses {
        Ok(addresses) => (
            addresses.iter().map(ToString::to_string).collect(),
            Value::Null,
        ),
        Err(cause) => (Vec::new(), failure(&cause::of_resolution(cause))),
    };
    let attempts = findings.attempts.iter();
    json!({
        "target": findings.target.to_string(),
        "usable": findings.is_usable(),
        "trusted": findings.trusted,
        "resolution": {
            "steps": resolution.steps,
            "addresses": addresses,
            "failure": failure,
        },
        "attempts": attempts.map(|attempt| of_attempt(findings, attempt)).collect::<Vec<_>>(),
    })
}

fn of_attempt(findings: &Findings, attempt: &Attempt) -> Value {
    let address = attempt.address.to_string();
    match &attempt.outcome {
        Ok(connection) => of_connection(findings, &address, connection),
        Err(connect) => json!({
            "address": address,
            "failure": failure(&cause::of_connect(connect, findings.has_identity)),
            "elapsed_ms": millis(connect.elapsed),
            "first_bytes": connect.failure.evidence.first_bytes,
            "waiting_for": connect.failure.evidence.waiting_for.map(|expected| expected.name()),
            "unacknowledged": connect.failure.evidence.unacknowledged,
            "version": connect.failure.evidence.version,
            "asked_for_certificate": connect.asked_for_certificate,
            "certificates": certificates(findings, &connect.chain),
        }),
    }
}

fn of_connection(findings: &Findings, address: &str, connection: &ConnectionFindings) -> Value {
    let options = match &connection.options {
        Ok(answer) => json!({
            "status": answer.status,
            "software": answer.software,
            "elapsed_ms": millis(answer.after),
        }),
        Err(cause) => json!({ "failure": failure(&cause.explanation(findings.has_identity)) }),
    };
    let keep_alive = match &connection.keep_alive {
        None => Value::Null,
        Some(Ok(after)) => json!({ "pong": true, "elapsed_ms": millis(*after) }),
        Some(Err(cause)) => json!({
            "pong": false,
            "failure": failure(&cause.explanation(findings.has_identity)),
        }),
    };
    json!({
        "address": address,
        "failure": null,
        "connect_ms": millis(connection.connect_time),
        "handshake_ms": millis(connection.handshake_time),
        "version": connection.tls.version,
        "cipher_suite": connection.tls.cipher_suite,
        "group": connection.tls.group,
        "asked_for_certificate": connection.asked_for_certificate,
        "certificates": certificates(findings, &connection.certificates),
        "options": options,
        "keep_alive": keep_alive,
    })
}

fn certificates(findings: &Findings, chain: &[Certificate]) -> Vec<Value> {
    let host = &findings.target.host;
    let seconds = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    };
    let described = chain.iter().map(|certificate| {
        json!({
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "not_before": seconds(certificate.not_before),
            "not_after": seconds(certificate.not_after),
            "days_left": findings.days_left(certificate),
            "identities": certificate.identities(),
            "speaks_for_domain": certificate.speaks_for(host),
            "https_style_match": certificate.would_serve_https(host),
            "fingerprint": certificate.fingerprint,
        })
    });
    described.collect()
}

fn failure(explanation: &Explanation<'_>) -> Value {
    json!({
        "cause": explanation.name,
        "detail": explanation.detail,
        "phase": explanation.phase,
        "fault": explanation.fault,
        "alert": explanation.alert.map(|alert| &*alert.name),
        "alert_direction": explanation.alert.map(|alert| alert.direction.name()),
        "remedy": explanation.remedy,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
