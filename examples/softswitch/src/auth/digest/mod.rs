//! Digest authentication as a server (RFC 3261 section 22, RFC 7616, RFC 8760).

use std::time::{Duration, SystemTime};

use sipward::sip::Credentials;

use super::accounts::Accounts;

mod answer;
pub mod hash;
mod nonce;

use self::answer::Answer;
use self::hash::{Algorithm, DigestInput, Hash};
use self::nonce::{Nonces, REMEMBERED_NONCES};

/// How long the softswitch accepts a nonce after issuing it.
pub const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// The credentials for our realm that one request may have: one for each algorithm, and an older one.
const MAX_ANSWERS: usize = 4;

/// Challenges requests and verifies credentials.
///
/// Holds the counts of at most 65,536 nonces; a nonce older than the oldest of
/// these counts as stale.
pub struct DigestAuthenticator {
    realm: String,
    accounts: Accounts,
    nonces: Nonces,
    /// Used in place of the HA1 of an unknown user, so that the check takes the same time.
    unknown_user_ha1: Hash,
}

/// What the credentials of one request are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestResult {
    /// The request comes from this account.
    Authenticated { user: String },
    /// There are no digest credentials for our realm, or only a name without a response.
    Missing,
    /// The password is right, but the nonce has expired or its count did not rise: challenge with
    /// `stale=true`, and the client repeats the request without asking its user for the password
    /// (RFC 7616 section 3.3).
    Stale { user: String },
    /// Challenge anew, without `stale`. `user` is the name in the credentials, empty if these could
    /// not be read.
    Refused { user: String, why: DigestFailure },
}

/// Why credentials were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestFailure {
    /// No account has this name.
    UnknownUser,
    /// The response was not made with this account's password.
    WrongPassword,
    /// The nonce was not issued here, or before the last restart.
    BadNonce,
    /// The algorithm was not among the challenges.
    AlgorithmNotOffered,
    /// Not readable, or without `qop=auth`, `cnonce` and `nc`, or with
    /// `userhash` or `username*`, which are not offered.
    Malformed,
}

impl DigestFailure {
    /// The reason in snake case, for events and counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::WrongPassword => "wrong_password",
            Self::BadNonce => "bad_nonce",
            Self::AlgorithmNotOffered => "algorithm_not_offered",
            Self::Malformed => "malformed",
        }
    }
}

impl DigestAuthenticator {
    /// `realm` is the one the accounts were made for. `secret` authenticates
    /// nonces and must be drawn anew at each start, because the counts that
    /// tell replays are not kept across restarts.
    pub fn new(
        realm: String,
        accounts: Accounts,
        secret: [u8; 32],
        nonce_lifetime: Duration,
    ) -> Self {
        Self {
            realm,
            accounts,
            nonces: Nonces::new(secret, nonce_lifetime, REMEMBERED_NONCES),
            unknown_user_ha1: Algorithm::Sha256.hash(&[&secret]),
        }
    }

    /// The accounts that credentials are checked against.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Replaces the accounts by others made for the same realm. Nonces stay valid.
    pub fn replace_accounts(&mut self, accounts: Accounts) {
        self.accounts = accounts;
    }

    /// The values of the `WWW-Authenticate` or `Proxy-Authenticate` headers, to be sent in this
    /// order. Empty if the accounts are open. With `md5_only` the only challenge is the MD5 one, if
    /// MD5 is configured: some phones understand no other.
    pub fn challenges(&self, now: SystemTime, stale: bool, md5_only: bool) -> Vec<String> {
        let nonce = self.nonces.issue(now);
        let realm = &self.realm;
        let stale = if stale { ", stale=true" } else { "" };
        let only_md5 = md5_only
            && self
                .accounts
                .algorithms()
                .any(|each| each == Algorithm::Md5);
        self.accounts
            .algorithms()
            .filter(|each| !only_md5 || *each == Algorithm::Md5)
            .map(|algorithm| {
                let algorithm = algorithm.name();
                format!(
                    "Digest realm=\"{realm}\", nonce=\"{nonce}\"{stale}, \
                     algorithm={algorithm}, qop=\"auth\""
                )
            })
            .collect()
    }

    /// Checks the values of a request's `Authorization` (or `Proxy-Authorization`) headers. The
    /// first that authenticates decides; otherwise the result is `Stale` if any is stale, else
    /// `Refused` for the first that was refused. The `uri` in the credentials need not be the
    /// Request-URI: phones and proxies write both in several ways (RFC 3261 section 22.4).
    ///
    /// The fifth for our realm is refused unread, since each is a guess at a password and all of them
    /// together would be one failure.
    pub fn verify(&mut self, method: &str, credentials: &[&[u8]], now: SystemTime) -> DigestResult {
        let mut result = DigestResult::Missing;
        let mut guesses = 0;
        for value in credentials {
            let answer = match self.read_for_realm(value) {
                None => continue,
                Some(answer) => answer,
            };
            guesses += 1;
            let found = match answer {
                _ if guesses > MAX_ANSWERS => return refused("", DigestFailure::Malformed),
                Err(why) => refused("", why),
                Ok(answer) => self.check(method, &answer, now),
            };
            match (&result, &found) {
                (_, DigestResult::Authenticated { .. }) => return found,
                (_, DigestResult::Stale { .. }) | (DigestResult::Missing, _) => result = found,
                _ => {}
            }
        }
        result
    }

    /// `None` for another scheme or realm, and for a name without a response.
    fn read_for_realm<'a>(&self, value: &'a [u8]) -> Option<Result<Answer<'a>, DigestFailure>> {
        let scheme = value.split(u8::is_ascii_whitespace).next();
        if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Digest")) {
            return None;
        }
        let Ok(credentials) = Credentials::parse(value) else {
            return Some(Err(DigestFailure::Malformed));
        };
        let answer = Answer::of(&credentials);
        let is_ours = answer.realm == self.realm && !answer.is_empty();
        is_ours.then_some(Ok(answer))
    }

    fn check(&mut self, method: &str, answer: &Answer<'_>, now: SystemTime) -> DigestResult {
        let username = &*answer.username;
        let Some(count) = answer.count() else {
            return refused(username, DigestFailure::Malformed);
        };
        let offered = |named: &Algorithm| self.accounts.algorithms().any(|each| each == *named);
        let Some(algorithm) = answer.algorithm().filter(offered) else {
            return refused(username, DigestFailure::AlgorithmNotOffered);
        };
        let Some(nonce) = self.nonces.recognise(&answer.nonce) else {
            return refused(username, DigestFailure::BadNonce);
        };

        // The response is computed for an unknown user too: otherwise the time taken would tell
        // which users exist.
        let account = self.accounts.ha1(username, algorithm);
        let ha1 = account.map_or(&self.unknown_user_ha1, |(_, ha1)| ha1);
        let input = DigestInput {
            method,
            uri: &answer.uri,
            nonce: &answer.nonce,
            count: answer.nc.as_bytes(),
            cnonce: &answer.cnonce,
        };
        let matches = bool::from(algorithm.response(ha1, &input).matches(&answer.response));
        let Some((user, _)) = account else {
            return refused(username, DigestFailure::UnknownUser);
        };
        if !matches {
            return refused(username, DigestFailure::WrongPassword);
        }

        // A count that does not rise is a replay (RFC 7616 section 3.4), because nothing is
        // retransmitted over TLS. The result is `Stale` all the same: a replayer cannot answer the
        // new nonce, and a phone that always sends nc=00000001 is let in after one more round trip.
        let user = user.to_owned();
        if !self.nonces.record_use(nonce, count, now) {
            return DigestResult::Stale { user };
        }
        DigestResult::Authenticated { user }
    }
}

fn refused(user: &str, why: DigestFailure) -> DigestResult {
    DigestResult::Refused {
        user: user.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests;
