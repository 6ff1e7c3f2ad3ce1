//! Server names that are written unusually are understood; a client whose server name is no host name
//! learns what is wrong with it.

use async_std::task::block_on;
use sipward::{HandshakeCause, ServerNameDefect, TlsPolicy};
use sipward_tests::hello::server::Server;
use sipward_tests::hello::{Hello, SERVER_NAME};
use sipward_tests::peer::{Authority, tcp};
use std::io::{Read, Write};

/// The content type of a handshake record.
const HANDSHAKE: u8 = 22;

/// A policy that is strict and has one more identity, for this name.
fn strict(name: &str) -> TlsPolicy {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["sip.example.com"]);
    let policy = authority.policy();
    policy
        .with_identity(name, chain.as_bytes(), key.as_bytes())
        .unwrap()
        .with_strict_server_names()
}

/// The type of the first record that this server answers this hello with.
async fn answer(server: &Server, hello: &Hello) -> u8 {
    let mut socket = tcp(server.address());
    socket.write_all(&hello.record()).unwrap();
    let mut kind = [0];
    socket.read_exact(&mut kind).unwrap();
    drop(socket);
    server.failure().await;
    kind[0]
}

#[test]
fn upper_case_and_a_dot_at_the_end_make_no_difference_to_which_identity_is_shown() {
    block_on(async {
        for ours in ["sip.example.com", "SIP.example.com", "sip.example.com."] {
            let server = Server::start(strict(ours)).await;
            for theirs in ["sip.example.com", "SIP.Example.COM", "Sip.example.com."] {
                let hello = Hello::with_key().server_name(theirs.as_bytes());
                assert_eq!(answer(&server, &hello).await, HANDSHAKE, "{theirs}");
            }
        }
    });
}

#[test]
fn an_address_is_shown_the_first_identity_as_if_no_name_were_asked_for() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        for address in ["192.0.2.1", "2001:db8::1", "::1"] {
            let hello = Hello::with_key().server_name(address.as_bytes());
            assert_eq!(answer(&server, &hello).await, HANDSHAKE, "{address}");
        }
    });
}

#[test]
fn a_name_with_an_underscore_is_a_host_name() {
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        let hello = Hello::with_key().server_name(b"pbx_dev.example");
        assert_eq!(answer(&server, &hello).await, HANDSHAKE);
    });
}

#[test]
fn a_server_name_that_is_no_host_name_is_named_and_the_peer_hears_that_it_is_the_name() {
    use ServerNameDefect as Defect;
    let rows: [(&[u8], Defect, &str); 12] = [
        (
            b"sip.example.com:5061",
            Defect::Port,
            "sip.example.com:5061",
        ),
        (b"192.0.2.1:5061", Defect::Port, "192.0.2.1:5061"),
        (b"[::1]", Defect::Brackets, "[::1]"),
        (b"[sip.example.com]", Defect::Brackets, "[sip.example.com]"),
        (b"sip:example.com", Defect::Uri, "sip:example.com"),
        (b"alice@example.com", Defect::Uri, "alice@example.com"),
        (b"*.example.com", Defect::Wildcard, "*.example.com"),
        (
            b"b\xc3\xbccher.example",
            Defect::NotAscii,
            r"b\xc3\xbccher.example",
        ),
        (b"sip.example.com ", Defect::Other, "sip.example.com "),
        (b"sip..example.com", Defect::Other, "sip..example.com"),
        (b"192.0.2", Defect::Other, "192.0.2"),
        (b"fe80::1%eth0", Defect::Other, "fe80::1%eth0"),
    ];
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        for (name, defect, shown) in rows {
            for hello in [Hello::with_key(), Hello::old(0x0303)] {
                let (heard, failed) = server.answer(&hello.server_name(name).record()).await;
                let failure = &failed.failure;
                assert_eq!(failure.cause, HandshakeCause::InvalidServerName(defect));
                assert_eq!(failure.evidence.sni.as_deref(), Some(shown));
                assert_eq!(heard, [21, 3, 3, 0, 2, 2, 112], "{shown}");
            }
        }
    });
}

#[test]
fn an_extension_without_one_host_name_is_named_and_the_alert_is_that_of_the_library() {
    use ServerNameDefect as Defect;
    let host: (u8, &[u8]) = (0, b"sip.example.com");
    let hello = Hello::with_key;
    let rows = [
        (hello().server_name(b""), Defect::Empty, 50),
        (hello().with(SERVER_NAME, Vec::new()), Defect::Missing, 50),
        (hello().server_names(&[]), Defect::Missing, 47),
        (hello().server_names(&[(1, b"x")]), Defect::Missing, 47),
        (hello().server_names(&[host, host]), Defect::Several, 50),
    ];
    block_on(async {
        let server = Server::start(Authority::new().policy()).await;
        for (hello, defect, alert) in rows {
            let (heard, failed) = server.answer(&hello.record()).await;
            assert_eq!(
                failed.failure.cause,
                HandshakeCause::InvalidServerName(defect)
            );
            assert_eq!(heard, [21, 3, 3, 0, 2, 2, alert], "{defect:?}");
        }
    });
}
