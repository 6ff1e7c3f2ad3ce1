//! Authenticators that compute no digests.

use std::time::SystemTime;

use crate::switch::{AuthResult, Authenticator};

/// Accounts alice, bob and carol; the right response to any challenge is "right".
pub(super) struct FixedPassword;

impl Authenticator for FixedPassword {
    fn is_open(&self) -> bool {
        false
    }

    fn knows(&self, user: &str) -> bool {
        matches!(user, "alice" | "bob" | "carol")
    }

    fn realm(&self) -> &str {
        "example.com"
    }

    fn challenges(&self, _: SystemTime, stale: bool, md5_only: bool) -> Vec<String> {
        ["SHA-256", "MD5"][usize::from(md5_only)..]
            .iter()
            .map(|name| format!("Digest realm=\"example.com\", algorithm={name}, stale={stale}"))
            .collect()
    }

    fn verify(&mut self, _: &str, credentials: &[&[u8]], _: SystemTime) -> AuthResult {
        let ours = credentials
            .iter()
            .filter_map(|value| str::from_utf8(value).ok())
            .find(|value| value.contains("realm=\"example.com\""));
        let Some(value) = ours else {
            return AuthResult::Missing;
        };
        let user = value
            .split("username=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a user name")
            .to_owned();
        match value {
            _ if value.contains("response=\"right\"") => AuthResult::Authenticated { user },
            _ if value.contains("response=\"old\"") => AuthResult::Stale { user },
            _ => AuthResult::Refused {
                user,
                why: "wrong_password",
            },
        }
    }
}

/// Asks for no credentials; has the accounts of `FixedPassword`.
pub(super) struct NoAuthentication;

impl Authenticator for NoAuthentication {
    fn is_open(&self) -> bool {
        true
    }

    fn knows(&self, user: &str) -> bool {
        FixedPassword.knows(user)
    }

    fn realm(&self) -> &str {
        FixedPassword.realm()
    }

    fn challenges(&self, _: SystemTime, _: bool, _: bool) -> Vec<String> {
        Vec::new()
    }

    fn verify(&mut self, _: &str, _: &[&[u8]], _: SystemTime) -> AuthResult {
        AuthResult::Missing
    }
}
