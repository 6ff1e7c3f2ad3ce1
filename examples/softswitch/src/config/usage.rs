//! Usage errors that only a check of several options together can find.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use clap::Command;
use clap::error::ErrorKind;

use crate::auth::accounts::AccountError;

/// A combination of options that makes no sense. `Display` says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// `--cert` without `--key`.
    CertWithoutKey,
    /// `--key` without `--cert`.
    KeyWithoutCert,
    /// `--advertise` for an address that is not listened on.
    AdvertisedNowhere { listener: SocketAddr },
    /// Two `--advertise` for the same listener, or two for all.
    AdvertisedTwice,
    /// `--listen` has one address twice.
    ListenedTwice { listen: SocketAddr },
    /// A domain is not a host.
    BadDomain { domain: String },
    /// `--user` is not a valid account.
    BadUser(AccountError),
    /// Accounts with `--no-auth`, which never asks for a password.
    OpenWithAccounts,
    /// `--no-auth` on an address that other machines can reach, without `--allow-open`.
    OpenToOthers { listen: SocketAddr },
}

impl UsageError {
    /// The error in the form of clap's own errors, which end the process with exit code 2.
    pub fn into_clap(self, command: &mut Command) -> clap::Error {
        let kind = match self {
            Self::CertWithoutKey | Self::KeyWithoutCert => ErrorKind::MissingRequiredArgument,
            Self::OpenWithAccounts | Self::OpenToOthers { .. } => ErrorKind::ArgumentConflict,
            Self::AdvertisedNowhere { .. }
            | Self::AdvertisedTwice
            | Self::ListenedTwice { .. }
            | Self::BadDomain { .. }
            | Self::BadUser(_) => ErrorKind::ValueValidation,
        };
        command.error(kind, self)
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertWithoutKey => f.write_str(
                "--cert is given without --key; give both, or neither for a development certificate",
            ),
            Self::KeyWithoutCert => f.write_str(
                "--key is given without --cert; give both, or neither for a development certificate",
            ),
            Self::AdvertisedNowhere { listener } => write!(
                f,
                "--advertise names the listener {listener}, which no --listen has; \
                 write it as in --listen"
            ),
            Self::AdvertisedTwice => f.write_str(
                "--advertise is given twice for the same listener; \
                 write LISTENER=HOST for each, and HOST alone once at most",
            ),
            Self::ListenedTwice { listen } => write!(
                f,
                "--listen {listen} is given twice; remove one of the two"
            ),
            Self::BadDomain { domain } => write!(
                f,
                "--domain '{domain}' is not a host name or address; \
                 give only what follows the @ in sip:alice@example.com"
            ),
            Self::BadUser(error) => write!(f, "--user cannot be used: {error}"),
            Self::OpenWithAccounts => f.write_str(
                "--no-auth asks nobody for a password, but accounts are given; \
                 remove --no-auth, or --user and --users-file",
            ),
            Self::OpenToOthers { listen } => write!(
                f,
                "--no-auth on {listen} lets other machines register and call without a password; \
                 listen on 127.0.0.1, name accounts with --user, or add --allow-open if that is meant"
            ),
        }
    }
}

impl Error for UsageError {}
