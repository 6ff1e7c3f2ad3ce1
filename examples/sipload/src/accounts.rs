//! The accounts that clients register and call with.

use crate::digest::Algorithm;
use std::fmt;

/// One user of the server's domain.
#[derive(Clone)]
pub struct Account {
    /// The user's name.
    pub user: String,
    /// The password to answer a challenge with, if there is one.
    pub password: Option<String>,
    /// The domain.
    pub domain: String,
    /// The only digest algorithm to use; `None`: the server's first choice.
    pub algorithm: Option<Algorithm>,
}

/// The accounts of all parties, made from the names and passwords of the command line.
#[derive(Clone)]
pub struct Accounts {
    given: Vec<(String, String)>,
    domain: String,
    algorithm: Option<Algorithm>,
}

/// An account of the command line is not NAME:PASSWORD.
#[derive(Clone, Debug)]
pub struct NotAnAccount;

impl Accounts {
    /// From texts `NAME:PASSWORD`. `{}` in a name stands for the party's number, from 0 on. Without
    /// any text, the account is `sipload{}` without a password.
    ///
    /// # Errors
    /// [`NotAnAccount`].
    pub fn new(
        given: &[String],
        domain: &str,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, NotAnAccount> {
        let split = |text: &String| {
            let (name, password) = text.split_once(':').ok_or(NotAnAccount)?;
            if name.is_empty() || name.contains(['"', '<', '>', '@', ' ']) {
                return Err(NotAnAccount);
            }
            Ok((name.to_owned(), password.to_owned()))
        };
        Ok(Self {
            given: given.iter().map(split).collect::<Result<_, _>>()?,
            domain: domain.to_owned(),
            algorithm,
        })
    }

    /// The account of the party with this number. If there are fewer accounts than parties, they
    /// are used in turn.
    pub fn of(&self, party: usize) -> Account {
        let numbered = |name: &str| name.replace("{}", &party.to_string());
        let (user, password) = match self.given.get(party % self.given.len().max(1)) {
            Some((name, password)) => (numbered(name), Some(password.clone())),
            None => (numbered("sipload{}"), None),
        };
        Account {
            user,
            password,
            domain: self.domain.clone(),
            algorithm: self.algorithm,
        }
    }

    /// True when each of this number of parties has an account of its own.
    pub fn suffice_for(&self, parties: usize) -> bool {
        let all_numbered = self.given.iter().all(|(name, _)| name.contains("{}"));
        all_numbered || self.given.len() >= parties
    }
}

impl Account {
    /// The address-of-record.
    pub fn address(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }
}

impl fmt::Display for NotAnAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a --user is not NAME:PASSWORD, with a NAME as it stands in a SIP URI")
    }
}

impl std::error::Error for NotAnAccount {}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(given: &[&str]) -> Accounts {
        let given: Vec<String> = given.iter().map(|&text| text.to_owned()).collect();
        Accounts::new(&given, "a.b", None).unwrap()
    }

    #[test]
    fn accounts_are_used_in_turn() {
        let accounts = accounts(&["alice:x:y", "bob:"]);
        assert_eq!(accounts.of(2).address(), "sip:alice@a.b");
        assert_eq!(accounts.of(2).password.as_deref(), Some("x:y"));
        assert_eq!(accounts.of(1).password.as_deref(), Some(""));
        assert!(accounts.suffice_for(2) && !accounts.suffice_for(3));
    }

    #[test]
    fn one_pattern_serves_any_number_of_parties() {
        let accounts = accounts(&["load{}:secret"]);
        assert_eq!(accounts.of(17).user, "load17");
        assert!(accounts.suffice_for(1_000));
    }

    #[test]
    fn without_accounts_every_party_has_a_name_and_no_password() {
        let account = accounts(&[]).of(3);
        assert_eq!(
            (account.user.as_str(), account.password),
            ("sipload3", None)
        );
    }

    #[test]
    fn a_malformed_account_is_refused() {
        for given in ["alice", ":secret", "a@b:secret"] {
            assert!(Accounts::new(&[given.to_owned()], "a.b", None).is_err());
        }
    }
}
