//! Turns options into settings: fills in defaults and refuses contradictions.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sipward::Threads;

use super::admission::Admission;
use super::host::{canonical, of_address};
use super::threads;
use super::{Advertise, DigestAlgorithms, LogForm, LogLevel, Options, Password, UsageError};
use crate::auth::accounts::Accounts;

/// The settings of the softswitch. Each field is complete in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// At least one; all different unless their port is 0.
    pub listen: Vec<SocketAddr>,
    /// What phones reach the switch at, if that is another than they connect to. Each listener is
    /// there once at most.
    pub advertise: Vec<Advertise>,
    /// At least one; as in SIP URIs, so IPv6 addresses are in brackets. The
    /// first is the realm.
    pub domains: Vec<String>,
    /// This machine's name, if known.
    pub host_name: Option<String>,
    pub identity: Identity,
    pub accounts: AccountSource,
    pub digest: DigestAlgorithms,
    pub data: PathBuf,
    pub log: LogForm,
    pub log_level: LogLevel,
    pub events: Option<EventSink>,
    pub handshake_deadline: Duration,
    pub authentication_deadline: Duration,
    pub admission: Admission,
    pub max_contacts: usize,
    pub threads: Threads,
    /// Validate and exit.
    pub check: bool,
}

/// The source of certificate and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Files {
        cert: PathBuf,
        key: PathBuf,
    },
    /// Issued by a development authority in the data directory.
    Development,
}

/// The source of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountSource {
    /// No request is challenged.
    Open,
    /// At least one of the two is given.
    Listed {
        users: Vec<Password>,
        file: Option<PathBuf>,
    },
    /// Two users with generated passwords, which are printed.
    Demo,
}

impl AccountSource {
    /// Whether reading the source again can give other accounts.
    pub fn is_reloadable(&self) -> bool {
        matches!(self, Self::Listed { file: Some(_), .. })
    }
}

/// The output for events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSink {
    StandardOutput,
    File(PathBuf),
}

impl Options {
    /// The settings for these options on a machine of that name. Reads no files: those that options
    /// name are checked where they are used.
    pub fn validate(self, host_name: Option<String>) -> Result<Settings, UsageError> {
        let identity = identity(self.cert, self.key)?;
        check_listen(&self.listen)?;
        check_advertise(&self.advertise, &self.listen)?;
        check_users(&self.users)?;
        let has_accounts = !self.users.is_empty() || self.users_file.is_some();
        if self.no_auth && has_accounts {
            return Err(UsageError::OpenWithAccounts);
        }
        let reachable = self.listen.iter().find(|each| !each.ip().is_loopback());
        if let (true, false, Some(&listen)) = (self.no_auth, self.allow_open, reachable) {
            return Err(UsageError::OpenToOthers { listen });
        }

        let domains = domains(self.domains, &self.listen, host_name.as_deref())?;
        let accounts = match (self.no_auth, has_accounts) {
            (true, _) => AccountSource::Open,
            (false, false) => AccountSource::Demo,
            (false, true) => AccountSource::Listed {
                users: self.users,
                file: self.users_file,
            },
        };
        Ok(Settings {
            listen: self.listen,
            advertise: self.advertise,
            domains,
            host_name,
            identity,
            accounts,
            digest: self.digest,
            data: self.data,
            log: self.log,
            log_level: self.log_level,
            events: self.events.map(event_sink),
            handshake_deadline: self.handshake_deadline,
            authentication_deadline: self.authentication_deadline,
            admission: self.admission,
            max_contacts: self.max_contacts.get(),
            threads: self.threads.unwrap_or_else(threads::default_threads),
            check: self.check,
        })
    }
}

fn identity(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Identity, UsageError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Identity::Files { cert, key }),
        (None, None) => Ok(Identity::Development),
        (Some(_), None) => Err(UsageError::CertWithoutKey),
        (None, Some(_)) => Err(UsageError::KeyWithoutCert),
    }
}

fn check_listen(addresses: &[SocketAddr]) -> Result<(), UsageError> {
    for (index, &listen) in addresses.iter().enumerate() {
        if listen.port() != 0 && addresses[..index].contains(&listen) {
            return Err(UsageError::ListenedTwice { listen });
        }
    }
    Ok(())
}

fn check_advertise(advertised: &[Advertise], listen: &[SocketAddr]) -> Result<(), UsageError> {
    for (index, each) in advertised.iter().enumerate() {
        if let Some(listener) = each.listener.filter(|listener| !listen.contains(listener)) {
            return Err(UsageError::AdvertisedNowhere { listener });
        }
        if advertised[..index]
            .iter()
            .any(|other| other.listener == each.listener)
        {
            return Err(UsageError::AdvertisedTwice);
        }
    }
    Ok(())
}

/// Adds the users to temporary accounts, so that the same rules apply.
fn check_users(users: &[Password]) -> Result<(), UsageError> {
    let mut trial = Accounts::new("", &[]);
    for user in users {
        trial.add(user.reveal()).map_err(UsageError::BadUser)?;
    }
    Ok(())
}

fn domains(
    named: Vec<String>,
    listen: &[SocketAddr],
    host_name: Option<&str>,
) -> Result<Vec<String>, UsageError> {
    let mut domains = Vec::new();
    for domain in named {
        let Ok(canonical) = canonical(&domain) else {
            return Err(UsageError::BadDomain { domain });
        };
        if !domains.contains(&canonical) {
            domains.push(canonical);
        }
    }
    if domains.is_empty() {
        let address = listen.iter().map(SocketAddr::ip).next();
        domains.push(match address {
            Some(address) if !address.is_unspecified() => of_address(address),
            _ => host_name.unwrap_or("localhost").to_owned(),
        });
    }
    Ok(domains)
}

fn event_sink(path: PathBuf) -> EventSink {
    match path.as_os_str() == "-" {
        true => EventSink::StandardOutput,
        false => EventSink::File(path),
    }
}
