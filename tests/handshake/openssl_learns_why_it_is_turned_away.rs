//! The `openssl` command line as a client that cannot be served: the event names the cause, and the
//! alert that openssl prints is the right one.

use async_std::task::block_on;
use sipward::{Event, EventKind};
use sipward_tests::peer::{bed, in_time};
use std::process::{Command, Stdio};

/// Runs `openssl s_client` with these arguments: the cause of the failure, the alert in its event,
/// and what openssl said.
fn turned_away(arguments: &[&str]) -> (String, String, String) {
    block_on(async {
        let bed = bed().await;
        let output = Command::new("openssl")
            .args(["s_client", "-connect", &bed.address().to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("openssl is missing: install Debian's package openssl");
        let failed = in_time(bed.events.next_of(EventKind::HandshakeFailed)).await;
        let Event::HandshakeFailed(failed) = failed else {
            unreachable!()
        };
        let alert = failed.failure.evidence.alert.as_ref();
        (
            failed.failure.cause.name().to_owned(),
            alert.map_or(String::new(), |alert| alert.name.to_string()),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    })
}

#[track_caller]
fn check(arguments: &[&str], cause: &str, alert: &str, words: &str) {
    let (seen, sent, said) = turned_away(arguments);
    assert_eq!((seen.as_str(), sent.as_str()), (cause, alert), "{said}");
    assert!(said.contains(words), "{said}");
}

#[test]
#[ignore = "needs openssl"]
fn one_too_old_hears_protocol_version() {
    check(
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        "version_mismatch",
        "protocol_version",
        "alert protocol version",
    );
}

#[test]
#[ignore = "needs openssl"]
fn one_without_a_common_suite_hears_handshake_failure() {
    check(
        &["-tls1_2", "-cipher", "AES128-SHA"],
        "no_common_cipher",
        "handshake_failure",
        "alert handshake failure",
    );
}

#[test]
#[ignore = "needs openssl"]
fn one_without_a_common_group_hears_handshake_failure() {
    check(
        &["-tls1_3", "-groups", "P-521"],
        "no_common_group",
        "handshake_failure",
        "alert handshake failure",
    );
}

#[test]
#[ignore = "needs openssl"]
fn one_that_takes_rsa_alone_hears_handshake_failure() {
    check(
        &["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"],
        "no_common_signature",
        "handshake_failure",
        "alert handshake failure",
    );
}

#[test]
#[ignore = "needs openssl"]
fn one_whose_server_name_has_a_port_hears_unrecognized_name() {
    check(
        &["-servername", "sip.example.com:5061"],
        "invalid_server_name",
        "unrecognized_name",
        "unrecognized name",
    );
}

#[test]
#[ignore = "needs openssl"]
fn one_that_does_not_trust_us_is_said_to_reject_us() {
    let stranger = format!("sipward-stranger-{}.pem", std::process::id());
    let stranger = std::env::temp_dir().join(stranger);
    let unrelated = rcgen::generate_simple_self_signed(["stranger".to_owned()]).unwrap();
    std::fs::write(&stranger, unrelated.cert.pem()).unwrap();
    let file = stranger.to_str().unwrap();
    let (cause, alert, said) = turned_away(&["-tls1_3", "-verify_return_error", "-CAfile", file]);
    std::fs::remove_file(&stranger).unwrap();
    assert_eq!(
        (cause.as_str(), alert.as_str()),
        ("rejected_by_peer", "unknown_ca"),
        "{said}"
    );
}
