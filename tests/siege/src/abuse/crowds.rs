//! Abuse by number: many connections that do nothing, or as little as possible.

use super::field::{Field, Tls, reset};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// Connections of one storm.
const STORM: usize = 100;

/// Silent connections at once.
const SILENT: usize = 3000;

/// Dripping connections at once.
const DRIPPING: usize = 50;

/// From one drip to the next.
const DRIP: Duration = Duration::from_millis(100);

/// A hundred connections that are reset at once.
pub fn storm(field: &Field) {
    for _ in 0..STORM {
        if let Ok(stream) = field.connect() {
            reset(&stream);
            field.done();
        }
    }
    field.pause(Duration::from_millis(100));
}

/// Thousands of connections that say nothing, until their deadline has passed for most.
pub fn silence(field: &Field) {
    let mut silent = Vec::with_capacity(SILENT);
    while silent.len() < SILENT && !field.is_over() {
        for _ in 0..STORM {
            match field.connect() {
                Ok(stream) => silent.push(stream),
                Err(_) => break,
            }
            field.done();
        }
        field.pause(Duration::from_millis(50));
    }
    field.pause(Duration::from_secs(5));
}

/// ClientHellos of which a byte comes now and then.
pub fn dripping_hello(field: &Field) {
    let mut hello = Vec::new();
    let written = field
        .place
        .client()
        .is_ok_and(|mut client| client.write_tls(&mut hello).is_ok());
    if !written {
        return field.pause(DRIP);
    }
    let crowd = (0..DRIPPING).filter_map(|_| field.connect().ok()).collect();
    drip(field, crowd, &hello, |stream: &mut TcpStream, byte| {
        stream.write_all(byte)
    });
}

/// Requests of which a byte comes now and then.
pub fn dripping_message(field: &Field) {
    let crowd = (0..DRIPPING)
        .map_while(|_| (!field.is_over()).then(|| field.shake()))
        .filter_map(Result::ok)
        .collect();
    let message = b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKdrip";
    drip(field, crowd, message, |stream: &mut Tls, byte| {
        stream.write_all(byte)
    });
}

fn drip<S>(
    field: &Field,
    mut crowd: Vec<S>,
    bytes: &[u8],
    say: impl Fn(&mut S, &[u8]) -> std::io::Result<()>,
) {
    crowd.iter().for_each(|_| field.done());
    for byte in bytes {
        if crowd.is_empty() || field.is_over() {
            return field.pause(DRIP);
        }
        crowd.retain_mut(|stream| say(stream, &[*byte]).is_ok());
        field.pause(DRIP);
    }
}
