//! What a person is told about each cause: a hint for the log line, an explanation for a screen.
//! `docs/handshake-failures.md` and `docs/closing-and-refusal.md` are the long form.

mod client;
mod close;
mod handshake;
mod outbound;
mod refusal;
mod server;

#[cfg(test)]
mod tests;

/// What is told about one cause.
#[derive(Clone, Copy)]
struct Advice {
    hint: &'static str,
    explanation: &'static str,
}

const fn advice(hint: &'static str, explanation: &'static str) -> Advice {
    Advice { hint, explanation }
}
