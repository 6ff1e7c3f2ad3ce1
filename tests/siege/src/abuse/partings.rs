//! Abuse by leaving.

use super::field::{Field, reset};
use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

/// How many of them at once.
const CROWD: usize = 10;

/// Ends one half and stays: before the handshake, after it, and in the middle of a message; without a
/// goodbye in TLS, and with one.
pub fn half_closes(field: &Field) {
    let mut plain = Vec::new();
    let mut staying = Vec::new();
    for number in 0..CROWD {
        if field.is_over() {
            return;
        }
        if let Ok(stream) = field.connect() {
            let _ = stream.shutdown(Shutdown::Write);
            plain.push(stream);
            field.done();
        }
        if let Ok(mut stream) = field.shake() {
            if number % 2 == 0 {
                let _ = stream.write_all(b"OPTIONS sip:");
            }
            if number % 3 == 0 {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            let _ = stream.sock.shutdown(Shutdown::Write);
            staying.push(stream);
            field.done();
        }
    }
    field.pause(Duration::from_secs(3));
}

/// Shakes hands and is gone by RST.
pub fn resets(field: &Field) {
    if let Ok(stream) = field.shake() {
        reset(&stream.sock);
        field.done();
    }
    field.pause(Duration::from_millis(30));
}
