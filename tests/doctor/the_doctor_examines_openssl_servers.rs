//! The doctor says of `openssl s_server` what is wrong with it.

use sipward_tests::doctor::{Folder, LOCAL, complaint, findings, hurried, named, settings};
use sipward_tests::server::{Authority, Pair, self_signed};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

#[async_std::test]
#[ignore = "needs openssl"]
async fn openssl_with_bad_certificates_is_told_apart() {
    let authority = Authority::new();
    let cases = [
        (authority.expired(&[LOCAL]), "server_certificate_expired"),
        (
            authority.issue(&["sip.example.com"]),
            "server_certificate_wrong_identity",
        ),
        (
            self_signed(&[LOCAL], false),
            "server_certificate_unknown_issuer",
        ),
        (
            self_signed(&[LOCAL], true),
            "server_certificate_unknown_issuer",
        ),
    ];
    for (pair, cause) in cases {
        for version in ["-tls1_3", "-tls1_2"] {
            let openssl = OpenSsl::serve(&pair, &[version]);
            let failure = complaint(openssl.address, &settings(authority.anchors())).await;
            assert!(named(cause, "negotiation")(&failure), "{failure}");
        }
    }
}

#[async_std::test]
#[ignore = "needs openssl"]
async fn openssl_that_demands_a_certificate_is_explained() {
    let authority = Authority::new();
    let folder = Folder::new();
    let ca = folder.file("ca.pem", authority.pem());
    for version in ["-tls1_3", "-tls1_2"] {
        let demand = [
            version,
            "-Verify",
            "1",
            "-verify_return_error",
            "-CAfile",
            &ca,
        ];
        let openssl = OpenSsl::serve(&authority.issue(&[LOCAL]), &demand);
        let found = findings(openssl.address, &settings(authority.anchors()))
            .await
            .json();
        let attempt = &found["attempts"][0];
        let failure = match attempt["failure"].is_null() {
            true => &attempt["options"]["failure"],
            false => &attempt["failure"],
        };
        assert!(
            named("rejected_by_peer", "client_auth")(failure),
            "{failure}"
        );
        assert!(
            failure["remedy"].as_str().unwrap().contains("--cert"),
            "{failure}"
        );
    }
}

#[async_std::test]
#[ignore = "needs openssl"]
async fn openssl_too_old_for_us_is_a_version_mismatch() {
    let authority = Authority::new();
    let old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let openssl = OpenSsl::serve(&authority.issue(&[LOCAL]), &old);
    let failure = complaint(openssl.address, &settings(authority.anchors())).await;
    assert!(named("version_mismatch", "hello")(&failure), "{failure}");
}

#[async_std::test]
#[ignore = "needs openssl"]
async fn openssl_that_is_stopped_is_a_silent_port() {
    let authority = Authority::new();
    let openssl = OpenSsl::serve(&authority.issue(&[LOCAL]), &[]);
    let stop = ["-STOP", &openssl.child.id().to_string()];
    assert!(Command::new("kill").args(stop).status().unwrap().success());
    let failure = complaint(openssl.address, &hurried(&authority)).await;
    assert!(named("timeout_silent", "hello")(&failure), "{failure}");
}

#[async_std::test]
#[ignore = "needs openssl"]
async fn openssl_with_a_good_certificate_is_tls_without_sip() {
    let authority = Authority::new();
    let openssl = OpenSsl::serve(&authority.issue(&[LOCAL]), &[]);
    let findings = findings(openssl.address, &hurried(&authority)).await;
    assert!(!findings.is_usable());
    let found = findings.json();
    let failure = &found["attempts"][0]["options"]["failure"];
    assert!(
        named("first_message_timeout", "established")(failure),
        "{failure}"
    );
}

/// `openssl s_server` on a port of its own; killed with this.
struct OpenSsl {
    child: Child,
    address: SocketAddr,
    _folder: Folder,
}

impl OpenSsl {
    fn serve(pair: &Pair, options: &[&str]) -> Self {
        let folder = Folder::new();
        let (cert, key) = (
            folder.file("cert.pem", &pair.chain),
            folder.file("key.pem", &pair.key),
        );
        let mut child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-cert",
                &cert,
                "-key",
                &key,
            ])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| line.unwrap().strip_prefix("ACCEPT ")?.parse().ok())
            .unwrap();
        // What it prints later must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address,
            _folder: folder,
        }
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
