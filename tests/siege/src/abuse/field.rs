//! What every besieger needs: the place, addresses to come from, and when to leave.

use crate::failure::Failure;
use crate::place::Place;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many addresses each kind of abuse has: one alone would soon be refused for its rate.
const ADDRESSES: u64 = 40;

/// How often somebody who waits looks whether it is over.
const GLANCE: Duration = Duration::from_millis(20);

/// The field of one kind of abuse.
pub struct Field {
    pub place: Place,
    number: u8,
    next: AtomicU64,
    done: AtomicU64,
    over: Arc<AtomicBool>,
}

/// A connection that has shaken hands.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Field {
    pub fn new(place: Place, number: usize, over: Arc<AtomicBool>) -> Self {
        Self {
            place,
            number: number as u8,
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            over,
        }
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Waits, but not beyond the end.
    pub fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(GLANCE));
        }
    }

    /// One more abuse is done.
    pub fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were done since the last look.
    pub fn take_done(&self) -> u64 {
        self.done.swap(0, Ordering::Relaxed)
    }

    /// A TCP connection from the next of its addresses.
    pub fn connect(&self) -> io::Result<TcpStream> {
        self.place.connect(self.source())
    }

    /// The same with a handshake.
    pub fn shake(&self) -> Result<Tls, Failure> {
        self.place.shake(self.source())
    }

    fn source(&self) -> Ipv4Addr {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % ADDRESSES;
        Ipv4Addr::new(127, 66, self.number, turn as u8 + 1)
    }
}

/// Hears the server out, until it hangs up or says nothing for too long.
pub fn hear_out(mut stream: impl Read) {
    let mut heard = [0; 4096];
    while stream.read(&mut heard).is_ok_and(|count| count > 0) {}
}

/// Leaves by RST.
pub fn reset(stream: &TcpStream) {
    // Without it the connection ends by FIN, which is abuse enough.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
