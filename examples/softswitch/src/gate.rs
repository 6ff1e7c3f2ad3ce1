//! Digest authentication as the switch asks for it.

use super::digest::{self, Authenticator};
use super::switch::{Gate, Verdict};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

pub struct Digest {
    realm: String,
    authenticator: Arc<Mutex<Authenticator>>,
}

impl Digest {
    /// The accounts may be replaced from outside.
    pub fn new(realm: String, authenticator: Arc<Mutex<Authenticator>>) -> Self {
        Self {
            realm,
            authenticator,
        }
    }

    fn authenticator(&self) -> MutexGuard<'_, Authenticator> {
        lock(&self.authenticator)
    }
}

/// A panic while it was locked has changed nothing by half.
pub fn lock(authenticator: &Mutex<Authenticator>) -> MutexGuard<'_, Authenticator> {
    authenticator.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate for Digest {
    fn is_open(&self) -> bool {
        self.authenticator().accounts().is_open()
    }

    fn knows(&self, user: &str) -> bool {
        self.authenticator().accounts().contains(user)
    }

    fn realm(&self) -> &str {
        &self.realm
    }

    fn challenges(&self, wall: SystemTime, stale: bool, plain: bool) -> Vec<String> {
        self.authenticator().challenges(wall, stale, plain)
    }

    fn verify(
        &mut self,
        method: &str,
        uri: &str,
        credentials: &[&str],
        wall: SystemTime,
    ) -> Verdict {
        match self.authenticator().verify(method, uri, credentials, wall) {
            digest::Verdict::Authenticated { user } => Verdict::Authenticated { user },
            digest::Verdict::Missing => Verdict::Missing,
            digest::Verdict::Stale { user } => Verdict::Stale { user },
            digest::Verdict::Refused { user, why } => Verdict::Refused {
                user,
                why: why.name(),
            },
        }
    }
}
