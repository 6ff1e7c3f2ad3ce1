//! The besiegers: a thread for each kind of abuse, from addresses of its own.

mod content;
mod crowds;
mod field;
mod floods;
mod partings;

use crate::place::Place;
use field::Field;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// One kind of abuse.
struct Abuse {
    name: &'static str,
    /// Done again and again; returns within seconds, soon once the field is over.
    deed: fn(&Field),
    /// What the server must have called it, at least once in a whole siege: one of these.
    called: &'static [&'static str],
}

const ALL: [Abuse; 14] = [
    Abuse {
        name: "connect and reset",
        deed: crowds::storm,
        called: &["handshake_failed: probe"],
    },
    Abuse {
        name: "silent connections",
        deed: crowds::silence,
        called: &[
            "handshake_failed: timeout_silent",
            "handshake_failed: cancelled",
        ],
    },
    Abuse {
        name: "hello in drips",
        deed: crowds::dripping_hello,
        called: &[
            "handshake_failed: timeout_stalled",
            "handshake_failed: peer_closed",
        ],
    },
    Abuse {
        name: "message in drips",
        deed: crowds::dripping_message,
        called: &[
            "closed: partial_message_timeout",
            "closed: truncated",
            "closed: reset",
        ],
    },
    Abuse {
        name: "plaintext",
        deed: content::plaintext,
        called: &["handshake_failed: plaintext"],
    },
    Abuse {
        name: "garbage instead of SIP",
        deed: content::garbage,
        called: &["closed: framing"],
    },
    Abuse {
        name: "garbage instead of TLS",
        deed: content::broken_records,
        called: &["closed: misbehaved", "handshake_failed: malformed"],
    },
    Abuse {
        name: "impossible Content-Length",
        deed: content::lengths,
        called: &["closed: framing"],
    },
    Abuse {
        name: "10 MiB without CRLF",
        deed: content::endless_line,
        called: &["closed: framing"],
    },
    Abuse {
        name: "wrong passwords",
        deed: content::guesses,
        called: &["closed: peer_closed"],
    },
    Abuse {
        name: "pings, pongs unread",
        deed: floods::pings,
        called: &["closed: reset", "closed: write_stalled"],
    },
    Abuse {
        name: "OPTIONS, answers unread",
        deed: floods::deaf,
        called: &["closed: reset", "closed: write_stalled"],
    },
    Abuse {
        name: "half-closes",
        deed: partings::half_closes,
        called: &["closed: truncated", "closed: half_closed_timeout"],
    },
    Abuse {
        name: "handshake and reset",
        deed: partings::resets,
        called: &["closed: reset", "closed: truncated"],
    },
];

/// What each kind has done so far, over all assaults.
pub struct Counts([AtomicU64; ALL.len()]);

/// All kinds at once, until it is called off.
pub struct Assault {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Counts {
    /// Nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(std::array::from_fn(|_| AtomicU64::new(0))))
    }

    /// Each kind with its count and what the server must have called it.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64, &'static [&'static str])> {
        ALL.iter()
            .zip(&self.0)
            .map(|(abuse, count)| (abuse.name, count.load(Ordering::Relaxed), abuse.called))
    }
}

impl Assault {
    /// Begins it.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn begin(place: &Place, counts: &Arc<Counts>) -> io::Result<Self> {
        let over = Arc::<AtomicBool>::default();
        let mut threads = Vec::new();
        for (number, abuse) in ALL.iter().enumerate() {
            let field = Field::new(place.clone(), number, Arc::clone(&over));
            let counts = Arc::clone(counts);
            let besiege = move || {
                while !field.is_over() {
                    (abuse.deed)(&field);
                    counts.0[number].fetch_add(field.take_done(), Ordering::Relaxed);
                }
            };
            let thread = thread::Builder::new().name(format!("abuse-{number}"));
            threads.push(thread.spawn(besiege)?);
        }
        Ok(Self { over, threads })
    }

    /// Calls it off: everybody leaves.
    ///
    /// # Errors
    /// When a besieger has panicked.
    pub fn end(self) -> io::Result<()> {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            let ended = thread.join();
            ended.map_err(|_| io::Error::other(format!("{name} panicked")))?;
        }
        Ok(())
    }
}
