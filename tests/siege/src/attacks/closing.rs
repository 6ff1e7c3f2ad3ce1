//! Attacks by the way of closing.

use super::attacker::{Attacker, reset};
use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

/// How many connections of each kind are open at once.
const CONNECTIONS: usize = 10;

/// Shuts down the sending side and keeps the connection: before the handshake, after it, and in the
/// middle of a message; with close_notify and without.
pub fn half_closes(attacker: &Attacker) {
    let mut plain = Vec::new();
    let mut staying = Vec::new();
    for number in 0..CONNECTIONS {
        if attacker.must_stop() {
            return;
        }
        if let Ok(stream) = attacker.connect() {
            let _ = stream.shutdown(Shutdown::Write);
            plain.push(stream);
            attacker.count();
        }
        if let Ok(mut stream) = attacker.handshake() {
            if number % 2 == 0 {
                let _ = stream.write_all(b"OPTIONS sip:");
            }
            if number % 3 == 0 {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            let _ = stream.sock.shutdown(Shutdown::Write);
            staying.push(stream);
            attacker.count();
        }
    }
    attacker.pause(Duration::from_secs(3));
}

/// Resets the connection after the handshake.
pub fn resets(attacker: &Attacker) {
    if let Ok(stream) = attacker.handshake() {
        reset(&stream.sock);
        attacker.count();
    }
    attacker.pause(Duration::from_millis(30));
}
