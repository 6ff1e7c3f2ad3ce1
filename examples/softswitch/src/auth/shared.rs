//! Digest authentication as the switch asks for it.

use super::digest::{DigestAuthenticator, DigestResult};
use crate::switch::{AuthResult, Authenticator};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The accounts and nonces, shared with the task that reads the accounts again.
pub struct SharedAuthenticator {
    realm: String,
    authenticator: Arc<Mutex<DigestAuthenticator>>,
}

impl SharedAuthenticator {
    /// The accounts may be replaced from outside.
    pub fn new(realm: String, authenticator: Arc<Mutex<DigestAuthenticator>>) -> Self {
        Self {
            realm,
            authenticator,
        }
    }

    fn authenticator(&self) -> MutexGuard<'_, DigestAuthenticator> {
        lock(&self.authenticator)
    }
}

/// A panic while it was locked has changed nothing by half.
pub fn lock(authenticator: &Mutex<DigestAuthenticator>) -> MutexGuard<'_, DigestAuthenticator> {
    authenticator.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Authenticator for SharedAuthenticator {
    fn is_open(&self) -> bool {
        self.authenticator().accounts().is_open()
    }

    fn knows(&self, user: &str) -> bool {
        self.authenticator().accounts().contains(user)
    }

    fn realm(&self) -> &str {
        &self.realm
    }

    fn challenges(&self, wall: SystemTime, stale: bool, md5_only: bool) -> Vec<String> {
        self.authenticator().challenges(wall, stale, md5_only)
    }

    fn verify(
        &mut self,
        method: &str,
        uri: &str,
        credentials: &[&str],
        wall: SystemTime,
    ) -> AuthResult {
        match self.authenticator().verify(method, uri, credentials, wall) {
            DigestResult::Authenticated { user } => AuthResult::Authenticated { user },
            DigestResult::Missing => AuthResult::Missing,
            DigestResult::Stale { user } => AuthResult::Stale { user },
            DigestResult::Refused { user, why } => AuthResult::Refused {
                user,
                why: why.name(),
            },
        }
    }
}
