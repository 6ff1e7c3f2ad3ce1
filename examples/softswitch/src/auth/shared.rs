//! Implements the switch's [`Authenticator`] by digest authentication.

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
    /// The caller may keep a clone of `authenticator` to replace the accounts later.
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

/// Locks the authenticator, also after a panic: its methods leave it consistent at every point
/// where they can panic.
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

    fn verify(&mut self, method: &str, credentials: &[&[u8]], wall: SystemTime) -> AuthResult {
        match self.authenticator().verify(method, credentials, wall) {
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
