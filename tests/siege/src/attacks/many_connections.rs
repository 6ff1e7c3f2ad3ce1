//! Attacks by number: many connections that send nothing, or as little as possible.

use super::attacker::{Attacker, Tls, reset};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// How many connections are opened between two pauses.
const BATCH: usize = 100;

/// How many silent connections are open at once.
const SILENT_CONNECTIONS: usize = 3000;

/// How many connections that send single bytes are open at once.
const SLOW_CONNECTIONS: usize = 50;

/// The time between two bytes of a connection.
const BYTE_INTERVAL: Duration = Duration::from_millis(100);

/// Opens connections and resets them at once.
pub fn connect_and_reset(attacker: &Attacker) {
    for _ in 0..BATCH {
        if let Ok(stream) = attacker.connect() {
            reset(&stream);
            attacker.count();
        }
    }
    attacker.pause(Duration::from_millis(100));
}

/// Opens thousands of connections that send nothing, and waits until the deadline of most has
/// passed.
pub fn silence(attacker: &Attacker) {
    let mut silent = Vec::with_capacity(SILENT_CONNECTIONS);
    while silent.len() < SILENT_CONNECTIONS && !attacker.must_stop() {
        for _ in 0..BATCH {
            match attacker.connect() {
                Ok(stream) => silent.push(stream),
                Err(_) => break,
            }
            attacker.count();
        }
        attacker.pause(Duration::from_millis(50));
    }
    attacker.pause(Duration::from_secs(5));
}

/// Sends a ClientHello byte by byte.
pub fn slow_hello(attacker: &Attacker) {
    let mut hello = Vec::new();
    let written = attacker
        .target
        .client()
        .is_ok_and(|mut client| client.write_tls(&mut hello).is_ok());
    if !written {
        return attacker.pause(BYTE_INTERVAL);
    }
    let connections = (0..SLOW_CONNECTIONS)
        .filter_map(|_| attacker.connect().ok())
        .collect();
    send_slowly(
        attacker,
        connections,
        &hello,
        |stream: &mut TcpStream, byte| stream.write_all(byte),
    );
}

/// After the handshake, sends a request byte by byte.
pub fn slow_message(attacker: &Attacker) {
    let connections = (0..SLOW_CONNECTIONS)
        .map_while(|_| (!attacker.must_stop()).then(|| attacker.handshake()))
        .filter_map(Result::ok)
        .collect();
    let message = b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKslow";
    send_slowly(attacker, connections, message, |stream: &mut Tls, byte| {
        stream.write_all(byte)
    });
}

fn send_slowly<S>(
    attacker: &Attacker,
    mut connections: Vec<S>,
    bytes: &[u8],
    send: impl Fn(&mut S, &[u8]) -> std::io::Result<()>,
) {
    connections.iter().for_each(|_| attacker.count());
    for byte in bytes {
        if connections.is_empty() || attacker.must_stop() {
            return attacker.pause(BYTE_INTERVAL);
        }
        connections.retain_mut(|stream| send(stream, &[*byte]).is_ok());
        attacker.pause(BYTE_INTERVAL);
    }
}
