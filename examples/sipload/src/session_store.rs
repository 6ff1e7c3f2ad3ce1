//! A TLS session store that counts the sessions it receives. A server may send its ticket long
//! after the handshake, and sends none if the client closes before; a client that wants to resume
//! must know.

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::{NamedGroup, ServerName};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many servers the store has room for. rustls's store loses the session that it has just
/// stored if this is very small.
const STORE_CAPACITY: usize = 64;

/// A store that counts the sessions it receives.
pub struct SessionStore {
    store: ClientSessionMemoryCache,
    received: AtomicU64,
}

impl Default for SessionStore {
    /// An empty store.
    fn default() -> Self {
        Self {
            store: ClientSessionMemoryCache::new(STORE_CAPACITY),
            received: AtomicU64::new(0),
        }
    }
}

impl SessionStore {
    /// How many sessions it has received.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl ClientSessionStore for SessionStore {
    fn set_kx_hint(&self, server: &ServerName, group: NamedGroup) {
        self.store.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName) -> Option<NamedGroup> {
        self.store.kx_hint(server)
    }

    fn set_tls12_session(&self, server: &ServerName, session: Tls12ClientSessionValue) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.store.set_tls12_session(server, session);
    }

    fn tls12_session(&self, server: &ServerName) -> Option<Tls12ClientSessionValue> {
        self.store.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName) {
        self.store.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: &ServerName, session: Tls13ClientSessionValue) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.store.insert_tls13_ticket(server, session);
    }

    fn take_tls13_ticket(&self, server: &ServerName) -> Option<Tls13ClientSessionValue> {
        self.store.take_tls13_ticket(server)
    }
}
