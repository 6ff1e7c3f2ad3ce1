//! Addresses of loopback for programs that must be told which one to use.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};

/// Another one with each call. Programs that look for a free port of the same address at the same
/// time may find the same one; of these addresses there is one for each program.
pub fn own_address() -> SocketAddr {
    static STARTED: AtomicU8 = AtomicU8::new(2);
    let [.., high, low] = process::id().to_be_bytes();
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let listener = TcpListener::bind((Ipv4Addr::new(127, high, low, number), 0)).unwrap();
    listener.local_addr().unwrap()
}
