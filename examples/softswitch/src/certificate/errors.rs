//! Errors in preparing a development certificate.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What failed, on which file, and what to do about it.
#[derive(Debug)]
pub enum CertificateError {
    /// The operating system refused to read, write or create this file.
    File {
        action: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    /// The file exists, but its content is not what it should be.
    Damaged { path: PathBuf, what: String },
    /// Only one of the authority's certificate and key exists.
    Incomplete { present: PathBuf, absent: PathBuf },
    /// The authority's certificate and key do not belong together.
    Mismatch { certificate: PathBuf, key: PathBuf },
    /// The server's certificate was issued by another authority.
    Foreign { path: PathBuf },
    /// The authority has expired, or will within 7 days.
    Expired { path: PathBuf },
    /// Keys or certificates could not be generated.
    Generation(rcgen::Error),
}

impl CertificateError {
    pub(super) fn file(action: &'static str, path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::File {
            action,
            path,
            error,
        }
    }

    pub(super) fn damaged(path: &Path, what: impl fmt::Display) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                action,
                path,
                error,
            } => write!(
                f,
                "cannot {action} {} ({error}); correct its permissions or choose another --data directory",
                path.display()
            ),
            Self::Damaged { path, what } => write!(
                f,
                "{} is damaged ({what}); restore it, or move it and its neighbours away to have new ones made",
                path.display()
            ),
            Self::Incomplete { present, absent } => write!(
                f,
                "{} is there without {}; restore the latter, or move the former away to have a new authority made",
                present.display(),
                absent.display()
            ),
            Self::Mismatch { certificate, key } => write!(
                f,
                "{} is not the key of {}; restore the right one, or move both away to have a new authority made",
                key.display(),
                certificate.display()
            ),
            Self::Foreign { path } => write!(
                f,
                "{} was not issued by the authority beside it; use --cert and --key for a certificate \
                 of your own, or move it away to have one made",
                path.display()
            ),
            Self::Expired { path } => write!(
                f,
                "the authority {} expires within 7 days; move it and its neighbours away to have a new one \
                 made, which phones must then be told to trust",
                path.display()
            ),
            Self::Generation(error) => write!(
                f,
                "a key or certificate could not be generated ({error}); use --cert and --key for one of your own"
            ),
        }
    }
}

impl Error for CertificateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Generation(error) => Some(error),
            _ => None,
        }
    }
}

impl From<rcgen::Error> for CertificateError {
    fn from(error: rcgen::Error) -> Self {
        Self::Generation(error)
    }
}
