//! The development identity: a certificate authority and a server certificate issued by it (RFC
//! 5280, RFC 5922 section 7.1). Both are made on the first run and kept in a directory.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use time::OffsetDateTime;

mod errors;
mod files;
mod issue;
mod names;
mod stored;

pub use self::errors::CertificateError;
pub use self::names::SubjectNames;

/// The files of a usable identity, and what was done to prepare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Development {
    /// The certificate phones must trust, `ca.crt`.
    pub authority: PathBuf,
    /// The server's chain in PEM, `server.crt`: its certificate, then the authority's.
    pub certificate: PathBuf,
    /// The server's private key in PEM, `server.key`.
    pub key: PathBuf,
    pub preparation: Preparation,
}

/// What was done to prepare a development identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// A new authority and a new certificate were made: phones must be configured to trust the
    /// authority.
    Created,
    /// The stored authority and certificate are used.
    Reused,
    /// The stored authority issued a new certificate: phones trust it already.
    Reissued { why: Reissue },
}

/// Why a certificate was not reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reissue {
    /// `server.crt` or `server.key` was missing.
    Absent,
    /// `server.crt` was issued here, but for another key than `server.key`, as
    /// after an interrupted run.
    OtherKey,
    /// It does not cover these names.
    Uncovered { names: Vec<String> },
    /// It is valid for this many whole days only, 7 at most; negative after it has expired.
    Expiring { days: i64 },
}

/// Finds or makes a certificate for `names` in `directory`, which is created with mode 0700 if it
/// does not exist. Keys are written with mode 0600; every file is written whole or not at all.
///
/// A new authority is valid for 10 years, a certificate for 825 days or as long as its authority.
/// Existing files that cannot be read, are damaged or were issued elsewhere are errors, and are not
/// changed.
pub fn prepare(
    directory: &Path,
    names: &SubjectNames,
    now: SystemTime,
) -> Result<Development, CertificateError> {
    let paths = IdentityPaths::within(directory);
    let now = OffsetDateTime::from(now);
    let preparation = match stored::authority(&paths, now)? {
        None => {
            files::create_directory(directory)?;
            let authority = issue::authority(now)?;
            files::write_secret(&paths.authority_key, &authority.key_pem())?;
            files::write_public(&paths.authority, authority.certificate_pem())?;
            renew(&paths, &authority, names, now)?;
            Preparation::Created
        }
        Some(authority) => match stored::reissue_reason(&paths, &authority, names, now)? {
            None => Preparation::Reused,
            Some(why) => {
                renew(&paths, &authority, names, now)?;
                Preparation::Reissued { why }
            }
        },
    };
    Ok(Development {
        authority: paths.authority,
        certificate: paths.certificate,
        key: paths.key,
        preparation,
    })
}

/// The four files of an identity.
struct IdentityPaths {
    authority: PathBuf,
    authority_key: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl IdentityPaths {
    fn within(directory: &Path) -> Self {
        Self {
            authority: directory.join("ca.crt"),
            authority_key: directory.join("ca.key"),
            certificate: directory.join("server.crt"),
            key: directory.join("server.key"),
        }
    }
}

fn renew(
    paths: &IdentityPaths,
    authority: &issue::Authority,
    names: &SubjectNames,
    now: OffsetDateTime,
) -> Result<(), CertificateError> {
    let issued = authority.issue(names, now)?;
    files::write_secret(&paths.key, &issued.key_pem)?;
    files::write_public(&paths.certificate, &issued.chain_pem)
}

#[cfg(test)]
mod tests;
