//! Sessions to resume, and whether one has come: a server may send its ticket long after the
//! handshake, or never to a client that parts before.

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::{NamedGroup, ServerName};
use std::sync::atomic::{AtomicU64, Ordering};

/// For fewer than several servers rustls's store forgets the session it just took.
const SERVERS: usize = 64;

/// A store that counts what it is given.
pub struct Tickets {
    store: ClientSessionMemoryCache,
    come: AtomicU64,
}

impl Default for Tickets {
    fn default() -> Self {
        Self::new()
    }
}

impl Tickets {
    /// None has come.
    pub fn new() -> Self {
        Self {
            store: ClientSessionMemoryCache::new(SERVERS),
            come: AtomicU64::new(0),
        }
    }

    /// How many sessions have come that may be resumed.
    pub fn come(&self) -> u64 {
        self.come.load(Ordering::Relaxed)
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, server: &ServerName, group: NamedGroup) {
        self.store.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName) -> Option<NamedGroup> {
        self.store.kx_hint(server)
    }

    fn set_tls12_session(&self, server: &ServerName, session: Tls12ClientSessionValue) {
        self.come.fetch_add(1, Ordering::Relaxed);
        self.store.set_tls12_session(server, session);
    }

    fn tls12_session(&self, server: &ServerName) -> Option<Tls12ClientSessionValue> {
        self.store.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName) {
        self.store.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: &ServerName, session: Tls13ClientSessionValue) {
        self.come.fetch_add(1, Ordering::Relaxed);
        self.store.insert_tls13_ticket(server, session);
    }

    fn take_tls13_ticket(&self, server: &ServerName) -> Option<Tls13ClientSessionValue> {
        self.store.take_tls13_ticket(server)
    }
}
