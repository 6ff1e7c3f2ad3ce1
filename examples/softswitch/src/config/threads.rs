//! The option for the threads that connections run on.

use sipward::Threads;

/// Half of the machine's cores do handshakes. One thread runs the sessions: all of them use the one
/// switch, and several threads would only contend for its lock.
pub fn default_threads() -> Threads {
    match Threads::default() {
        Threads::Dedicated { handshakes, .. } => Threads::Dedicated {
            handshakes,
            sessions: 1,
        },
        other => other,
    }
}

/// Parses `H+S` or `runtime`.
pub fn parse(text: &str) -> Result<Threads, String> {
    if text == "runtime" {
        return Ok(Threads::Runtime);
    }
    let number = |text: &str| {
        text.parse()
            .ok()
            .filter(|number| (1..=1024).contains(number))
    };
    let both = text
        .split_once('+')
        .and_then(|(handshakes, sessions)| Some((number(handshakes)?, number(sessions)?)));
    let (handshakes, sessions) =
        both.ok_or("must be two numbers from 1 to 1024 as in 2+1, or runtime")?;
    Ok(Threads::Dedicated {
        handshakes,
        sessions,
    })
}
