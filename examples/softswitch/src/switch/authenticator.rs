//! Who may come in: the question the switch asks, answered elsewhere (digest, RFC 3261 22).

use std::time::SystemTime;

/// Checks credentials against the accounts.
pub trait Authenticator: Send {
    /// Whether nobody is asked for credentials.
    fn is_open(&self) -> bool;

    /// Whether there is such an account.
    fn knows(&self, user: &str) -> bool;

    /// The realm in the challenges; credentials for it are never forwarded.
    fn realm(&self) -> &str;

    /// Values for WWW-Authenticate or Proxy-Authenticate, the preferred one first; `plain` for a
    /// phone that gives up when one is among them that it does not know.
    fn challenges(&self, wall: SystemTime, stale: bool, md5_only: bool) -> Vec<String>;

    /// Judges the values of all Authorization or Proxy-Authorization headers of one request.
    fn verify(
        &mut self,
        method: &str,
        uri: &str,
        credentials: &[&str],
        wall: SystemTime,
    ) -> AuthResult;
}

/// What the credentials of a request are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthResult {
    Authenticated {
        user: String,
    },
    /// None were given for our realm.
    Missing,
    /// Right, but for a nonce that is too old.
    Stale {
        user: String,
    },
    Refused {
        user: String,
        why: &'static str,
    },
}
