//! Errors in accounts. No message contains a password.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why an account could not be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// The text is not of the form `NAME:PASSWORD`.
    NoColon,
    /// The part before the colon is not a user name. The message does not repeat it, because it is
    /// a password if the operator mistook the order.
    BadName,
    /// Nothing follows the colon.
    NoPassword(String),
    /// There is already an account of this name.
    NamedTwice(String),
    /// With this account, there is no algorithm for which all accounts have a hash.
    NoCommonAlgorithm(String),
    /// The operating system gave no random bytes for a password.
    NoRandomness(getrandom::Error),
}

/// A file of accounts that cannot be used.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    problem: FileProblem,
}

#[derive(Debug)]
enum FileProblem {
    Unreadable(io::Error),
    Utf16,
    NotUtf8(usize),
    Line(usize, AccountError),
}

impl FileError {
    pub(super) fn unreadable(path: &Path, error: io::Error) -> Self {
        Self::new(path, FileProblem::Unreadable(error))
    }

    pub(super) fn utf16(path: &Path) -> Self {
        Self::new(path, FileProblem::Utf16)
    }

    pub(super) fn not_utf8(path: &Path, line: usize) -> Self {
        Self::new(path, FileProblem::NotUtf8(line))
    }

    pub(super) fn in_line(path: &Path, line: usize, error: AccountError) -> Self {
        Self::new(path, FileProblem::Line(line, error))
    }

    fn new(path: &Path, problem: FileProblem) -> Self {
        let path = path.to_owned();
        Self { path, problem }
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColon => {
                f.write_str("an account is written NAME:PASSWORD, and here is no colon")
            }
            Self::BadName => f.write_str(
                "the name before the colon is empty or has a character other than letters, digits \
                 and -_.!~*'()&=+$, ; write the name without a domain",
            ),
            Self::NoPassword(name) => {
                write!(f, "the account {name} has no password after the colon")
            }
            Self::NamedTwice(name) => {
                write!(
                    f,
                    "there is already an account {name}; remove one of the two"
                )
            }
            Self::NoCommonAlgorithm(name) => write!(
                f,
                "the account {name} has not the kind of hash that --digest offers or others have, \
                 so that no challenge suits all; give {name} a password or the other hash, or \
                 change --digest"
            ),
            Self::NoRandomness(error) => write!(
                f,
                "the operating system gives no random bytes for a password ({error}); name users yourself"
            ),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            FileProblem::Unreadable(error) => write!(
                f,
                "the users file {path} cannot be read ({error}); name a readable UTF-8 text file"
            ),
            FileProblem::Utf16 => write!(
                f,
                "the users file {path} is UTF-16, which Windows Notepad calls Unicode; save it as UTF-8"
            ),
            FileProblem::NotUtf8(line) => write!(
                f,
                "{path}, line {line}: a character is not UTF-8; save the file as UTF-8, not as Latin-1 or ANSI"
            ),
            FileProblem::Line(line, error) => write!(f, "{path}, line {line}: {error}"),
        }
    }
}

impl Error for AccountError {}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            FileProblem::Unreadable(error) => Some(error),
            FileProblem::Utf16 | FileProblem::NotUtf8(_) => None,
            FileProblem::Line(_, error) => Some(error),
        }
    }
}
