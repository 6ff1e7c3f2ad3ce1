//! A relay between a phone and the switch, as a router is: its connections can be cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// Relays on a free port of loopback, until the test ends.
pub struct Relay {
    pub address: SocketAddr,
    target: Arc<OnceLock<SocketAddr>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// Connections wait until [`Relay::leads_to`] has said where they lead.
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap(),
            target: Arc::default(),
            open: Arc::default(),
        };
        let (target, open) = (Arc::clone(&relay.target), Arc::clone(&relay.open));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(target.wait()) else {
                    continue;
                };
                let ends = [(&near, &far), (&far, &near)];
                for (from, to) in ends.map(|(from, to)| (copy(from), copy(to))) {
                    open.lock().unwrap().push(copy(&from));
                    thread::spawn(move || pump(from, to));
                }
            }
        });
        relay
    }

    pub fn leads_to(&self, target: SocketAddr) {
        self.target.set(target).unwrap();
    }

    /// Cuts all connections there are. New ones are relayed.
    pub fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn copy(stream: &TcpStream) -> TcpStream {
    stream.try_clone().unwrap()
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
