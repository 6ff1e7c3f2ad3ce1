//! The attacks: a thread for each kind, with source addresses of its own.

mod attacker;
mod closing;
mod content;
mod many_connections;
mod unread_answers;

use crate::target::Target;
use attacker::Attacker;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// One kind of attack.
struct Attack {
    name: &'static str,
    /// Called again and again. Returns within seconds, and soon after the attacker has to stop.
    run: fn(&Attacker),
    /// How the server must have reported it at least once in a siege: one of these.
    causes: &'static [&'static str],
}

const ATTACKS: [Attack; 14] = [
    Attack {
        name: "connect and reset",
        run: many_connections::connect_and_reset,
        causes: &["handshake_failed: probe"],
    },
    Attack {
        name: "silent connections",
        run: many_connections::silence,
        causes: &[
            "handshake_failed: timeout_silent",
            "handshake_failed: cancelled",
        ],
    },
    Attack {
        name: "ClientHello byte by byte",
        run: many_connections::slow_hello,
        causes: &[
            "handshake_failed: timeout_stalled",
            "handshake_failed: peer_closed",
        ],
    },
    Attack {
        name: "message byte by byte",
        run: many_connections::slow_message,
        causes: &[
            "closed: partial_message_timeout",
            "closed: truncated",
            "closed: reset",
        ],
    },
    Attack {
        name: "plaintext",
        run: content::plaintext,
        causes: &["handshake_failed: plaintext"],
    },
    Attack {
        name: "garbage instead of SIP",
        run: content::garbage,
        causes: &["closed: framing"],
    },
    Attack {
        name: "garbage instead of TLS",
        run: content::broken_records,
        causes: &["closed: misbehaved", "handshake_failed: malformed"],
    },
    Attack {
        name: "impossible Content-Length",
        run: content::lengths,
        causes: &["closed: framing"],
    },
    Attack {
        name: "10 MiB without CRLF",
        run: content::long_line,
        causes: &["closed: framing"],
    },
    Attack {
        name: "wrong passwords",
        run: content::wrong_passwords,
        causes: &["closed: peer_closed"],
    },
    Attack {
        name: "pings, pongs unread",
        run: unread_answers::unread_pings,
        causes: &["closed: reset", "closed: write_stalled"],
    },
    Attack {
        name: "OPTIONS, answers unread",
        run: unread_answers::unread_options,
        causes: &["closed: reset", "closed: write_stalled"],
    },
    Attack {
        name: "half-closes",
        run: closing::half_closes,
        causes: &["closed: truncated", "closed: half_closed_timeout"],
    },
    Attack {
        name: "handshake and reset",
        run: closing::resets,
        causes: &["closed: reset", "closed: truncated"],
    },
];

/// The number of attempts of each attack.
pub struct AttackCounts([AtomicU64; ATTACKS.len()]);

/// All attacks, each on a thread of its own.
pub struct RunningAttacks {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl AttackCounts {
    /// No attempts yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(std::array::from_fn(|_| AtomicU64::new(0))))
    }

    /// The name of each attack, its count, and the causes by which the server may have reported it.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64, &'static [&'static str])> {
        ATTACKS
            .iter()
            .zip(&self.0)
            .map(|(attack, count)| (attack.name, count.load(Ordering::Relaxed), attack.causes))
    }
}

impl RunningAttacks {
    /// Starts all attacks.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(target: &Target, counts: &Arc<AttackCounts>) -> io::Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let mut threads = Vec::new();
        for (number, attack) in ATTACKS.iter().enumerate() {
            let attacker = Attacker::new(target.clone(), number, Arc::clone(&stop));
            let counts = Arc::clone(counts);
            let repeat = move || {
                while !attacker.must_stop() {
                    (attack.run)(&attacker);
                    counts.0[number].fetch_add(attacker.take_count(), Ordering::Relaxed);
                }
            };
            let thread = thread::Builder::new().name(format!("attack-{number}"));
            threads.push(thread.spawn(repeat)?);
        }
        Ok(Self { stop, threads })
    }

    /// Stops all attacks, and waits until they have ended.
    ///
    /// # Errors
    /// When an attack has panicked.
    pub fn stop(self) -> io::Result<()> {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            let ended = thread.join();
            ended.map_err(|_| io::Error::other(format!("{name} panicked")))?;
        }
        Ok(())
    }
}
