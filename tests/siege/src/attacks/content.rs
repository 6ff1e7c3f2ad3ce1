//! Attacks by content: what is sent is malformed, of another protocol, or a wrong password.

use super::attacker::{Attacker, Tls, read_until_closed};
use crate::accounts::Accounts;
use crate::identifiers::Identifiers;
use crate::registration::Registration;
use crate::target::DOMAIN;
use std::io::{Read, Write};
use std::time::Duration;

/// How long an attack pauses between two connections.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends SIP, HTTP and noise without TLS.
pub fn plaintext(attacker: &Attacker) {
    let register = format!("REGISTER sip:{DOMAIN} SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    for bytes in [register.as_bytes(), b"GET / HTTP/1.1\r\n\r\n", &NOISE] {
        if let Ok(mut stream) = attacker.connect()
            && stream.write_all(bytes).is_ok()
        {
            attacker.count();
            read_until_closed(stream);
        }
    }
    attacker.pause(PAUSE / 5);
}

/// After the handshake, sends bytes that are not SIP.
pub fn garbage(attacker: &Attacker) {
    send(attacker, |stream| stream.write_all(&NOISE.repeat(16)));
}

/// After the handshake, sends bytes that are not TLS.
pub fn broken_records(attacker: &Attacker) {
    send(attacker, |stream| stream.sock.write_all(&NOISE.repeat(16)));
}

/// Sends impossible values of Content-Length: too long, beyond any integer type, negative, two that
/// differ.
pub fn lengths(attacker: &Attacker) {
    for length in [
        "2147483647",
        "4294967296",
        "99999999999999999999999999",
        "-1",
        "-9223372036854775808",
        "0x10",
        "5\r\nContent-Length: 6",
    ] {
        send(attacker, |stream| {
            write!(
                stream,
                "OPTIONS sip:{DOMAIN} SIP/2.0\r\nContent-Length: {length}\r\n\r\nbody"
            )
        });
    }
}

/// Sends a line of 10 MiB.
pub fn long_line(attacker: &Attacker) {
    send(attacker, |stream| {
        for _ in 0..10 * 1024 / 16 {
            stream.write_all(&[b'a'; 16 * 1024])?;
        }
        Ok(())
    });
}

/// Registers three times with a wrong password, and closes with close_notify.
pub fn wrong_passwords(attacker: &Attacker) {
    let Ok(accounts) = Accounts::new(&["control0:guess".to_owned()], DOMAIN, None) else {
        return attacker.pause(PAUSE);
    };
    if let Ok(mut stream) = attacker.handshake()
        && let Ok(local) = stream.sock.local_addr()
    {
        for _ in 0..3 {
            let ids = Identifiers::new(local.port().into(), 0);
            let mut registration = Registration::new(accounts.of(0), ids, 0);
            registration.set_local(local);
            let _ = try_password(&mut stream, &mut registration);
            attacker.count();
        }
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
    attacker.pause(PAUSE);
}

/// Sends a REGISTER and answers the challenge. Ends with an error when the server has refused.
fn try_password(
    stream: &mut Tls,
    registration: &mut Registration,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    registration.write_request(&mut out);
    let mut framer = sipward::sip::Framer::new(sipward::sip::Limits::default());
    loop {
        stream.write_all(&out)?;
        out.clear();
        let count = stream.read(framer.spare(4096))?;
        framer.filled(count);
        if count == 0 {
            return Ok(());
        }
        while let Some(frame) = framer.next_frame()? {
            if let sipward::sip::Frame::Message(message) = frame {
                registration.receive(&message, &mut out)?;
            }
        }
    }
}

/// Opens a connection with TLS, sends by `write`, and reads until the server closes.
fn send(attacker: &Attacker, write: impl FnOnce(&mut Tls) -> std::io::Result<()>) {
    if attacker.must_stop() {
        return;
    }
    if let Ok(mut stream) = attacker.handshake() {
        // The server should close the connection, perhaps before everything is written.
        let _ = write(&mut stream);
        attacker.count();
        read_until_closed(stream);
    }
    attacker.pause(PAUSE);
}

/// Bytes that begin no message of any protocol.
const NOISE: [u8; 64] = {
    let mut noise = [0; 64];
    let mut at = 0;
    while at < noise.len() {
        noise[at] = (at * 167 + 129) as u8;
        at += 1;
    }
    noise
};
