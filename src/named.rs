//! Enums whose values have a stable name in logs, metrics and events: one list for writing and for parsing.

use std::fmt;

/// A text is not the name of any value of the type it was parsed into.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownName {
    given: String,
    known: &'static [&'static str],
}

impl UnknownName {
    pub(crate) fn new(given: &str, known: &'static [&'static str]) -> Self {
        Self {
            given: given.to_owned(),
            known,
        }
    }

    /// The text that was parsed.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The names it could have been.
    pub const fn known(&self) -> &'static [&'static str] {
        self.known
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.join(", ");
        write!(f, "`{}` is not one of {known}", self.given)
    }
}

impl std::error::Error for UnknownName {}

/// Implements `ALL`, `name`, `Display` and `FromStr` from one list of variants and names. A variant that
/// the list leaves out does not compile.
macro_rules! named {
    ($(#[$name_doc:meta])* $type:ident { $($variant:ident = $name:literal,)+ }) => {
        impl $type {
            /// Every value, in the order of the variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            $(#[$name_doc])*
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        /// Writes the [`name`](Self::name).
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        /// Reads a [`name`](Self::name), in exactly that spelling.
        impl std::str::FromStr for $type {
            type Err = $crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::named::UnknownName::new(text, &[$($name),+])),
                }
            }
        }
    };
}
