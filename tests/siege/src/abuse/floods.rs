//! Abuse by not reading: answers pile up until there is no room for them.

use super::field::{Field, reset};
use crate::place::DOMAIN;
use std::io::Write;
use std::time::Duration;

/// Connections of one kind at once.
const CROWD: usize = 8;

/// How long those that say nothing more stay.
const STAY: Duration = Duration::from_secs(3);

/// What is said before a look whether it is over.
const AT_ONCE: usize = 16 * 1024;

/// CRLFCRLF without end, and no pong is read.
pub fn pings(field: &Field) {
    flood(field, &b"\r\n\r\n".repeat(AT_ONCE / 4));
}

/// OPTIONS without end, and no answer is read.
pub fn deaf(field: &Field) {
    let options = format!(
        "OPTIONS sip:{DOMAIN} SIP/2.0\r\n\
         Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKdeaf\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:deaf@{DOMAIN}>;tag=deaf\r\n\
         To: <sip:{DOMAIN}>\r\n\
         Call-ID: deaf\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    flood(field, options.repeat(AT_ONCE / options.len()).as_bytes());
}

fn flood(field: &Field, words: &[u8]) {
    let mut crowd: Vec<_> = (0..CROWD)
        .map_while(|_| (!field.is_over()).then(|| field.shake()))
        .filter_map(Result::ok)
        .collect();
    for stream in &mut crowd {
        let _ = stream
            .sock
            .set_write_timeout(Some(Duration::from_millis(200)));
        field.done();
    }
    let mut talking: Vec<_> = crowd.iter_mut().collect();
    while !talking.is_empty() && !field.is_over() {
        // Who cannot say it any more has said enough: nothing was read all the time.
        talking.retain_mut(|stream| stream.write_all(words).is_ok());
        // A flood at the speed of the machine measures how fast two processes share it.
        field.pause(Duration::from_millis(20));
    }
    field.pause(STAY);
    crowd.iter().for_each(|stream| reset(&stream.sock));
}
