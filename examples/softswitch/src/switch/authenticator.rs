//! The interface through which the switch authenticates requests (digest, RFC 3261 22).

use std::time::SystemTime;

/// Checks credentials against the accounts.
pub trait Authenticator: Send {
    /// Whether all requests are admitted without credentials.
    fn is_open(&self) -> bool;

    /// Whether there is an account of this name.
    fn knows(&self, user: &str) -> bool;

    /// The realm in the challenges. Credentials for it are never forwarded.
    fn realm(&self) -> &str;

    /// Values for WWW-Authenticate or Proxy-Authenticate, the preferred one first. `md5_only` is
    /// for a phone that gives up if it does not know one of several algorithms.
    fn challenges(&self, wall: SystemTime, stale: bool, md5_only: bool) -> Vec<String>;

    /// Checks the values of all Authorization or Proxy-Authorization headers of one request. The
    /// response is computed with the `uri` that stands in them; it need not be the Request-URI
    /// (RFC 3261 22.4).
    fn verify(&mut self, method: &str, credentials: &[&[u8]], wall: SystemTime) -> AuthResult;
}

/// The result of checking the credentials of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthResult {
    Authenticated {
        user: String,
    },
    /// There are no credentials for our realm.
    Missing,
    /// The password is right, but the nonce is too old.
    Stale {
        user: String,
    },
    Refused {
        user: String,
        why: &'static str,
    },
}
