//! Server names that are written unusually are understood; a client whose server name is no host name
//! learns what is wrong with it.

use async_std::task::block_on;
use sipward::TlsPolicy;
use sipward_tests::hello::Hello;
use sipward_tests::hello::server::Server;
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
        .identity(name, chain.as_bytes(), key.as_bytes())
        .unwrap()
        .strict_server_names()
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
