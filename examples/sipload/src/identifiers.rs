//! Branches, Call-IDs and tags that no other request, client or run uses (RFC 3261 8.1.1.4,
//! 8.1.1.7, 19.3).

use std::fmt;

/// The identifiers of one client.
#[derive(Clone, Debug)]
pub struct Identifiers {
    run: u32,
    client: usize,
    branches: u64,
}

/// One identifier, written by `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier {
    prefix: &'static str,
    run: u32,
    client: usize,
    number: u64,
    suffix: &'static str,
}

impl Identifiers {
    /// For the client with this number, in the run with this random number.
    pub fn new(run: u32, client: usize) -> Self {
        Self {
            run,
            client,
            branches: 0,
        }
    }

    /// A new branch parameter, with the magic cookie.
    pub fn branch(&mut self) -> Identifier {
        self.branches += 1;
        self.name("z9hG4bK", self.branches, "")
    }

    /// The Call-ID of the client's dialog with this number.
    pub fn call_id(&self, number: u64) -> Identifier {
        self.name("", number, "@sipload")
    }

    /// The client's tag.
    pub fn tag(&self) -> Identifier {
        self.name("t", 0, "")
    }

    fn name(&self, prefix: &'static str, number: u64, suffix: &'static str) -> Identifier {
        Identifier {
            prefix,
            run: self.run,
            client: self.client,
            number,
            suffix,
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            prefix,
            run,
            client,
            number,
            suffix,
        } = self;
        write!(f, "{prefix}{run:08x}-{client}-{number}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_branches_are_the_same() {
        let mut one = Identifiers::new(1, 1);
        let mut other = Identifiers::new(1, 2);
        let first = one.branch();
        assert_eq!(first.to_string(), "z9hG4bK00000001-1-1");
        assert_ne!(first, one.branch());
        assert_ne!(first, other.branch());
        assert_ne!(first, Identifiers::new(2, 1).branch());
    }
}
