//! Abuse by what is said.

use super::field::{Field, Tls, hear_out};
use crate::accounts::Accounts;
use crate::names::Names;
use crate::place::DOMAIN;
use crate::registration::Registration;
use std::io::{Read, Write};
use std::time::Duration;

/// From one to the next of a kind.
const PAUSE: Duration = Duration::from_millis(50);

/// SIP, HTTP and nonsense without TLS.
pub fn plaintext(field: &Field) {
    let register = format!("REGISTER sip:{DOMAIN} SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    for said in [register.as_bytes(), b"GET / HTTP/1.1\r\n\r\n", &NOISE] {
        if let Ok(mut stream) = field.connect()
            && stream.write_all(said).is_ok()
        {
            field.done();
            hear_out(stream);
        }
    }
    field.pause(PAUSE / 5);
}

/// After the handshake, bytes that are no SIP.
pub fn garbage(field: &Field) {
    say(field, |stream| stream.write_all(&NOISE.repeat(16)));
}

/// After the handshake, bytes that are no TLS.
pub fn broken_records(field: &Field) {
    say(field, |stream| stream.sock.write_all(&NOISE.repeat(16)));
}

/// Bodies that cannot be: too long, longer than numbers are, of negative length, of two lengths.
pub fn lengths(field: &Field) {
    for length in [
        "2147483647",
        "4294967296",
        "99999999999999999999999999",
        "-1",
        "-9223372036854775808",
        "0x10",
        "5\r\nContent-Length: 6",
    ] {
        say(field, |stream| {
            write!(
                stream,
                "OPTIONS sip:{DOMAIN} SIP/2.0\r\nContent-Length: {length}\r\n\r\nbody"
            )
        });
    }
}

/// 10 MiB of one line.
pub fn endless_line(field: &Field) {
    say(field, |stream| {
        for _ in 0..10 * 1024 / 16 {
            stream.write_all(&[b'a'; 16 * 1024])?;
        }
        Ok(())
    });
}

/// A password that is not the account's, three times, and a goodbye.
pub fn guesses(field: &Field) {
    let Ok(accounts) = Accounts::new(&["good0:guess".to_owned()], DOMAIN, None) else {
        return field.pause(PAUSE);
    };
    if let Ok(mut stream) = field.shake()
        && let Ok(local) = stream.sock.local_addr()
    {
        for _ in 0..3 {
            let names = Names::new(local.port().into(), 0);
            let mut guess = Registration::new(accounts.of(0), names, 0);
            guess.moved_to(local);
            let _ = try_password(&mut stream, &mut guess);
            field.done();
        }
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
    field.pause(PAUSE);
}

/// Until the server has refused for good.
fn try_password(
    stream: &mut Tls,
    guess: &mut Registration,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    guess.ask(&mut out);
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
                guess.heard(&message, &mut out)?;
            }
        }
    }
}

/// Shakes hands, says it and hears what becomes of it.
fn say(field: &Field, words: impl FnOnce(&mut Tls) -> std::io::Result<()>) {
    if field.is_over() {
        return;
    }
    if let Ok(mut stream) = field.shake() {
        // The server may have hung up in the middle, as it should.
        let _ = words(&mut stream);
        field.done();
        hear_out(stream);
    }
    field.pause(PAUSE);
}

/// Nothing that any protocol begins with.
const NOISE: [u8; 64] = {
    let mut noise = [0; 64];
    let mut at = 0;
    while at < noise.len() {
        noise[at] = (at * 167 + 129) as u8;
        at += 1;
    }
    noise
};
