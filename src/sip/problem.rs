//! Why a header value cannot be read.

use std::error::Error;
use std::fmt;

/// Why a header value cannot be read, in words that fit a log line and a 400's reason phrase. Carries
/// nothing that the peer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// The value is empty.
    Empty,
    /// A quoted string is never closed.
    UnbalancedQuote,
    /// An angle bracket is never closed, or closed without having been opened.
    UnbalancedBracket,
    /// Something follows, or stands between, what the grammar allows.
    Leftover,
    /// A display name has characters that need quotes.
    DisplayName,
    /// The URI has no scheme, or a character that no URI may have (RFC 3986 §2).
    Uri,
    /// A sip or sips URI without a host that can be read.
    Host,
    /// A port that is no number up to 65535.
    Port,
    /// A parameter without a name, or a value that is neither a token, a host nor a quoted string.
    Parameter,
    /// A number is missing, too large, or not digits only.
    Number,
    /// A token is missing or has other characters.
    Token,
    /// It names a version of SIP other than 2.0.
    Version,
    /// `*` stands beside other contacts.
    Star,
    /// Credentials or a challenge without a scheme.
    Scheme,
}

impl Problem {
    /// What is wrong, in a few words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "empty value",
            Self::UnbalancedQuote => "unbalanced quote",
            Self::UnbalancedBracket => "unbalanced angle bracket",
            Self::Leftover => "unexpected text",
            Self::DisplayName => "display name needs quotes",
            Self::Uri => "bad URI",
            Self::Host => "bad host",
            Self::Port => "bad port",
            Self::Parameter => "bad parameter",
            Self::Number => "bad number",
            Self::Token => "bad token",
            Self::Version => "unknown version",
            Self::Star => "star beside other contacts",
            Self::Scheme => "missing scheme",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Error for Problem {}
