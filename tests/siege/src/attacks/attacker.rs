//! What every attack needs: the server, source addresses, a count, and a signal to stop.

use crate::failure::Failure;
use crate::target::Target;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many source addresses each attack has. A single one would soon be refused for its rate.
const SOURCE_ADDRESSES: u64 = 40;

/// How often a waiting attack checks whether it has to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// One attack at work.
pub struct Attacker {
    pub target: Target,
    number: u8,
    next: AtomicU64,
    done: AtomicU64,
    stop: Arc<AtomicBool>,
}

/// A connection with TLS.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Attacker {
    pub fn new(target: Target, number: usize, stop: Arc<AtomicBool>) -> Self {
        Self {
            target,
            number: number as u8,
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            stop,
        }
    }

    pub fn must_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Waits for this long, or until it has to stop.
    pub fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.must_stop() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }

    /// Counts one attempt.
    pub fn count(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// How many attempts were made since the last call.
    pub fn take_count(&self) -> u64 {
        self.done.swap(0, Ordering::Relaxed)
    }

    /// Opens a TCP connection from the next source address.
    pub fn connect(&self) -> io::Result<TcpStream> {
        self.target.connect(self.source())
    }

    /// Opens a TLS connection from the next source address.
    pub fn handshake(&self) -> Result<Tls, Failure> {
        self.target.handshake(self.source())
    }

    fn source(&self) -> Ipv4Addr {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % SOURCE_ADDRESSES;
        Ipv4Addr::new(127, 66, self.number, turn as u8 + 1)
    }
}

/// Reads until the server closes the connection, or sends nothing for
/// [`IO_TIMEOUT`](crate::target::IO_TIMEOUT).
pub fn read_until_closed(mut stream: impl Read) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// Makes the connection end by RST when it is dropped.
pub fn reset(stream: &TcpStream) {
    // If the option cannot be set, the connection ends by FIN, which also tests the server.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
