//! The accounts that phones register as. Only digest hashes of the passwords are kept.
//!
//! An account is `NAME:PASSWORD`, or in a file also `NAME:HA1` with HA1 = H(name ":" realm ":"
//! password) of RFC 7616 section 3.4.2: 32 hex digits are an MD5 hash, 64 a SHA-256 one. Therefore
//! a password of exactly 32 or 64 hex digits in a file is read as a hash.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::path::Path;

use super::digest::hash::{Algorithm, Hash};
use crate::config::DigestAlgorithms;

mod errors;

pub use self::errors::{AccountError, FileError};

/// Editors put it at the beginning of a text, and `cat` leaves it between two texts.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The users, and the hashes of their passwords.
pub struct Accounts {
    realm: String,
    domains: Vec<String>,
    open: bool,
    offered: DigestAlgorithms,
    listed: HashMap<String, Account>,
    sha256_accounts: usize,
    md5_accounts: usize,
}

/// A user with a generated password, to be shown once.
pub struct DemoUser {
    pub name: &'static str,
    pub password: String,
}

struct Account {
    hashes: Hashes,
    /// The hashes for the user name `name@domain`, which some clients use.
    in_domain: Vec<(String, Hashes)>,
}

#[derive(Default)]
struct Hashes {
    sha256: Option<Hash>,
    md5: Option<Hash>,
}

impl Accounts {
    /// Accounts that accept every name and challenge no request.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::new("", &[])
        }
    }

    /// No accounts yet. Passwords will be hashed for `realm`, and for the user
    /// names `NAME`, `NAME@realm` and `NAME@domain` of each domain.
    pub fn new(realm: &str, domains: &[String]) -> Self {
        let mut domains = domains.to_vec();
        if !domains.iter().any(|domain| domain == realm) {
            domains.push(realm.to_owned());
        }
        Self {
            realm: realm.to_owned(),
            domains,
            open: false,
            offered: DigestAlgorithms::Both,
            listed: HashMap::new(),
            sha256_accounts: 0,
            md5_accounts: 0,
        }
    }

    /// Challenges with these algorithms only. Call it before adding accounts: an account without a
    /// hash for any of them is then refused.
    pub fn with_algorithms(mut self, offered: DigestAlgorithms) -> Self {
        self.offered = offered;
        self
    }

    /// The users alice and bob with random passwords of 80 bits, to try the switch with.
    pub fn demo(realm: &str, domains: &[String]) -> Result<(Self, [DemoUser; 2]), AccountError> {
        let mut accounts = Self::new(realm, domains);
        let alice = accounts.add_demo("alice")?;
        let bob = accounts.add_demo("bob")?;
        Ok((accounts, [alice, bob]))
    }

    /// Adds an account given as `NAME:PASSWORD`; the password may contain colons.
    pub fn add(&mut self, name_and_password: &str) -> Result<(), AccountError> {
        let (name, password) = split(name_and_password)?;
        let account = self.account_of(name, password);
        self.insert(name, account)
    }

    /// Adds the accounts of a file with one `NAME:PASSWORD` or `NAME:HA1` a line; blank lines,
    /// lines that begin with `#`, a byte order mark and white space around a line are ignored, and
    /// lines end as on any system. Returns how many were added. After an error some may have been added; do not use the accounts then.
    pub fn load(&mut self, path: &Path) -> Result<usize, FileError> {
        let bytes = std::fs::read(path).map_err(|error| FileError::unreadable(path, error))?;
        if is_utf16(&bytes) {
            return Err(FileError::utf16(path));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            FileError::not_utf8(path, lines(&before).count())
        })?;
        self.add_lines(text)
            .map_err(|(line, error)| FileError::in_line(path, line, error))
    }

    /// Adds the accounts in the text of such a file; an error comes with the number of its line.
    pub(super) fn add_lines(&mut self, text: &str) -> Result<usize, (usize, AccountError)> {
        let before = self.listed.len();
        for (index, line) in lines(text).enumerate() {
            let line = line.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK);
            if !line.is_empty() && !line.starts_with('#') {
                self.add_line(line).map_err(|error| (index + 1, error))?;
            }
        }
        Ok(self.listed.len() - before)
    }

    /// Whether phones may register as `user`; always true if the accounts are open.
    pub fn contains(&self, user: &str) -> bool {
        self.open || self.listed.contains_key(user)
    }

    /// Whether every name is accepted without a password.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The algorithms to challenge with, the preferred one first. These are the configured ones for
    /// which every account has a hash, because the switch sends a challenge before it knows the
    /// account. Empty if the accounts are open.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        let offered = match self.open {
            true => [None, None],
            false => Algorithm::PREFERENCE
                .map(|each| (self.offers(each) && self.all_know(each)).then_some(each)),
        };
        offered.into_iter().flatten()
    }

    /// The account name and HA1 for the `username` of credentials, which is a name with or without
    /// a domain. For an account loaded as an HA1 only the name without a domain is known, because
    /// the HA1 contains the name.
    pub fn ha1(&self, username: &str, algorithm: Algorithm) -> Option<(&str, &Hash)> {
        let name = username.split_once('@').map_or(username, |(name, _)| name);
        let (name, account) = self.listed.get_key_value(name)?;
        let hashes = match username.split_once('@') {
            None => &account.hashes,
            Some((_, domain)) => {
                let mut forms = account.in_domain.iter();
                &forms.find(|(known, _)| known == domain)?.1
            }
        };
        Some((name, hashes.ha1(algorithm)?))
    }

    fn add_demo(&mut self, name: &'static str) -> Result<DemoUser, AccountError> {
        // 32 characters, 5 bits each, without those that are easily confused.
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(AccountError::NoRandomness)?;
        let password: String = random
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
            .collect();
        let account = self.account_of(name, &password);
        self.insert(name, account)?;
        Ok(DemoUser { name, password })
    }

    fn add_line(&mut self, line: &str) -> Result<(), AccountError> {
        let (name, secret) = split(line)?;
        let account = match Hash::from_hex(secret) {
            None => self.account_of(name, secret),
            Some((algorithm, ha1)) => Account {
                hashes: Hashes::only(algorithm, ha1),
                in_domain: Vec::new(),
            },
        };
        self.insert(name, account)
    }

    fn insert(&mut self, name: &str, account: Account) -> Result<(), AccountError> {
        let Entry::Vacant(place) = self.listed.entry(name.to_owned()) else {
            return Err(AccountError::NamedTwice(name.to_owned()));
        };
        self.sha256_accounts += usize::from(account.hashes.sha256.is_some());
        self.md5_accounts += usize::from(account.hashes.md5.is_some());
        place.insert(account);
        match self.algorithms().next() {
            Some(_) => Ok(()),
            None => Err(AccountError::NoCommonAlgorithm(name.to_owned())),
        }
    }

    fn account_of(&self, name: &str, password: &str) -> Account {
        let hashes = |username: &str| Hashes {
            sha256: Some(self.hash(Algorithm::Sha256, username, password)),
            md5: Some(self.hash(Algorithm::Md5, username, password)),
        };
        let in_domain = self.domains.iter().map(|domain| {
            let username = format!("{name}@{domain}");
            (domain.clone(), hashes(&username))
        });
        Account {
            hashes: hashes(name),
            in_domain: in_domain.collect(),
        }
    }

    fn hash(&self, algorithm: Algorithm, username: &str, password: &str) -> Hash {
        algorithm.hash(&[
            username.as_bytes(),
            self.realm.as_bytes(),
            password.as_bytes(),
        ])
    }

    fn offers(&self, algorithm: Algorithm) -> bool {
        match self.offered {
            DigestAlgorithms::Md5 => algorithm == Algorithm::Md5,
            DigestAlgorithms::Sha256 => algorithm == Algorithm::Sha256,
            DigestAlgorithms::Both => true,
        }
    }

    fn all_know(&self, algorithm: Algorithm) -> bool {
        let knowing = match algorithm {
            Algorithm::Sha256 => self.sha256_accounts,
            Algorithm::Md5 => self.md5_accounts,
        };
        knowing == self.listed.len()
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("realm", &self.realm)
            .field("open", &self.open)
            .field("listed", &self.listed.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DemoUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoUser({}, ..)", self.name)
    }
}

impl Hashes {
    fn only(algorithm: Algorithm, ha1: Hash) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self {
                sha256: Some(ha1),
                md5: None,
            },
            Algorithm::Md5 => Self {
                sha256: None,
                md5: Some(ha1),
            },
        }
    }

    fn ha1(&self, algorithm: Algorithm) -> Option<&Hash> {
        match algorithm {
            Algorithm::Sha256 => self.sha256.as_ref(),
            Algorithm::Md5 => self.md5.as_ref(),
        }
    }
}

/// Whether the text is UTF-16, with its byte order mark or without: then every other byte of the first
/// name is zero.
const fn is_utf16(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..]
    )
}

/// The lines of a text, which end in LF, CRLF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .flat_map(|line| line.split('\r'))
}

/// Splits `NAME:SECRET`. The name must need no escape in a SIP URI or a quoted string, and must not
/// contain a domain.
fn split(line: &str) -> Result<(&str, &str), AccountError> {
    let (name, secret) = line.split_once(':').ok_or(AccountError::NoColon)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(AccountError::BadName);
    }
    if secret.is_empty() {
        return Err(AccountError::NoPassword(name.to_owned()));
    }
    Ok((name, secret))
}

#[cfg(test)]
mod tests;
