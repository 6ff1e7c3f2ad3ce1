//! OpenSSL, which owes nothing to our TLS, agrees with the certificate and the versions.

use sipward_tests::peer;
use sipward_tests::real::own_address::own_address;
use sipward_tests::real::program::{Program, command};
use sipward_tests::real::scratch::Scratch;
use sipward_tests::real::switch::Softswitch;
use std::net::SocketAddr;
use std::path::Path;

/// A client that shakes hands and leaves; it refuses a certificate it cannot verify.
fn s_client(address: SocketAddr, authority: &Path, options: &[&str]) -> Program {
    let mut openssl = command("openssl");
    openssl
        .args(["s_client", "-brief", "-verify_return_error"])
        .args(["-connect", &address.to_string(), "-CAfile"])
        .arg(authority)
        .args(options);
    let mut client = Program::tool("openssl", &mut openssl);
    client.end_input();
    client
}

/// Shakes hands, verified, and says with which version.
#[track_caller]
fn version(switch: &Softswitch, options: &[&str]) -> String {
    let mut client = s_client(switch.address, &switch.authority(), options);
    client.succeeds();
    let version = client.complains("Protocol version: ");
    client.complains("Verification: OK");
    version
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn chain_and_names_verify_with_both_versions() {
    let switch = Softswitch::start(&["--no-auth", "--domain", "sip.example.org"]);
    let by_address = ["-verify_ip", "127.0.0.1"];
    let by_name = ["-servername", "localhost", "-verify_hostname", "localhost"];
    let domain = "sip.example.org";
    let by_domain = ["-servername", domain, "-verify_hostname", domain];
    assert_eq!(version(&switch, &by_address), "TLSv1.3");
    assert_eq!(version(&switch, &by_name), "TLSv1.3");
    assert_eq!(version(&switch, &by_domain), "TLSv1.3");
    let older = [&by_name[..], &["-tls1_2"]].concat();
    assert_eq!(version(&switch, &older), "TLSv1.2");

    let ready = switch.events.wait_for(4, "ready");
    let seen: Vec<_> = ready
        .iter()
        .map(|line| (line.text("sni"), line.text("version")))
        .collect();
    let wanted = [
        ("", "TLSv1.3"),
        ("localhost", "TLSv1.3"),
        (domain, "TLSv1.3"),
        ("localhost", "TLSv1.2"),
    ];
    assert_eq!(seen, wanted);
    switch.events.wait_for(4, "closed");
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_client_that_does_not_trust_it_is_reported_with_its_address() {
    let switch = Softswitch::start(&["--no-auth"]);
    let strangers = Scratch::new();
    let stranger = strangers.write("ca.crt", &peer::Authority::new().certificate.pem());
    for (count, tls) in [(1, "-tls1_3"), (2, "-tls1_2")] {
        let bound = own_address().to_string();
        let mut client = s_client(switch.address, &stranger, &[tls, "-bind", &bound]);
        assert!(!client.ends().success());
        let failed = switch.events.wait_for(count, "handshake_failed");
        let failed = &failed[count - 1];
        let distrusted = ["rejected_by_peer", "peer_left_after_certificate"];
        assert!(distrusted.contains(&failed.text("cause")), "{}", failed.0);
        assert_eq!(failed.text("peer"), bound, "{}", failed.0);
    }
    switch.stop();
}

#[test]
#[ignore = "needs sip-tester, socat, baresip-core, openssl"]
fn a_client_that_wants_another_name_leaves() {
    let switch = Softswitch::start(&["--no-auth"]);
    let options = ["-verify_hostname", "sip.example.org"];
    let mut client = s_client(switch.address, &switch.authority(), &options);
    assert!(!client.ends().success());
    let failed = &switch.events.wait_for(1, "handshake_failed")[0];
    assert_eq!(failed.text("cause"), "rejected_by_peer");
    switch.stop();
}
